using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Questions;

/// <summary>How far trouble goes from one agent to the next.</summary>
[Flags]
public enum EdgeKinds
{
    None = 0,

    /// <summary>Authority of the first has come to the second.</summary>
    DelegatesTo = 1,

    /// <summary>The first may call the second: an audience of its grant, or of a credential that it holds, is the second's DID.</summary>
    Calls = 2,

    /// <summary>Both are instances of one blueprint: what turned the one may turn the other.</summary>
    SameBlueprint = 4,
    All = DelegatesTo | Calls | SameBlueprint,
}

/// <summary>An agent that a walk came to.</summary>
/// <param name="Hops">Edges from where the walk began, at least.</param>
/// <param name="Via">The agent before it on a shortest way; null at the beginning of one.</param>
/// <param name="Edge">By what edge.</param>
/// <param name="Weight">Statements that it recorded lately.</param>
/// <param name="Delegation">For an edge of delegation: since when, and until when as far as known then.</param>
public sealed record Reached(AgentRecord Agent, int Hops, SubjectId? Via, EdgeKinds Edge, int Weight, DelegationEdge? Delegation);

/// <summary>What a walk came to, nearest first. <paramref name="ByHops"/>: how many agents at each distance, from where it began on.</summary>
public sealed record WalkAnswer(IReadOnlyList<int> ByHops, Part<Reached> Reached);

/// <summary>Walks over who delegates to, calls, and is like whom. Each takes some ten bytes for each agent of the registry, however far it comes.</summary>
public sealed class Graphs
{
    /// <summary>Hops at most. No chain of command is longer, and what is further is everybody.</summary>
    public const int HopsMax = 32;

    private readonly RegistryState _state;
    private readonly RegistryName _name;
    private readonly Identities _identities;

    internal Graphs(RegistryState state, RegistryName name, Identities identities) => (_state, _name, _identities) = (state, name, identities);

    public WalkAnswer Descendants(AgentRecord agent, AsOf asOf, Page page) =>
        Walk([agent], HopsMax, asOf, page, place => Delegations(place, _state.Lineage.From, edge => edge.Child, asOf), isUpward: false);

    public WalkAnswer Ancestors(AgentRecord agent, AsOf asOf, Page page) =>
        Walk([agent], HopsMax, asOf, page, place => Delegations(place, _state.Lineage.To, edge => edge.Parent, asOf), isUpward: true);

    /// <summary>How far trouble with the agents of a scope can have come. Within one distance, who was most active lately comes first.</summary>
    public WalkAnswer BlastRadius(Scope scope, EdgeKinds kinds, int hopsMax, AsOf asOf, Page page)
    {
        var blueprints = new HashSet<string>(StringComparer.Ordinal);
        return Walk(InScope(scope, asOf), hopsMax, asOf, page, place => Edges(place, kinds, blueprints, asOf), isUpward: false);
    }

    /// <summary>Who can use a location or address an audience: by itself (no hops), or by authority that has come to it from one that can.</summary>
    /// <remarks>Asked about now it follows unexpired links that cover the target. Links that have expired since an earlier entry are not in memory: then it follows every edge of delegation that there was, which is at most too much.</remarks>
    public WalkAnswer PathTo(string target, AsOf asOf, Page page)
    {
        var direct = _state.AgentsFrom(0).Where(agent => asOf.Includes(agent) && CanReach(agent.Grant, target));
        return Walk(direct, HopsMax, asOf, page, place => Passes(place, target, asOf), isUpward: false);
    }

    /// <summary>The agents that a scope covers, in no order.</summary>
    internal IEnumerable<AgentRecord> InScope(Scope scope, AsOf asOf) => (scope.Kind switch
    {
        ScopeKind.AgentWithDelegates => Agent(scope.Id).Concat(_state.Lineage.Descendants(scope.Id, asOf.Entry).SelectMany(step => Agent(step.Agent))),
        ScopeKind.Blueprint => _state.OfBlueprint(scope.Value).Select(_state.AgentAt),
        ScopeKind.Sponsor => _state.OfSponsor(scope.Value).Select(_state.AgentAt),
        _ => _state.Reach.Agents(scope),
    }).Where(asOf.Includes);

