using System.Collections.Concurrent;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Stops;

/// <summary>All denials in force, asked by whoever decides: the registry and each enforcer, by this one function.</summary>
/// <remarks>Read by any thread without a lock. A stop of many agents is seen agent by agent, so it is acknowledged only when <see cref="Add"/> has returned.</remarks>
public sealed class DenyState
{
    private readonly Stacks<SubjectId> _agents = new();
    private readonly Stacks<SubjectId> _credentials = new();
    private readonly Stacks<KeyId> _keys = new();
    private readonly Stacks<KeyId> _issuerKeys = new();
    private readonly Stacks<string> _blueprints = new();
    private readonly Stacks<string> _sponsors = new();
    private readonly Stacks<string> _labels = new();
    private readonly Stacks<string> _audiences = new();
    private readonly Stacks<string> _resources = new();
    private readonly Stacks<ScopeKind> _everything = new();

    /// <summary>Denies from here on.</summary>
    public void Add(Denial denial) => Change(denial, isAdded: true);

    /// <summary>Lifts a denial that was added.</summary>
    public void Remove(Denial denial) => Change(denial, isAdded: false);

    /// <summary>An entry behind every cut: what somebody asks for now comes after all that there are.</summary>
    public static LeafIndex Now { get; } = new(ulong.MaxValue);

    /// <summary>What is left of an agent's authority, whatever credential it holds; with an entry, for what it was given there, which a cut may cover.</summary>
    public Denied Of(in Actor actor, LeafIndex? given = null)
    {
        var worst = default(Denied);
        if (!_everything.IsEmpty)
            Take(ref worst, _everything.Worst(ScopeKind.Everything, given?.Value), Refusal.None);
        Take(ref worst, actor, given?.Value);
        return worst;
    }

    /// <summary>What is left of the authority of a key, whoever holds it; with an entry, for what it does there, which a cut may cover.</summary>
    public Denied OfKey(KeyId key, LeafIndex? done = null)
    {
        var worst = default(Denied);
        if (!_keys.IsEmpty)
            Take(ref worst, _keys.Worst(key, done?.Value), Refusal.KeyStopped);
        return worst;
    }

    /// <summary>Whether what a key of the registry signs from now on is denied, whoever signs with it.</summary>
    public bool IsIssuerKeyStopped(KeyId key) => !_issuerKeys.IsEmpty && _issuerKeys.Worst(key, ulong.MaxValue) is not null;

    /// <summary>What is left of an agent's authority under one credential, before one audience; with a callee, before the agent that the audience is.</summary>
    public Denied Of(in Actor actor, in Presentation shown, in Actor? callee = null)
    {
        var index = shown.Index.Value;
        var worst = default(Denied);
        if (!_everything.IsEmpty)
            Take(ref worst, _everything.Worst(ScopeKind.Everything, index), Refusal.None);
        Take(ref worst, actor, index);
        if (!_credentials.IsEmpty)
            Take(ref worst, _credentials.Worst(shown.Jti, index), Refusal.CredentialStopped);
        if (!_issuerKeys.IsEmpty)
            Take(ref worst, _issuerKeys.Worst(shown.IssuerKey, index), Refusal.IssuerKeyStopped);
        if (!_audiences.IsEmpty)
            Take(ref worst, _audiences.Worst(shown.Audience, index), Refusal.AudienceStopped);
        // By index: to enumerate a list behind its interface allocates, and this is asked on each decision.
        for (var i = 0; i < shown.Chain.Count && !_agents.IsEmpty; i++)
            Take(ref worst, _agents.Worst(shown.Chain[i], index), Refusal.ChainStopped);
        // Two ways, whatever the stop names it by: what a stopped agent is asked is what it learns.
        if (callee is { } called && Of(called) is var theirs && theirs.State > worst.State)
            worst = theirs with { Refusal = Refusal.AudienceStopped };
        return worst;
    }

    /// <summary>What is left of the use of a location; without one, of whatever location the envelope grants.</summary>
    public Denied OfLocation(string? location, Envelope envelope)
    {
        var worst = default(Denied);
        if (_resources.IsEmpty)
            return worst;
        foreach (var (pattern, stack) in _resources.All)
        {
            if (location is null ? envelope.Touches(pattern) : LocationPattern.Covers(pattern, location))
                Take(ref worst, stack.Worst(null), Refusal.ResourceStopped);
        }
        return worst;
    }

    private void Take(ref Denied worst, in Actor actor, ulong? index)
    {
        if (!_agents.IsEmpty)
            Take(ref worst, _agents.Worst(actor.Agent, index), Refusal.None);
        if (!_keys.IsEmpty)
            Take(ref worst, _keys.Worst(actor.Key, index), Refusal.KeyStopped);
        if (!_blueprints.IsEmpty)
            Take(ref worst, _blueprints.Worst(actor.Blueprint, index), Refusal.None);
        if (!_sponsors.IsEmpty)
            Take(ref worst, _sponsors.Worst(actor.Sponsor, index), Refusal.None);
        if (_labels.IsEmpty)
            return;
        foreach (var (name, value) in actor.Labels)
            Take(ref worst, _labels.Worst($"{name}={value}", index), Refusal.None);
    }

