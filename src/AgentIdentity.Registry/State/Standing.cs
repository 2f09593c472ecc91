using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Registry.State;

/// <summary>The one place that says whether an agent may do anything at all. Every path that enrols, issues, renews, verifies or records asks here.</summary>
public sealed class Standing(RegistryState state)
{
    // Stops on their way into the ledger: they deny before they are durable.
    private readonly ConcurrentDictionary<SubjectId, StandingState> _pending = new();
    private volatile bool _halted;

    public Refusal Of(SubjectId agentId)
    {
        if (_halted)
            return Refusal.RegistryHalted;
        if (state.FindAgent(agentId) is not { } agent)
            return Refusal.AgentUnknown;
        var worst = agent.State;
        if (_pending.TryGetValue(agentId, out var pending) && pending > worst)
            worst = pending;
        return worst switch
        {
            StandingState.Active => Refusal.None,
            StandingState.Frozen => Refusal.AgentFrozen,
            StandingState.Revoked => Refusal.AgentRevoked,
            _ => throw new InvalidOperationException($"No rule for the state {worst}."),
        };
    }

    /// <summary>Denies an agent at once, before the stop is durable.</summary>
    public void Deny(SubjectId agentId, StandingState stop) =>
        _pending.AddOrUpdate(agentId, stop, (_, held) => held > stop ? held : stop);

    /// <summary>Called when the stop has been applied, or was refused: the agent's record speaks for itself again.</summary>
    public void Settle(SubjectId agentId) => _pending.TryRemove(agentId, out _);

    /// <summary>After a storage error nobody can say what is durable, so nobody is let in until the ledger has been read again.</summary>
    public void Halt() => _halted = true;

    public bool IsHalted => _halted;
}
