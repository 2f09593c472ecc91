using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>The one place that says whether somebody may do anything at all. Every path that enrols, issues, renews, delegates, verifies or records asks here.</summary>
public sealed class Standing(RegistryState state)
{
    private readonly TaskCompletionSource<Refusal> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Refusal _everyone;
    private ulong _pending;

    /// <summary>What is left of an agent's authority. Restricted: it may hold credentials, and only read with them.</summary>
    public Denied Of(SubjectId agentId)
    {
        if (_everyone != Refusal.None)
            return new Denied(_everyone, null);
        return state.FindAgent(agentId) is { } agent ? state.Stops.DenyState.Of(agent.Actor) : new Denied(Refusal.AgentUnknown, null);
    }

    /// <summary>Why nobody like this may be enrolled.</summary>
    public Refusal Of(in Actor newcomer) => _everyone != Refusal.None ? _everyone : state.Stops.DenyState.Of(newcomer).Refusal;

    /// <summary>Why an agent may not have, pass on or renew credentials.</summary>
    public Refusal RefusalOf(SubjectId agentId) => Of(agentId).Ended;

    /// <summary>What is left of an agent's authority under a key; with an entry, for what it is given there.</summary>
    public Denied Of(AgentRecord agent, KeyId key, LeafIndex? given = null) =>
        _everyone != Refusal.None ? new Denied(_everyone, null) : state.Stops.DenyState.Of(agent.Actor with { Key = key }, given);

    /// <summary>Why an agent may not be given credentials at this time (ms since 1970): what stops leave, or that its session is over.</summary>
    public Refusal RefusalOf(SubjectId agentId, long at)
    {
        var stopped = RefusalOf(agentId);
        return stopped == Refusal.None && state.FindAgent(agentId)!.SessionEndsAt <= at ? Refusal.EvidenceDue : stopped;
    }

    /// <summary>What is left of the authority of a credential before an audience.</summary>
    /// <param name="claims">What the credential says, the ledger having been asked whether it holds it.</param>
    /// <param name="issuerKey">Who signed it.</param>
    /// <param name="audience">Whom it is shown to.</param>
    /// <param name="callee">The agent that the audience is, if it is one.</param>
    public Denied Of(CredentialClaims claims, KeyId issuerKey, string audience, in Actor? callee)
    {
        if (_everyone != Refusal.None)
            return new Denied(_everyone, null);
        var actor = new Actor(claims.AgentId, claims.Jkt, claims.Sponsor, claims.Blueprint, claims.AllLabels);
        return state.Stops.DenyState.Of(actor, new Presentation(claims.Jti, new LeafIndex(claims.LedgerIndex), issuerKey, claims.Chain, audience), callee);
    }

    /// <summary>Why a key serves nobody here, however it is shown that somebody holds it; null when it does. What an agent may do with a stopped one is asked where it does it.</summary>
    public Refused? OfCaller(KeyId key)
    {
        var isCallers = state.FindCaller(key) is not null;
        if (!isCallers && state.FindAgent(key) is null)
            return Refused.Because(Refusal.CallerUnknown, "The key is neither an agent's nor a registered caller's, or is so no more.");
        return isCallers && state.Stops.IsKeyStopped(key) ? Refused.Because(Refusal.KeyStopped, "The key is stopped, whoever holds it.") : null;
    }

    /// <summary>Denies at once, before the stop is durable. What this gives back is settled when the ledger has the stop, or has refused it.</summary>
    public PendingStop Deny(StandingState stop, Scope scope, long at)
    {
        var pending = new PendingStop(stop, scope);
        Widen(pending, at);
        return pending;
    }

    /// <summary>Spells out again whom a pending stop reaches. Asked by the writer, so that nothing is delegated between this and the stop's own entry.</summary>
    public void Widen(PendingStop pending, long at)
    {
        // No entry has such an index: what is pending and what stands never take each other's place.
        var index = new LeafIndex(ulong.MaxValue - Interlocked.Increment(ref _pending));
        var denial = state.Reach.Spell(index, ulong.MaxValue, pending.State, pending.Scope, null, at);
        if (pending.Denials is [.., var last] && last.ReachesTheSame(denial))
            return;
        state.Stops.DenyState.Add(denial);
        pending.Denials.Add(denial);
    }

    /// <summary>Called when the stop has been applied, or was refused: the ledger speaks for itself again.</summary>
    public void Settle(PendingStop pending)
    {
        foreach (var denial in pending.Denials)
            state.Stops.DenyState.Remove(denial);
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
}

/// <summary>A stop on its way into the ledger: it denies before it is durable.</summary>
public sealed record PendingStop(StandingState State, Scope Scope)
{
    internal List<Denial> Denials { get; } = [];
}
