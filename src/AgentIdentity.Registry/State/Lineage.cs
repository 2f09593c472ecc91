using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>A delegation as it was minted: the link from one credential to the next.</summary>
public sealed record DelegationLink(LeafIndex Index, Delegated Body);

/// <summary>That authority of one agent has come to another directly, ever: in links, or because the one has vouched for the other. Outlives every credential.</summary>
public readonly record struct DelegationEdge(SubjectId Parent, SubjectId Child, LeafIndex First, LeafIndex Last, uint Links);

/// <summary>An agent that a walk came to, over how many links at least.</summary>
public readonly record struct LineageStep(SubjectId Agent, uint Hops);

/// <summary>Who passed authority on to whom. Edges stay for ever; links as long as their credentials live.</summary>
/// <remarks>Written by the writer alone, at mint time, so that a cascade is a walk and not a search. Read by any thread.</remarks>
/// <param name="parentSeen">Is told where each edge begins.</param>
public sealed class Lineage(Action<SubjectId> parentSeen)
{
    private readonly object _gate = new();
    private readonly Dictionary<SubjectId, Dictionary<SubjectId, DelegationEdge>> _children = [];
    private readonly Dictionary<SubjectId, Dictionary<SubjectId, DelegationEdge>> _parents = [];
    private readonly Dictionary<SubjectId, DelegationLink> _links = [];
    private readonly Dictionary<SubjectId, List<DelegationLink>> _linksByParent = [];
    private readonly Dictionary<SubjectId, List<DelegationLink>> _linksByChild = [];
    private readonly Dictionary<(SubjectId Link, string Unit), ulong> _spent = [];
    private readonly PriorityQueue<SubjectId, long> _expiries = new();
    private (SubjectId Of, SubjectId[] Ids)? _lastIds;

    /// <summary>Adds a link, and forgets links whose credentials had expired by <paramref name="at"/> (ms since 1970).</summary>
    internal void Add(LeafIndex index, Delegated body, long at)
    {
        lock (_gate)
        {
            Forget(at / 1000);
            AddEdge(new DelegationEdge(body.Parent, body.Child, index, index, 1));
            AddLink(new DelegationLink(index, body));
        }
    }

    /// <summary>Puts an agent below the one that vouched for it. No credential hangs by that, so it counts no link.</summary>
    internal void Vouch(LeafIndex index, SubjectId parent, SubjectId child)
    {
        lock (_gate)
            AddEdge(new DelegationEdge(parent, child, index, index, 0));
    }

    /// <summary>The link under which a credential was made; null for one that nobody delegated, and for one that has expired.</summary>
    public DelegationLink? Link(SubjectId jti)
    {
        lock (_gate)
            return _links.GetValueOrDefault(jti);
    }

    /// <summary>The links above a credential, its own first, the one from the agent that acts under its own authority last.</summary>
    public IReadOnlyList<DelegationLink> LinksAbove(SubjectId jti)
    {
        lock (_gate)
            return WalkUp(jti);
    }

    /// <summary>The links that lead to an agent directly and whose credentials live.</summary>
    /// <param name="child">The agent.</param>
    /// <param name="seconds">Seconds since 1970.</param>
    public IReadOnlyList<DelegationLink> LinksTo(SubjectId child, long seconds)
    {
        lock (_gate)
            return _linksByChild.TryGetValue(child, out var links) ? links.FindAll(link => link.Body.ExpiresAt > seconds) : [];
    }

    /// <summary>What was used of a unit under a link, and under those that hang below it.</summary>
    public ulong Spent(SubjectId jti, string unit)
    {
        lock (_gate)
            return _spent.GetValueOrDefault((jti, unit));
    }

    /// <summary>Counts what was used at the credential's link and at each above it.</summary>
    /// <exception cref="LedgerDamagedException">A link has not so much left: whoever wrote the entry did not ask.</exception>
    internal void Spend(LeafIndex index, BudgetSpent body)
    {
        lock (_gate)
        {
            var links = WalkUp(body.Jti);
            if (links.Count == 0)
                throw new LedgerDamagedException($"Entry {index} spends under the credential {body.Jti}, which nobody delegated.");
            foreach (var link in links)
                Count(index, link.Body, body.Spent);
        }
    }

