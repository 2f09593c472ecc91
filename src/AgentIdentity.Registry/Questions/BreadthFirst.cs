namespace AgentIdentity.Registry.Questions;

/// <summary>An edge of a walk: to the agent at a place, by what.</summary>
internal readonly record struct Step(int Place, EdgeKinds Edge);

/// <summary>A walk over the agents by their places: each is come to once, over as few edges as possible.</summary>
internal sealed class BreadthFirst(int count)
{
    private const int Unseen = -1;
    private const int Beginning = -2;

    // For each place: the place before it, and the edge between them.
    private readonly int[] _via = Filled(count);
    private readonly byte[] _edges = new byte[count];

    // In the order in which they were come to, so that those of one distance lie together.
    private readonly List<int> _order = [];
    private readonly List<int> _ends = [];

    /// <summary>How many agents are at each distance.</summary>
    public IReadOnlyList<int> ByHops => [.. _ends.Select((end, hops) => end - Start(hops))];

    public void Begin(int place)
    {
        if (place < _via.Length)
            Take(place, Beginning, EdgeKinds.None);
    }

    public void Run(int hopsMax, Func<int, IEnumerable<Step>> edges)
    {
        _ends.Add(_order.Count);
        for (var at = 0; _ends.Count <= hopsMax && at < _ends[^1];)
        {
            for (var end = _ends[^1]; at < end; at++)
            {
                foreach (var step in edges(_order[at]))
                    Take(step.Place, _order[at], step.Edge);
            }
            if (_order.Count > _ends[^1])
                _ends.Add(_order.Count);
        }
    }

    public int? Via(int place) => _via[place] >= 0 ? _via[place] : null;

    public (int Hops, EdgeKinds Edge) At(int place)
    {
        var hops = 0;
        for (var at = place; _via[at] >= 0; at = _via[at])
            hops++;
        return (hops, (EdgeKinds)_edges[place]);
    }

    /// <summary>All that were come to: nearest first, and of one distance the heaviest first.</summary>
    public IEnumerable<int> InOrder(IReadOnlyDictionary<int, int> weights)
    {
        for (var hops = 0; hops < _ends.Count; hops++)
        {
            var same = Enumerable.Range(Start(hops), _ends[hops] - Start(hops)).Select(at => _order[at]);
            // Few have any weight, so few are sorted; the sort keeps the order of equals.
            foreach (var place in same.Where(weights.ContainsKey).OrderByDescending(place => weights[place]))
                yield return place;
            foreach (var place in same.Where(place => !weights.ContainsKey(place)))
                yield return place;
        }
    }

    private int Start(int hops) => hops == 0 ? 0 : _ends[hops - 1];

    // An agent that was enrolled during the walk is not part of it.
    private void Take(int place, int via, EdgeKinds edge)
    {
        if (place >= _via.Length || _via[place] != Unseen)
            return;
        (_via[place], _edges[place]) = (via, (byte)edge);
        _order.Add(place);
    }

    private static int[] Filled(int count)
    {
        var places = new int[count];
        Array.Fill(places, Unseen);
        return places;
    }
}
