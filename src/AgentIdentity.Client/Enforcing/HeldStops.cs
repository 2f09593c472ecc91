using System.Collections.Concurrent;
using System.Collections.Frozen;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;

namespace AgentIdentity.Client.Enforcing;

/// <summary>Whom this enforcer refuses, and what the restricted may go on doing. Changed by the watch alone, asked by all without a lock.</summary>
internal sealed class HeldStops
{
    private readonly ConcurrentDictionary<SubjectId, UnloggedCredential> _unlogged = new();
    private volatile bool _hasUnlogged;
    private volatile FrozenDictionary<string, FrozenSet<TypedAction>> _reads = FrozenDictionary<string, FrozenSet<TypedAction>>.Empty;

    private volatile FrozenDictionary<SubjectId, Actor> _callees = FrozenDictionary<SubjectId, Actor>.Empty;

    public DenyState DenyState { get; } = new();

    /// <summary>Credentials that the ledger does not hold.</summary>
    public IEnumerable<KeyValuePair<SubjectId, UnloggedCredential>> Unlogged => _unlogged;

    public Refusal Judge(BoundSession session, in AskedAction? action)
    {
        if (_hasUnlogged && _unlogged.ContainsKey(session.Shown.Jti))
            return Refusal.CredentialUnlogged;
        var claims = session.Presented.Claims;
        var left = DenyState.Of(session.Actor, session.Shown, session.Callee is { } callee ? AsStopsSee(callee) : null);
        var use = DenyState.OfLocation(action?.Location, claims.Envelope);
        if (use.State > left.State)
            left = use;
        // What is restricted goes on reading: as its blueprint says, and not as it says itself.
        var mayRead = left.State == StandingState.Restricted && action is { } asked && IsRead(claims.Blueprint, new TypedAction(asked.Type, asked.Action));
        return mayRead ? Refusal.None : left.Refusal;
    }

    /// <returns>Whether it was not refused before.</returns>
    public bool DenyUnlogged(SubjectId jti, UnloggedCredential credential)
    {
        var isNew = _unlogged.TryAdd(jti, credential);
        _hasUnlogged = true;
        return isNew;
    }

    /// <summary>Forgets credentials that have expired anyway, by both clocks: nobody reports them again, and one that was ahead for a moment must not let them in.</summary>
    public void Forget(long nowSeconds, long bootMilliseconds)
    {
        foreach (var (jti, credential) in _unlogged)
        {
            if (credential.ExpiresAt <= nowSeconds && credential.BootUntil <= bootMilliseconds)
                _unlogged.TryRemove(jti, out _);
        }
        _hasUnlogged = !_unlogged.IsEmpty;
    }

    /// <summary>Takes what blueprints list as reads. A blueprint is defined once: what is known of one stays.</summary>
    /// <returns>Whether all that is known was said again.</returns>
    public bool LearnReads(IEnumerable<(string Blueprint, FrozenSet<TypedAction> Reads)> blueprints)
    {
        var known = _reads.ToDictionary();
        var agrees = true;
        foreach (var (blueprint, reads) in blueprints)
        {
            if (!known.TryAdd(blueprint, reads))
                agrees &= known[blueprint].SetEquals(reads);
        }
        _reads = known.ToFrozenDictionary(StringComparer.Ordinal);
        return agrees;
    }

    /// <summary>Takes who the agents among this enforcer's audiences are. A sponsor and a blueprint are an agent's for good: those that were known first stay. So does what is not said again.</summary>
    /// <returns>Whether all that is known for good was said again.</returns>
    public bool LearnCallees(IEnumerable<Actor> callees)
    {
        var known = _callees.ToDictionary();
        var agrees = true;
        foreach (var callee in callees)
        {
            var before = known.GetValueOrDefault(callee.Agent, callee);
            agrees &= (callee.Sponsor, callee.Blueprint) == (before.Sponsor, before.Blueprint);
            known[callee.Agent] = callee with { Sponsor = before.Sponsor, Blueprint = before.Blueprint };
        }
        _callees = known.ToFrozenDictionary();
        return agrees;
    }

    // A registry of an earlier version says nothing of it: then stops that name the agent itself are all that can be held against it.
    private Actor AsStopsSee(SubjectId callee) => _callees.TryGetValue(callee, out var known) ? known : new Actor(callee, default, "", "", []);

    private bool IsRead(string blueprint, TypedAction action) => _reads.TryGetValue(blueprint, out var reads) && reads.Contains(action);
}

/// <summary>When a credential that the ledger does not hold expires: seconds since 1970, and ms of the clock that nobody sets.</summary>
internal readonly record struct UnloggedCredential(long ExpiresAt, long BootUntil);
