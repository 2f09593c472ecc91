using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>Whose the last statements were. In memory only: after a start it begins with what the start has read.</summary>
internal sealed class RecentActivity
{
    /// <summary>Statements that are remembered: a few seconds of a full load, hours of a quiet registry; 1 MB.</summary>
    public const int StatementsMax = 65_536;

    private readonly object _gate = new();
    private readonly Statement[] _ring = new Statement[StatementsMax];
    private long _count;

    public void Add(int place, LeafIndex index)
    {
        lock (_gate)
            _ring[_count++ % StatementsMax] = new Statement(place, index);
    }

    /// <summary>Statements remembered by the place of their agent, up to an entry.</summary>
    public Dictionary<int, int> Counts(LeafIndex upTo)
    {
        var counts = new Dictionary<int, int>();
        foreach (var statement in Copy())
        {
            if (statement.Index.Value <= upTo.Value)
                counts[statement.Place] = counts.GetValueOrDefault(statement.Place) + 1;
        }
        return counts;
    }

    // Counted outside, so that the writer waits for a copy only.
    private Statement[] Copy()
    {
        lock (_gate)
            return _ring[..(int)Math.Min(_count, StatementsMax)];
    }

    private readonly record struct Statement(int Place, LeafIndex Index);
}