    private WalkAnswer Walk(IEnumerable<AgentRecord> from, int hopsMax, AsOf asOf, Page page, Func<int, IEnumerable<Step>> edges, bool isUpward)
    {
        var walk = new BreadthFirst(_state.AgentCount);
        foreach (var agent in from)
            walk.Begin(_state.PlaceOf(agent.Id)!.Value);
        walk.Run(hopsMax, edges);
        var weights = _state.Recent.Counts(asOf.Entry);
        return new WalkAnswer(walk.ByHops, page.Of(walk.InOrder(weights)).With(place => Describe(walk, place, weights, isUpward, asOf)));
    }

    private Reached Describe(BreadthFirst walk, int place, Dictionary<int, int> weights, bool isUpward, AsOf asOf)
    {
        var agent = _state.AgentAt(place);
        var via = walk.Via(place) is { } before ? _state.AgentAt(before).Id : (SubjectId?)null;
        var (hops, edge) = walk.At(place);
        return new Reached(agent, hops, via, edge, weights.GetValueOrDefault(place), edge == EdgeKinds.DelegatesTo ? Delegation(via!.Value, agent.Id, isUpward, asOf) : null);
    }

    // Of a last link that came later nothing is said: all that is known then is the first.
    private DelegationEdge Delegation(SubjectId via, SubjectId agent, bool isUpward, AsOf asOf)
    {
        var edge = isUpward ? _state.Lineage.To(via).First(edge => edge.Parent == agent) : _state.Lineage.From(via).First(edge => edge.Child == agent);
        return asOf.Includes(edge.Last) ? edge : edge with { Last = edge.First, Links = 1 };
    }

    private IEnumerable<Step> Edges(int place, EdgeKinds kinds, HashSet<string> blueprints, AsOf asOf)
    {
        var agent = _state.AgentAt(place);
        IEnumerable<Step> steps = [];
        if (kinds.HasFlag(EdgeKinds.DelegatesTo))
            steps = Delegations(place, _state.Lineage.From, edge => edge.Child, asOf);
        if (kinds.HasFlag(EdgeKinds.Calls))
            steps = steps.Concat(Calls(agent, asOf));
        // Once for each blueprint: whoever comes to a second agent of it has come to all of them.
        return kinds.HasFlag(EdgeKinds.SameBlueprint) && blueprints.Add(agent.Grant.Terms.Blueprint)
            ? steps.Concat(_state.OfBlueprint(agent.Grant.Terms.Blueprint).Where(other => asOf.Includes(_state.AgentAt(other))).Select(other => new Step(other, EdgeKinds.SameBlueprint)))
            : steps;
    }

    private IEnumerable<Step> Delegations(int place, Func<SubjectId, IReadOnlyList<DelegationEdge>> edges, Func<DelegationEdge, SubjectId> other, AsOf asOf)
    {
        foreach (var edge in edges(_state.AgentAt(place).Id))
        {
            if (asOf.Includes(edge.First) && _state.PlaceOf(other(edge)) is { } next)
                yield return new Step(next, EdgeKinds.DelegatesTo);
        }
    }

    private IEnumerable<Step> Calls(AgentRecord agent, AsOf asOf)
    {
        var granted = agent.Grant.Terms.Audiences;
        // Most credentials share the list of their grant.
        var given = agent.Credentials.Where(credential => !ReferenceEquals(credential.Item.Audience, granted) && asOf.Includes(credential.Index)).SelectMany(credential => credential.Item.Audience);
        foreach (var audience in granted.Concat(given))
        {
            if (_name.TryParseAgentDid(audience, out var callee) && _state.FindAgent(callee) is { } known && asOf.Includes(known))
                yield return new Step(_state.PlaceOf(callee)!.Value, EdgeKinds.Calls);
        }
    }

    private IEnumerable<Step> Passes(int place, string target, AsOf asOf)
    {
        var parent = _state.AgentAt(place).Id;
        return Delegations(place, _state.Lineage.From, edge => edge.Child, asOf).Where(step => !asOf.IsNow || HasLink(parent, _state.AgentAt(step.Place), target, asOf));
    }

    private bool HasLink(SubjectId parent, AgentRecord child, string target, AsOf asOf) =>
        _identities.LinksTo(child, asOf).Any(link => link.Body.Parent == parent && (link.Body.Audiences.Contains(target) || Touches(link.Body.Envelope, target)));

    private static bool CanReach(AgentGrant grant, string target) => grant.Terms.Audiences.Contains(target) || grant.Envelope.Touches(target);

    private static bool Touches(string envelope, string target) => Envelope.TryParse(envelope, out var read) && read.Touches(target);

    private IEnumerable<AgentRecord> Agent(SubjectId id) => _state.FindAgent(id) is { } agent ? [agent] : [];
}
