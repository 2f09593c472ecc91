namespace AgentIdentity.Registry.Questions;

/// <summary>A walk over the first agents by their places: each is come to once, over as few edges as possible.</summary>
/// <param name="count">How many there are; whoever stands further is not part of it.</param>
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

    // Whose edges are being followed.
    private int _at;

    /// <summary>How many agents are at each distance.</summary>
    public IReadOnlyList<int> ByHops => [.. _ends.Select((end, hops) => end - Start(hops))];

    public void Begin(int place) => Take(place, Beginning, EdgeKinds.None);

    /// <summary>Follows all edges. <paramref name="expand"/> calls <see cref="Step"/> for each edge of the place that it is given.</summary>
    public void Run(int hopsMax, Action<int, BreadthFirst> expand)
    {
        _ends.Add(_order.Count);
        while (_ends.Count <= hopsMax)
        {
            // Nobody is left to be come to once all are: the last distance is often the widest.
            for (var (at, end) = (Start(_ends.Count - 1), _ends[^1]); at < end && _order.Count < _via.Length; at++)
                expand(_at = _order[at], this);
            if (_order.Count == _ends[^1])
                return;
            _ends.Add(_order.Count);
        }
    }

    /// <summary>An edge from the place whose edges are being followed.</summary>
    public void Step(int place, EdgeKinds edge) => Take(place, _at, edge);

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
