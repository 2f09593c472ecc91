using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Registry.State;

/// <summary>The one place that says whether an agent may do anything at all. Every path that enrols, issues, renews, verifies or records asks here.</summary>
public sealed class Standing(RegistryState state)
{
    // Stops on their way into the ledger: they deny before they are durable. One agent may have several under way.
    private readonly ConcurrentDictionary<SubjectId, PendingStops> _pending = new();
    private readonly TaskCompletionSource<Refusal> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Refusal _everyone;

    public Refusal Of(SubjectId agentId)
    {
        if (_everyone != Refusal.None)
            return _everyone;
        // What is pending is read before the record: a stop that is settled between the two is then found in the record. The other way round it would be in neither.
        var pending = _pending.TryGetValue(agentId, out var stops) ? stops.Worst : StandingState.Active;
        if (state.FindAgent(agentId) is not { } agent)
            return Refusal.AgentUnknown;
        return (pending > agent.State ? pending : agent.State) switch
        {
            StandingState.Active => Refusal.None,
            StandingState.Frozen => Refusal.AgentFrozen,
            StandingState.Revoked => Refusal.AgentRevoked,
            var other => throw new InvalidOperationException($"No rule for the state {other}."),
        };
    }

    /// <summary>Denies an agent at once, before the stop is durable.</summary>
    public void Deny(SubjectId agentId, StandingState stop) =>
        _pending.AddOrUpdate(agentId, static (_, stop) => PendingStops.None.With(stop, 1), static (_, held, stop) => held.With(stop, 1), stop);

    /// <summary>Called when the stop has been applied, or was refused: the agent's record speaks for itself again.</summary>
    public void Settle(SubjectId agentId, StandingState stop)
    {
        _pending.AddOrUpdate(agentId, PendingStops.None, (_, held) => held.With(stop, -1));
        _pending.TryRemove(new KeyValuePair<SubjectId, PendingStops>(agentId, PendingStops.None));
    }

    /// <summary>After a storage error nobody can say what is durable, so nobody is let in until the ledger has been read again.</summary>
    public void Halt() => DenyEveryone(Refusal.RegistryHalted);

    /// <summary>Somebody has seen a state of this log that is not among its states: who was stopped since is not known here, so nobody is let in.</summary>
    public void RollBack() => DenyEveryone(Refusal.RolledBack);

    /// <summary>Why everybody is denied, or <see cref="Refusal.None"/>. It never goes back.</summary>
    public Refusal Everyone => _everyone;

    public bool IsHalted => _everyone != Refusal.None;

    /// <summary>Ends when everybody is denied.</summary>
    public Task<Refusal> Ended => _ended.Task;

    private void DenyEveryone(Refusal reason)
    {
        _everyone = reason;
        _ended.TrySetResult(reason);
    }

    private sealed record PendingStops(int Frozen, int Revoked)
    {
        public static PendingStops None { get; } = new(0, 0);

        public StandingState Worst => Revoked > 0 ? StandingState.Revoked : Frozen > 0 ? StandingState.Frozen : StandingState.Active;

        public PendingStops With(StandingState stop, int change) =>
            stop == StandingState.Revoked ? this with { Revoked = Revoked + change } : this with { Frozen = Frozen + change };
    }
}
