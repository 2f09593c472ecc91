using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Questions;

/// <summary>The questions that responders ask, each as of any entry. Read from memory and the store; the writer is not asked.</summary>
public sealed class Responding
{
    private readonly RegistryState _state;
    private readonly ILedgerStore _store;
    private readonly RegistryName _name;
    private readonly RecentDecisions _decisions;
    private readonly TimeProvider _clock;
    private readonly LedgerLookups _ledger;

    public Responding(RegistryState state, ILedgerStore store, RegistryName name, RecentDecisions decisions, TimeProvider clock, CancellationToken cancellation = default)
    {
        (_state, _store, _name, _decisions, _clock, _ledger) = (state, store, name, decisions, clock, new LedgerLookups(store, cancellation: cancellation));
        Identities = new Identities(state, _ledger);
        Graphs = new Graphs(state, name, Identities);
        Conduct = new Conduct(state, store, name, Identities);
        StopTrials = new StopTrials(state, store, name, decisions, Identities, Graphs);
    }

    public Identities Identities { get; }

    public Graphs Graphs { get; }

    public Conduct Conduct { get; }

    public StopTrials StopTrials { get; }

    /// <summary>The same for one question, which reads no further in the ledger when its caller has gone.</summary>
    public Responding Until(CancellationToken cancellation) => new(_state, _store, _name, _decisions, _clock, cancellation);

    /// <summary>The moment after everything that is written.</summary>
    public AsOf Now() => new(new LeafIndex(Math.Max(_state.Position, 1) - 1), _clock.GetUtcNow().ToUnixTimeMilliseconds(), IsNow: true);

    /// <summary>The moment of an entry.</summary>
    public Outcome<AsOf> At(LeafIndex entry) => entry.Value < _state.Position && _ledger.TimeOf(entry) is { } at
        ? new AsOf(entry, at, IsNow: false)
        : Refused.Because(Refusal.EntryUnknown, "The ledger has no such entry yet.");
}
