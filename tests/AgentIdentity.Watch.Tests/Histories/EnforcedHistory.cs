using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Histories;

namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>What an enforcer answered to an agent.</summary>
/// <param name="Enforcer">Which; it stays the same one when it is killed and restarts from its memory.</param>
/// <param name="BeganAt">On the clock that nobody moves.</param>
/// <param name="Epoch">The epoch that it went by.</param>
internal sealed record Decided(Moment Moment, int Enforcer, Party Agent, Refusal Refusal, TimeSpan BeganAt, ulong Epoch)
{
    /// <summary>For a delegated credential: whose authority it is, nearest first.</summary>
    public IReadOnlyList<Party> Above { get; init; } = [];
}

/// <summary>The registry has said that an enforcer refuses what a stop covers: it has signed so, or its lease is over.</summary>
/// <param name="Name">The stop's incident, which no other has.</param>
internal sealed record Enforced(Moment Moment, LeafIndex Stop, string Name, int Enforcer);

/// <summary>An answer to a nonce was handed to an enforcer.</summary>
/// <param name="HeardAt">When the nonce had come, which was after it was sent.</param>
internal sealed record Granted(long Handed, int Enforcer, TimeSpan HeardAt);

/// <summary>All that callers, responders and observers of enforcers saw in one run.</summary>
internal sealed class EnforcedHistory
{
    /// <summary>What was asked of the node behind them.</summary>
    public History Node { get; } = new();

    public ConcurrentQueue<Decided> Decisions { get; } = [];

    public ConcurrentQueue<Enforced> Reports { get; } = [];

    public ConcurrentQueue<Granted> Leases { get; } = [];

    /// <summary>Answers that were not those of the ledger long after the last fault, a sentence each.</summary>
    public ConcurrentQueue<string> Unsettled { get; } = [];

    public long Tick() => Node.Tick();

    public Moment Since(long began, int boot = 0, int observer = 0) => Node.Since(began, boot, observer);
}
