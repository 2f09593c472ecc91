using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Questions;

/// <summary>What a stop that is only tried would have left of a use.</summary>
/// <param name="State">What is sure to have been left at most.</param>
/// <param name="IsUnsure">Whether it may have left less: memory has forgotten what stood above the credential, and the question may read no more of the ledger.</param>
internal readonly record struct LeftOfUse(StandingState State, bool IsUnsure);

/// <summary>A stop that is only tried: what it would have left of uses that were made.</summary>
internal sealed class TriedStop
{
    private readonly RegistryState _state;
    private readonly RegistryName _name;
    private readonly Identities _identities;
    private readonly StopReach _reach;
    private readonly Scope _scope;
    private readonly StandingState _leaves;
    private readonly SubjectId? _holder;
    private readonly bool _isHolderUnknown;
    private readonly CancellationToken _cancellation;
    private readonly DenyState _denials = new();
    private readonly Dictionary<SubjectId, bool?> _under = [];
    private readonly Dictionary<SubjectId, Delegated?> _links = [];
    private readonly Dictionary<SubjectId, KeyId?> _keys = [];

    /// <param name="state">The state.</param>
    /// <param name="name">Whose agents may be audiences.</param>
    /// <param name="ledger">Finds what memory has forgotten, within the bound of one question.</param>
    /// <param name="reach">Whom scopes reached then.</param>
    /// <param name="scope">What is stopped.</param>
    /// <param name="leaves">What the stop leaves.</param>
    /// <param name="at">Ms since 1970.</param>
    /// <param name="cancellation">When nobody waits for it any more: what memory has forgotten is looked for in the ledger, for each credential.</param>
    public TriedStop(RegistryState state, RegistryName name, LedgerLookups ledger, StopReach reach, Scope scope, StandingState leaves, long at, CancellationToken cancellation)
    {
        (_state, _name, _identities, _reach, _scope, _leaves, _cancellation) = (state, name, new Identities(state, ledger), reach, scope, leaves, cancellation);
        var denial = reach.Spell(new LeafIndex(ulong.MaxValue), ulong.MaxValue, leaves, scope, null, at);
        DelegatedCredentials = denial.Credentials.Count;
        _denials.Add(denial);
        _holder = scope.Kind switch
        {
            ScopeKind.Key => state.FindAgent(scope.KeyId)?.Id,
            ScopeKind.Credential => _identities.HolderOf(scope.Id),
            _ => null,
        };
        _isHolderUnknown = scope.Kind == ScopeKind.Credential && _holder is null && ledger.IsUsedUp;
    }

    /// <summary>What the stop leaves of whatever it covers.</summary>
    public StandingState Leaves => _leaves;

    /// <summary>Unexpired credentials that it covers because of what stands above them.</summary>
    public int DelegatedCredentials { get; }

    /// <summary>What would have been left of a credential before an audience.</summary>
    public LeftOfUse Of(AgentRecord agent, in Presentation shown)
    {
        var left = _denials.Of(agent.ActorAt(shown.Index), shown, _state.Callee(_name, shown.Audience)).State;
        if (left >= _leaves || shown.Chain.Count == 0)
            return new LeftOfUse(left, IsUnsure: false);
        var isUnder = IsUnder(agent, shown);
        return new LeftOfUse(isUnder == true ? _leaves : left, IsUnsure: isUnder is null);
    }

    /// <summary>What would have been left of a use. As step 10 of a verification asks: docs/formats.md, "Verifying a credential".</summary>
    public LeftOfUse Of(AgentRecord agent, in RecentDecision decision)
    {
        var (left, use) = (Of(agent, decision.Shown), _denials.OfLocation(decision.Action?.Location, decision.Envelope).State);
        return use > left.State ? left with { State = use } : left;
    }

    // A credential shows the agents above it, and not what else a stop may name them by. Links are forgotten when they expire, and decisions are not: so they are looked for again.
    // Null when that cannot be told any more.
    private bool? IsUnder(AgentRecord agent, in Presentation shown)
    {
        if (_scope.Kind is ScopeKind.Blueprint or ScopeKind.Model or ScopeKind.Sponsor or ScopeKind.Label)
            return shown.Chain.Any(above => _state.FindAgent(above) is { } parent && _reach.Covers(_scope, parent));
        if (!_isHolderUnknown && (_holder is not { } holder || !shown.Chain.Contains(holder)))
            return false;
        if (_under.TryGetValue(shown.Jti, out var isUnder))
            return isUnder;
        _cancellation.ThrowIfCancellationRequested();
        _under.Add(shown.Jti, isUnder = IsNamedAbove(agent, shown));
        return isUnder;
    }

    private bool? IsNamedAbove(AgentRecord agent, in Presentation shown)
    {
        var (at, jti, isSure) = (agent.Id, shown.Jti, true);
        // The credential says how many stand above it, so nothing is looked for that is not there.
        for (var above = 0; above < shown.Chain.Count; above++)
        {
            if (Link(at, jti) is not { } link)
                return null;
            var isNamed = IsNamed(link);
            if (isNamed == true)
                return true;
            isSure &= isNamed is not null;
            (at, jti) = (link.Parent, link.ParentJti);
        }
        return isSure ? false : null;
    }

    // Much hangs under one link, and under one credential.
    private Delegated? Link(SubjectId agent, SubjectId jti)
    {
        if (!_links.TryGetValue(jti, out var link))
            _links.Add(jti, link = _identities.Link(agent, jti)?.Body);
        return link;
    }

    private bool? IsNamed(Delegated link)
    {
        if (_scope.Kind == ScopeKind.Credential)
            return link.ParentJti == _scope.Id;
        if (link.Parent != _holder)
            return false;
        return KeyOf(link.Parent, link.ParentJti) is { } key ? key == _scope.KeyId : null;
    }

    private KeyId? KeyOf(SubjectId agent, SubjectId jti)
    {
        if (!_keys.TryGetValue(jti, out var key))
            _keys.Add(jti, key = _identities.Credential(agent, jti)?.Item.Jkt);
        return key;
    }
}
