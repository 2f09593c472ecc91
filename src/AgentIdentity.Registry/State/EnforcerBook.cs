using System.Collections.Concurrent;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>That an enforcer has signed an epoch: it refuses what was denied at it. Checked before it was written down.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="IsObserving">It only reports, and refuses nothing.</param>
/// <param name="Decisions">How many decisions it had taken.</param>
/// <param name="Index">The entry that holds it.</param>
/// <param name="Position">Its place among the items of that entry.</param>
/// <param name="At">When it was sequenced, ms since 1970.</param>
/// <param name="Probe">What became of the last probe that it was shown; null when it says nothing of one.</param>
public sealed record SignedEpoch(ulong Epoch, bool IsObserving, ulong Decisions, LeafIndex Index, uint Position, long At, ProbeOutcome? Probe = null);

/// <summary>An alarm that an enforcer has told of.</summary>
/// <param name="Name">What for.</param>
/// <param name="Detail">What it expected and what it found.</param>
/// <param name="RaisedAt">When, by its clock, ms since 1970.</param>
/// <param name="Index">The entry that holds it.</param>
/// <param name="At">When it was sequenced, ms since 1970.</param>
public sealed record RaisedAlarm(string Name, string Detail, long RaisedAt, LeafIndex Index, long At);

/// <summary>What the ledger has of an enforcer.</summary>
/// <param name="Id">The enforcer.</param>
/// <param name="Unlogged">How many credentials it was shown that the ledger does not hold.</param>
public sealed record EnforcerRecord(SubjectId Id, ulong Unlogged = 0)
{
    /// <summary>The newest epochs that it has signed, oldest first.</summary>
    public SignedEpoch[] Signed { get; init; } = [];

    public SignedEpoch? Newest => Signed is [.., var last] ? last : null;

    /// <summary>The first that is known to be at or above an epoch, and to refuse. A later one proves no less, so that the oldest may be forgotten.</summary>
    public SignedEpoch? FirstSince(ulong epoch) => Array.Find(Signed, signed => signed.Epoch >= epoch && !signed.IsObserving);

    /// <summary>What became of its revokers, by stop, oldest first.</summary>
    public RevokerOutcome[] Revoked { get; init; } = [];

    /// <summary>Its newest alarm of each name, oldest first.</summary>
    public RaisedAlarm[] Alarms { get; init; } = [];

    /// <summary>What became of them under one stop; null when it has said nothing, or that is too long ago.</summary>
    public RevokerOutcome? RevokedUnder(LeafIndex stop) => Array.Find(Revoked, outcome => outcome.Stop == stop);

    /// <summary>What it has signed of any of these probes; null when it has said nothing of them, or that is too long ago.</summary>
    public ProbeOutcome? Of(IReadOnlyList<SubjectId> probes) => Array.Find(Signed, signed => signed.Probe is { } probe && probes.Contains(probe.Jti))?.Probe;
}

/// <summary>What enforcers have signed, as the ledger holds it. Changed by the writer, read by all.</summary>
public sealed class EnforcerBook
{
    // Of a day with hundreds of stops the newest; who asks about an older one is shown a later signature.
    private const int SignedMax = 128;

    // More names than there are; one that makes up names shows the newest.
    private const int AlarmsMax = 32;

    private readonly ConcurrentDictionary<SubjectId, EnforcerRecord> _records = new();

    public EnforcerRecord Find(SubjectId enforcer) => _records.GetValueOrDefault(enforcer) ?? new EnforcerRecord(enforcer);

    internal void Add(LeafIndex index, long at, EnforcersAcknowledged entry, Opening opening, RegistryState state)
    {
        // Held against the tree on the write and on the read, as issuances are.
        if (opening.Items.Count != entry.Count || MerkleHash.Root(opening.Items.Select(item => MerkleHash.Leaf(item)).ToArray()) != entry.Root)
            throw new LedgerDamagedException($"The acknowledgements of entry {index} do not have its root.");
        for (var i = 0; i < opening.Items.Count; i++)
        {
            if (!Acknowledgement.TryReadKept(Encoding.ASCII.GetString(opening.Items[i]), state.Founding!.PublicUrl, out var signed, out var key) || state.FindCaller(key.KeyId) is not { } enforcer)
                throw new LedgerDamagedException($"Acknowledgement {i} of entry {index} cannot be read, or is nobody's.");
            Add(enforcer.Id, new SignedEpoch(signed.Epoch, signed.IsObserving, signed.Decisions, index, (uint)i, at, signed.Probe), signed.Revokers);
        }
    }

    internal void Add(CredentialsUnlogged unlogged)
    {
        var record = Find(unlogged.Enforcer);
        _records[record.Id] = record with { Unlogged = record.Unlogged + (ulong)unlogged.Items.Count };
    }

    internal void Add(LeafIndex index, long at, EnforcerAlarmed alarmed)
    {
        var record = Find(alarmed.Enforcer);
        var others = record.Alarms.Where(alarm => alarm.Name != alarmed.Name).TakeLast(AlarmsMax - 1);
        _records[record.Id] = record with { Alarms = [.. others, new RaisedAlarm(alarmed.Name, alarmed.Detail, alarmed.RaisedAt, index, at)] };
    }

    internal IReadOnlyList<EnforcerRecord> Copy() => [.. _records.Values];

    internal void Restore(IReadOnlyList<EnforcerRecord> records)
    {
        foreach (var record in records)
            _records[record.Id] = record;
    }

    private void Add(SubjectId enforcer, SignedEpoch signed, IReadOnlyList<RevokerOutcome> revoked)
    {
        var record = Find(enforcer);
        // One that only adds what became of revokers says again what it has signed before.
        var isNew = record.Newest is not { } newest || signed.Epoch > newest.Epoch || signed.IsObserving != newest.IsObserving;
        _records[enforcer] = record with
        {
            Signed = isNew ? [.. record.Signed.AsSpan(Math.Max(0, record.Signed.Length - SignedMax + 1)), signed] : record.Signed,
            Revoked = revoked.Count == 0 ? record.Revoked : [.. record.Revoked.Where(held => !revoked.Any(outcome => outcome.Stop == held.Stop)).Concat(revoked).OrderBy(outcome => outcome.Stop.Value).TakeLast(SignedMax)],
        };
    }
}
