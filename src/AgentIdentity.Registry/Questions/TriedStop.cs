using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Questions;

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
    private readonly CancellationToken _cancellation;
    private readonly DenyState _denials = new();
    private readonly Dictionary<SubjectId, bool> _under = [];

    /// <param name="state">The state.</param>
    /// <param name="name">Whose agents may be audiences.</param>
    /// <param name="identities">Finds what memory has forgotten.</param>
    /// <param name="reach">Whom scopes reached then.</param>
    /// <param name="scope">What is stopped.</param>
    /// <param name="leaves">What the stop leaves.</param>
    /// <param name="at">Ms since 1970.</param>
    /// <param name="cancellation">When nobody waits for it any more: what memory has forgotten is looked for in the ledger, for each credential.</param>
    public TriedStop(RegistryState state, RegistryName name, Identities identities, StopReach reach, Scope scope, StandingState leaves, long at, CancellationToken cancellation)
    {
        (_state, _name, _identities, _reach, _scope, _leaves, _cancellation) = (state, name, identities, reach, scope, leaves, cancellation);
        var denial = reach.Spell(new LeafIndex(ulong.MaxValue), ulong.MaxValue, leaves, scope, null, at);
        DelegatedCredentials = denial.Credentials.Count;
        _denials.Add(denial);
        _holder = scope.Kind switch
        {
            ScopeKind.Key => state.FindAgent(scope.KeyId)?.Id,
            ScopeKind.Credential => identities.HolderOf(scope.Id),
            _ => null,
        };
    }

    /// <summary>Unexpired credentials that it covers because of what stands above them.</summary>
    public int DelegatedCredentials { get; }

    /// <summary>What would have been left of a credential before an audience.</summary>
    public StandingState Of(AgentRecord agent, in Presentation shown)
    {
        var left = _denials.Of(agent.Actor with { Key = agent.KeyAt(shown.Index).KeyId }, shown, _state.Callee(_name, shown.Audience)).State;
        return left < _leaves && shown.Chain.Count > 0 && IsUnder(agent, shown) ? _leaves : left;
    }

    /// <summary>What would have been left of a use. As step 10 of a verification asks: docs/formats.md, "Verifying a credential".</summary>
    public StandingState Of(AgentRecord agent, in RecentDecision decision)
    {
        var (left, use) = (Of(agent, decision.Shown), _denials.OfLocation(decision.Action?.Location, decision.Envelope).State);
        return use > left ? use : left;
    }

    // A credential shows the agents above it, and not what else a stop may name them by. Links are forgotten when they expire, and decisions are not: so they are looked for again.
    private bool IsUnder(AgentRecord agent, in Presentation shown)
    {
        if (_scope.Kind is ScopeKind.Blueprint or ScopeKind.Model or ScopeKind.Sponsor or ScopeKind.Label)
            return shown.Chain.Any(above => _state.FindAgent(above) is { } parent && _reach.Covers(_scope, parent));
        if (_holder is not { } holder || !shown.Chain.Contains(holder))
            return false;
        if (_under.TryGetValue(shown.Jti, out var isUnder))
            return isUnder;
        _cancellation.ThrowIfCancellationRequested();
        _under.Add(shown.Jti, isUnder = _identities.Climb(agent, shown.Jti).Links.Any(link => link.Body.Parent == holder && IsNamed(link.Body)));
        return isUnder;
    }

    private bool IsNamed(Delegated link) => _scope.Kind == ScopeKind.Credential
        ? link.ParentJti == _scope.Id
        : _identities.Credential(link.Parent, link.ParentJti)?.Item.Jkt == _scope.KeyId;
}