    /// <summary>Whom authority of the agent has come to, nearest first, itself left out. <paramref name="asOf"/>: by that entry.</summary>
    public IReadOnlyList<LineageStep> Descendants(SubjectId agent, LeafIndex? asOf = null)
    {
        lock (_gate)
            return Walk(_children, agent, asOf);
    }

    /// <summary>The same by their ids, ascending. One stop asks several times in a row, and hardly ever has anything been delegated in between.</summary>
    public IReadOnlyList<SubjectId> DescendantIds(SubjectId agent)
    {
        lock (_gate)
        {
            if (_lastIds is not { } last || last.Of != agent)
                _lastIds = last = (agent, [.. Walk(_children, agent, null).Select(step => step.Agent).Order()]);
            return last.Ids;
        }
    }

    /// <summary>Whose authority has come to the agent, nearest first, itself left out.</summary>
    public IReadOnlyList<LineageStep> Ancestors(SubjectId agent, LeafIndex? asOf = null)
    {
        lock (_gate)
            return Walk(_parents, agent, asOf);
    }

    /// <summary>The edges that begin at an agent.</summary>
    public IReadOnlyList<DelegationEdge> From(SubjectId agent)
    {
        lock (_gate)
            return _children.TryGetValue(agent, out var edges) ? [.. edges.Values] : [];
    }

    /// <summary>The edges that end at an agent.</summary>
    public IReadOnlyList<DelegationEdge> To(SubjectId agent)
    {
        lock (_gate)
            return _parents.TryGetValue(agent, out var edges) ? [.. edges.Values] : [];
    }

    /// <summary>Unexpired delegated credentials that come, over any number of links, from one that <paramref name="isRoot"/> picks.</summary>
    /// <param name="isRoot">Asked of each link about what it was passed on from.</param>
    /// <param name="at">Ms since 1970.</param>
    internal IReadOnlyList<SubjectId> LiveUnder(Func<DelegationLink, bool> isRoot, long at)
    {
        lock (_gate)
        {
            var found = new HashSet<SubjectId>();
            var waiting = new Stack<DelegationLink>(_links.Values.Where(isRoot));
            // Walk first and filter later: an expired link in between must not end the walk.
            while (waiting.TryPop(out var link))
            {
                if (!found.Add(link.Body.ChildJti) || !_linksByParent.TryGetValue(link.Body.ChildJti, out var below))
                    continue;
                foreach (var next in below)
                    waiting.Push(next);
            }
            return [.. found.Where(jti => _links[jti].Body.ExpiresAt > at / 1000).Order()];
        }
    }

    /// <summary>Credentials that come, over any number of links, from one of these.</summary>
    internal IReadOnlyList<SubjectId> Under(IEnumerable<SubjectId> jtis)
    {
        lock (_gate)
        {
            var found = new HashSet<SubjectId>();
            var waiting = new Stack<SubjectId>(jtis);
            while (waiting.TryPop(out var jti))
            {
                if (!_linksByParent.TryGetValue(jti, out var below))
                    continue;
                foreach (var link in below)
                {
                    if (found.Add(link.Body.ChildJti))
                        waiting.Push(link.Body.ChildJti);
                }
            }
            return [.. found.Order()];
        }
    }

    internal LineageCopy Copy()
    {
        lock (_gate)
            return new LineageCopy([.. _children.Values.SelectMany(edges => edges.Values)], [.. _links.Values], [.. _spent.Select(pair => new SpentBudget(pair.Key.Link, pair.Key.Unit, pair.Value))]);
    }

    internal void Restore(LineageCopy copy)
    {
        foreach (var edge in copy.Edges)
            AddEdge(edge);
        foreach (var link in copy.Links)
            AddLink(link);
        foreach (var spent in copy.Spent)
            _spent[(spent.Link, spent.Unit)] = spent.Amount;
    }

