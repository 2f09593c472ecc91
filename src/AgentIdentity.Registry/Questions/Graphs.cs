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
/// <param name="Weight">Statements that it recorded lately itself, however many ways lead to it.</param>
/// <param name="Delegation">For an edge of delegation: since when, and until when as far as known then.</param>
/// <param name="Budgets">Asked about now, for an edge of delegation: what its unexpired links were given, and what of it was spent.</param>
public sealed record Reached(AgentRecord Agent, int Hops, SubjectId? Via, EdgeKinds Edge, int Weight, DelegationEdge? Delegation, IReadOnlyList<BudgetUse> Budgets);

/// <summary>What links were given of a unit, and what of it was spent under them and under those below; each at most what fits 64 bits.</summary>
public sealed record BudgetUse(string Unit, ulong Amount, ulong Spent);

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

    /// <param name="agent">Where the walk begins.</param>
    /// <param name="asOf">The moment.</param>
    /// <param name="page">Which part.</param>
    /// <param name="asks">Who asks; null for who sees all. Behind an agent that is not there for whoever asks the walk does not go on.</param>
    public WalkAnswer Descendants(AgentRecord agent, AsOf asOf, Page page, CallerRecord? asks = null) =>
        Lineage(agent, asOf, page, asks, place => From(place), edge => edge.Child, isUpward: false);

    public WalkAnswer Ancestors(AgentRecord agent, AsOf asOf, Page page, CallerRecord? asks = null) =>
        Lineage(agent, asOf, page, asks, place => _state.Lineage.To(_state.AgentAt(place).Id), edge => edge.Parent, isUpward: true);

    /// <summary>How far trouble with the agents of a scope can have come. Within one distance, who was most active lately comes first.</summary>
    public WalkAnswer BlastRadius(Scope scope, EdgeKinds kinds, int hopsMax, AsOf asOf, Page page)
    {
        var blueprints = new HashSet<string>(StringComparer.Ordinal);
        return Walk(Places(scope, asOf), hopsMax, asOf, page, (place, walk) => Edges(place, kinds, blueprints, asOf, walk), isUpward: false);
    }

    /// <summary>Who can use a location or address an audience: by itself (no hops), or by authority that has come to it from one that can.</summary>
    /// <remarks>Asked about now it follows unexpired links that cover the target. Links that have expired since an earlier entry are not in memory: then it follows every edge of delegation that there was, which is at most too much.</remarks>
    public WalkAnswer PathTo(string target, AsOf asOf, Page page)
    {
        var direct = Enumerable.Range(0, Known(asOf)).Where(place => CanReach(_state.AgentAt(place).Grant, target));
        return Walk(direct, HopsMax, asOf, page, (place, walk) => Passes(place, target, asOf, walk), isUpward: false);
    }

    /// <summary>The agents that a scope covers, or who hold or may use what it names.</summary>
    internal IEnumerable<AgentRecord> InScope(Scope scope, AsOf asOf)
    {
        var known = Known(asOf);
        return Places(scope, asOf).Where(place => place < known).Select(_state.AgentAt);
    }

    private IEnumerable<int> Places(Scope scope, AsOf asOf) => scope.Kind switch
    {
        ScopeKind.Agent => Place(scope.Id),
        ScopeKind.AgentWithDelegates => Place(scope.Id).Concat(_state.Lineage.Descendants(scope.Id, asOf.Entry).SelectMany(step => Place(step.Agent))),
        ScopeKind.Key => _state.FindAgent(scope.KeyId) is { } agent && HadBy(agent, scope.KeyId, asOf) ? Place(agent.Id) : [],
        ScopeKind.Blueprint => _state.OfBlueprint(scope.Value),
        ScopeKind.Sponsor => _state.OfSponsor(scope.Value),
        ScopeKind.Model or ScopeKind.Label or ScopeKind.Everything => Covered(scope, ReachAt(asOf), asOf),
        // Expired or not: whoever has held it may have passed it on.
        ScopeKind.Credential => _identities.Agents(new AskedCredential(scope.Id), asOf).SelectMany(agent => Place(agent.Id)),
        // What was held then is in memory no more, so that it is at most too many.
        ScopeKind.IssuerKey when !asOf.IsNow => Others(Enumerable.Range(0, Known(asOf)).Select(_state.AgentAt)),
        ScopeKind.Audience when !asOf.IsNow => Others(Enumerable.Range(0, Known(asOf)).Select(_state.AgentAt)
            .Where(agent => agent.Grant.Terms.Audiences.Contains(scope.Value, StringComparer.Ordinal) || _state.Lineage.To(agent.Id).Count > 0)),
        ScopeKind.Audience or ScopeKind.Resource or ScopeKind.IssuerKey => Others(ReachAt(asOf).Holders(scope, [])),
        _ => [],
    };

    // The registry's own probes are nobody.
    private IEnumerable<int> Others(IEnumerable<AgentRecord> agents) => agents.Where(agent => !agent.IsProbe).SelectMany(agent => Place(agent.Id));

    // Also a key that another has followed: what was issued to it lives out its minutes, and whoever copied the key can use it.
    private static bool HadBy(AgentRecord agent, KeyId key, AsOf asOf) => agent.Keys?.Spans.Any(span => span.Key.KeyId == key && asOf.Includes(span.From)) ?? true;

    /// <summary>Whom scopes reached then.</summary>
    internal StopReach ReachAt(AsOf asOf) => asOf.IsNow ? _state.Reach : new StopReach(_state, asOf.Entry);

    private IEnumerable<int> Covered(Scope scope, StopReach reach, AsOf asOf) => Enumerable.Range(0, Known(asOf)).Where(place => reach.Covers(scope, _state.AgentAt(place)));

    // Agents stand in the order of their entries, so those that were known are the first so many.
    private int Known(AsOf asOf)
    {
        var (low, high) = (0, _state.AgentCount);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (asOf.Includes(_state.AgentAt(middle)))
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private WalkAnswer Lineage(AgentRecord agent, AsOf asOf, Page page, CallerRecord? asks, Func<int, IReadOnlyList<DelegationEdge>> edges, Func<DelegationEdge, SubjectId> other, bool isUpward) =>
        Walk(Place(agent.Id), HopsMax, asOf, page, (place, walk) => Delegations(asks?.Sees(_state.AgentAt(place)) != false ? edges(place) : [], other, asOf, walk), isUpward);

    private WalkAnswer Walk(IEnumerable<int> from, int hopsMax, AsOf asOf, Page page, Action<int, BreadthFirst> expand, bool isUpward)
    {
        var walk = new BreadthFirst(Known(asOf));
        foreach (var place in from)
            walk.Begin(place);
        walk.Run(hopsMax, expand);
        var weights = _state.Recent.Counts(asOf.Entry);
        return new WalkAnswer(walk.ByHops, page.Of(walk.InOrder(weights)).With(place => Describe(walk, place, weights, isUpward, asOf)));
    }

    private Reached Describe(BreadthFirst walk, int place, Dictionary<int, int> weights, bool isUpward, AsOf asOf)
    {
        var agent = _state.AgentAt(place);
        var via = walk.Via(place) is { } before ? _state.AgentAt(before).Id : (SubjectId?)null;
        var (hops, edge) = walk.At(place);
        if (edge != EdgeKinds.DelegatesTo)
            return new Reached(agent, hops, via, edge, weights.GetValueOrDefault(place), null, []);
        var delegation = Delegation(via!.Value, agent.Id, isUpward, asOf);
        return new Reached(agent, hops, via, edge, weights.GetValueOrDefault(place), delegation, asOf.IsNow ? Budgets(delegation, asOf) : []);
    }

    private BudgetUse[] Budgets(DelegationEdge edge, AsOf asOf) =>
    [
        .. _state.Lineage.LinksTo(edge.Child, asOf.At / 1000).Where(link => link.Body.Parent == edge.Parent && asOf.Includes(link.Index))
            .SelectMany(link => link.Body.Budgets.Select(budget => new BudgetUse(budget.Unit, budget.Amount, _state.Lineage.Spent(link.Body.ChildJti, budget.Unit))))
            .GroupBy(use => use.Unit, (unit, uses) => uses.Aggregate(new BudgetUse(unit, 0, 0), Add)).OrderBy(use => use.Unit, StringComparer.Ordinal),
    ];

    private static BudgetUse Add(BudgetUse sum, BudgetUse use) => sum with { Amount = Add(sum.Amount, use.Amount), Spent = Add(sum.Spent, use.Spent) };

    private static ulong Add(ulong sum, ulong more) => sum + Math.Min(more, ulong.MaxValue - sum);

    // Of a last link that came later nothing is said: all that is known then is the first.
    private DelegationEdge Delegation(SubjectId via, SubjectId agent, bool isUpward, AsOf asOf)
    {
        var edge = isUpward ? _state.Lineage.To(via).First(edge => edge.Parent == agent) : _state.Lineage.From(via).First(edge => edge.Child == agent);
        return asOf.Includes(edge.Last) ? edge : edge with { Last = edge.First, Links = 1 };
    }

    private void Edges(int place, EdgeKinds kinds, HashSet<string> blueprints, AsOf asOf, BreadthFirst walk)
    {
        var agent = _state.AgentAt(place);
        if (kinds.HasFlag(EdgeKinds.DelegatesTo))
            Delegations(From(place), edge => edge.Child, asOf, walk);
        if (kinds.HasFlag(EdgeKinds.Calls))
            Calls(agent, asOf, walk);
        // Once for each blueprint: whoever comes to a second agent of it has come to all of them.
        if (!kinds.HasFlag(EdgeKinds.SameBlueprint) || !blueprints.Add(agent.Grant.Terms.Blueprint))
            return;
        foreach (var other in _state.OfBlueprint(agent.Grant.Terms.Blueprint))
            walk.Step(other, EdgeKinds.SameBlueprint);
    }

    private void Delegations(IReadOnlyList<DelegationEdge> edges, Func<DelegationEdge, SubjectId> other, AsOf asOf, BreadthFirst walk)
    {
        foreach (var edge in edges)
        {
            if (asOf.Includes(edge.First) && _state.PlaceOf(other(edge)) is { } next)
                walk.Step(next, EdgeKinds.DelegatesTo);
        }
    }

    // Without a query: this is asked of a million agents in one walk.
    private void Calls(AgentRecord agent, AsOf asOf, BreadthFirst walk)
    {
        var granted = agent.Grant.Terms.Audiences;
        Calls(granted, walk);
        foreach (ref readonly var credential in agent.Credentials.AsSpan())
        {
            // Most credentials share the list of their grant.
            if (!ReferenceEquals(credential.Item.Audience, granted) && asOf.Includes(credential.Index))
                Calls(credential.Item.Audience, walk);
        }
    }

    private void Calls(IReadOnlyList<string> audiences, BreadthFirst walk)
    {
        for (var i = 0; i < audiences.Count; i++)
        {
            if (_name.TryParseAgentDid(audiences[i], out var callee) && _state.PlaceOf(callee) is { } place)
                walk.Step(place, EdgeKinds.Calls);
        }
    }

    private void Passes(int place, string target, AsOf asOf, BreadthFirst walk)
    {
        var edges = From(place);
        Delegations(asOf.IsNow ? [.. edges.Where(edge => HasLink(edge, target, asOf))] : edges, edge => edge.Child, asOf, walk);
    }

    // Most agents have delegated nothing: those are not looked up.
    private IReadOnlyList<DelegationEdge> From(int place) => _state.IsParent(place) ? _state.Lineage.From(_state.AgentAt(place).Id) : [];

    private bool HasLink(DelegationEdge edge, string target, AsOf asOf) =>
        _state.Lineage.LinksTo(edge.Child, asOf.At / 1000).Any(link => link.Body.Parent == edge.Parent && asOf.Includes(link.Index) && (link.Body.Audiences.Contains(target) || Touches(link.Body.Envelope, target)));

    private static bool CanReach(AgentGrant grant, string target) => grant.Terms.Audiences.Contains(target) || grant.Envelope.Touches(target);

    private static bool Touches(string envelope, string target) => Envelope.TryParse(envelope, out var read) && read.Touches(target);

    private IEnumerable<int> Place(SubjectId id) => _state.PlaceOf(id) is { } place ? [place] : [];
}
