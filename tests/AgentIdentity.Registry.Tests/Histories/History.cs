using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Tests.Histories;

/// <summary>What an agent, or somebody who wants to be one, asked for.</summary>
internal enum Act
{
    Verify,
    Issue,
    Renew,
    Record,
    Enrol,
    Delegate,
}

/// <summary>From before a call to after it, on a clock that counts calls; during which life of the node; seen by whom.</summary>
internal readonly record struct Moment(long Began, long Ended, int Boot, int Observer)
{
    public bool IsBefore(Moment other) => Ended < other.Began;
}

/// <summary>What a stop may name of whoever acts.</summary>
internal sealed record Party(SubjectId Agent, KeyId Key, string Sponsor, string Blueprint, SubjectId? Credential);

/// <param name="Index">The entry that an allowed write made.</param>
internal sealed record Acted(Moment Moment, Act Act, Party Party, Refusal Refusal, LeafIndex? Index)
{
    /// <summary>For a delegated credential: whose authority it is, nearest first.</summary>
    public IReadOnlyList<Party> Above { get; init; } = [];

    /// <summary>Of a delegation: who receives.</summary>
    public Party? Receiver { get; init; }
}

/// <param name="Name">The stop's incident, which no other has: by it an entry is found whose call was never answered.</param>
internal sealed record StopAsked(Moment Moment, string Name, Scope Scope, StandingState State, Refusal Refusal, LeafIndex Index, ulong Epoch);

internal sealed record RestoreAsked(Moment Moment, IReadOnlyList<LeafIndex> Stops, Refusal Refusal, LeafIndex Index, ulong Epoch);

internal sealed record EpochRead(Moment Moment, ulong Epoch);

/// <summary>All calls of a run, each with its moment, and the ledger that it ended with.</summary>
internal sealed class History
{
    private long _now;

    public ConcurrentQueue<Acted> Acts { get; } = [];

    public ConcurrentQueue<StopAsked> Stops { get; } = [];

    public ConcurrentQueue<RestoreAsked> Restores { get; } = [];

    public ConcurrentQueue<EpochRead> Epochs { get; } = [];

    public IReadOnlyList<EntryBody> Ledger { get; set; } = [];

    public long Tick() => Interlocked.Increment(ref _now);

    public Moment Since(long began, int boot, int observer) => new(began, Tick(), boot, observer);
}