    // Where the state says enough (the agent is frozen) there is no other name for it.
    private static void Take(ref Denied worst, Denial? denial, Refusal name)
    {
        if (denial is null || denial.State <= worst.State)
            return;
        var refusal = denial.After is not null && name == Refusal.None ? Refusal.AfterCut : name;
        worst = new Denied(refusal != Refusal.None ? refusal : Named(denial.State), denial);
    }

    private static Refusal Named(StandingState state) => state switch
    {
        StandingState.Restricted => Refusal.AgentRestricted,
        StandingState.Frozen => Refusal.AgentFrozen,
        _ => Refusal.AgentRevoked,
    };

    private void Change(Denial denial, bool isAdded)
    {
        lock (_everything)
            ChangeInTurn(denial, isAdded);
    }

    private void ChangeInTurn(Denial denial, bool isAdded)
    {
        var scope = denial.Scope;
        switch (scope.Kind)
        {
            case ScopeKind.Agent or ScopeKind.AgentWithDelegates:
                _agents.Change(scope.Id, denial, isAdded);
                break;
            case ScopeKind.Credential:
                _credentials.Change(scope.Id, denial, isAdded);
                break;
            case ScopeKind.Key:
                _keys.Change(scope.KeyId, denial, isAdded);
                break;
            case ScopeKind.IssuerKey:
                _issuerKeys.Change(scope.KeyId, denial, isAdded);
                break;
            case ScopeKind.Blueprint:
                _blueprints.Change(scope.Value, denial, isAdded);
                break;
            case ScopeKind.Sponsor:
                _sponsors.Change(scope.Value, denial, isAdded);
                break;
            case ScopeKind.Label:
                _labels.Change(scope.Value, denial, isAdded);
                break;
            case ScopeKind.Audience:
                _audiences.Change(scope.Value, denial, isAdded);
                break;
            case ScopeKind.Resource:
                _resources.Change(scope.Value, denial, isAdded);
                break;
            case ScopeKind.Everything:
                _everything.Change(ScopeKind.Everything, denial, isAdded);
                break;
        }
        foreach (var agent in denial.Agents)
            _agents.Change(agent, denial, isAdded);
        foreach (var jti in denial.Credentials)
            _credentials.Change(jti, denial, isAdded);
        foreach (var blueprint in denial.Blueprints)
            _blueprints.Change(blueprint, denial, isAdded);
    }

    /// <summary>The denials of one key, the newest on top. A link never changes, so that readers need no lock, and a stop of ten thousand agents costs each of them one link.</summary>
    private sealed record Stack(Denial Top, Stack? Below)
    {
        // A cut says nothing of an agent as such, only of what it was given after the entry.
        public Denial? Worst(ulong? index)
        {
            Denial? worst = null;
            for (var at = this; at is not null; at = at.Below)
            {
                var denial = at.Top;
                var applies = denial.Scope.Kind == ScopeKind.IssuerKey ? index > denial.Scope.After.Value : denial.After is not { } after || index > after.Value;
                if (applies && (worst is null || denial.State > worst.State))
                    worst = denial;
            }
            return worst;
        }

        public Stack? Without(Denial denial)
        {
            var above = new List<Denial>();
            var at = this;
            for (; at is not null && at.Top.Index != denial.Index; at = at.Below)
                above.Add(at.Top);
            if (at is null)
                return this;
            var rest = at.Below;
            for (var i = above.Count - 1; i >= 0; i--)
                rest = new Stack(above[i], rest);
            return rest;
        }
    }

    /// <summary>Denials by what they cover. They stack: lifting one leaves the others.</summary>
    private sealed class Stacks<T>
        where T : notnull
    {
        private readonly ConcurrentDictionary<T, Stack> _byKey = new();

        // ConcurrentDictionary.IsEmpty takes its locks when it is not; this is asked on each decision.
        private volatile bool _isEmpty = true;

        public bool IsEmpty => _isEmpty;

        public IEnumerable<KeyValuePair<T, Stack>> All => _byKey;

        public Denial? Worst(T key, ulong? index) => _byKey.TryGetValue(key, out var stack) ? stack.Worst(index) : null;

        public void Change(T key, Denial denial, bool isAdded)
        {
            _byKey.TryGetValue(key, out var stack);
            var changed = isAdded ? new Stack(denial, stack) : stack?.Without(denial);
            if (changed is not null)
                _byKey[key] = changed;
            else if (_byKey.TryRemove(key, out _))
                _isEmpty = _byKey.IsEmpty;
            if (isAdded)
                _isEmpty = false;
        }
    }
}