    private void AddEdge(DelegationEdge edge)
    {
        Add(_children, edge.Parent, edge.Child, edge);
        Add(_parents, edge.Child, edge.Parent, edge);
        parentSeen(edge.Parent);
        _lastIds = null;
    }

    private static void Add(Dictionary<SubjectId, Dictionary<SubjectId, DelegationEdge>> edges, SubjectId from, SubjectId to, DelegationEdge edge)
    {
        if (!edges.TryGetValue(from, out var known))
            edges.Add(from, known = []);
        known[to] = known.TryGetValue(to, out var held) ? held with { Last = edge.Last, Links = held.Links + edge.Links } : edge;
    }

    private void AddLink(DelegationLink link)
    {
        _links[link.Body.ChildJti] = link;
        Add(_linksByParent, link.Body.ParentJti, link);
        Add(_linksByChild, link.Body.Child, link);
        _expiries.Enqueue(link.Body.ChildJti, link.Body.ExpiresAt);
    }

    private static void Add(Dictionary<SubjectId, List<DelegationLink>> links, SubjectId key, DelegationLink link)
    {
        if (!links.TryGetValue(key, out var others))
            links.Add(key, others = []);
        others.Add(link);
    }

    private static void Remove(Dictionary<SubjectId, List<DelegationLink>> links, SubjectId key, DelegationLink link)
    {
        var others = links[key];
        others.Remove(link);
        if (others.Count == 0)
            links.Remove(key);
    }

    // A child expires no later than its parent, so nothing that lives hangs under what is forgotten.
    private void Forget(long seconds)
    {
        while (_expiries.TryPeek(out var jti, out var expiresAt) && expiresAt <= seconds)
        {
            _expiries.Dequeue();
            if (!_links.Remove(jti, out var link))
                continue;
            Remove(_linksByParent, link.Body.ParentJti, link);
            Remove(_linksByChild, link.Body.Child, link);
            foreach (var budget in link.Body.Budgets)
                _spent.Remove((jti, budget.Unit));
        }
    }

    private List<DelegationLink> WalkUp(SubjectId jti)
    {
        var links = new List<DelegationLink>();
        for (var at = jti; _links.TryGetValue(at, out var link); at = link.Body.ParentJti)
            links.Add(link);
        return links;
    }

    private void Count(LeafIndex index, Delegated link, IReadOnlyList<Budget> spent)
    {
        foreach (var (unit, amount) in spent)
        {
            var before = _spent.GetValueOrDefault((link.ChildJti, unit));
            if (link.Budgets.Amount(unit) is not { } budget || amount > budget - before)
                throw new LedgerDamagedException($"Entry {index} spends {amount} {unit}, which the link to {link.ChildJti} has not left.");
            _spent[(link.ChildJti, unit)] = before + amount;
        }
    }

    private static List<LineageStep> Walk(Dictionary<SubjectId, Dictionary<SubjectId, DelegationEdge>> edges, SubjectId start, LeafIndex? asOf)
    {
        var found = new List<LineageStep>();
        var seen = new HashSet<SubjectId> { start };
        var waiting = new Queue<LineageStep>([new LineageStep(start, 0)]);
        while (waiting.TryDequeue(out var step))
        {
            if (!edges.TryGetValue(step.Agent, out var next))
                continue;
            foreach (var (agent, edge) in next)
            {
                if ((asOf is { } limit && edge.First.Value > limit.Value) || !seen.Add(agent))
                    continue;
                var reached = new LineageStep(agent, step.Hops + 1);
                found.Add(reached);
                waiting.Enqueue(reached);
            }
        }
        return found;
    }
}

/// <summary>The lineage for a snapshot.</summary>
internal sealed record LineageCopy(IReadOnlyList<DelegationEdge> Edges, IReadOnlyList<DelegationLink> Links, IReadOnlyList<SpentBudget> Spent);

/// <summary>What was used of a unit under a link that lives.</summary>
internal sealed record SpentBudget(SubjectId Link, string Unit, ulong Amount);
