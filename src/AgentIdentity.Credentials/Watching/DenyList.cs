using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Watching;

/// <summary>The denials that one view shows, in the order of their entries, and the digest that registry and enforcer hold against each other. docs/formats.md, "Watch".</summary>
/// <remarks>Adding costs a few hashes, removing as many as there are denials: stops come at night by the thousand, restores one by one. Not safe for concurrent use.</remarks>
public sealed class DenyList
{
    private readonly List<(LeafIndex Index, Denial Denial, Hash Leaf)> _denials = [];
    private CompactRange _range = new();

    /// <summary>How many there are.</summary>
    public int Count => _denials.Count;

    /// <summary>The denials, oldest first.</summary>
    public IEnumerable<Denial> Denials => _denials.Select(held => held.Denial);

    /// <summary>RFC 6962 root over the encoded denials.</summary>
    public Hash Digest => _range.Root();

    /// <summary>Whether a denial of that entry is there.</summary>
    public bool Contains(LeafIndex index) => Find(index) >= 0;

    /// <summary>Adds a denial behind all others.</summary>
    /// <exception cref="ArgumentException">Its entry does not come after that of the last.</exception>
    public void Add(Denial denial)
    {
        if (_denials is [.., var last] && last.Index.Value >= denial.Index.Value)
            throw new ArgumentException($"The denial of entry {denial.Index} does not come after that of entry {last.Index}.", nameof(denial));
        var leaf = MerkleHash.Leaf(DenialFormat.Encode(denial));
        _denials.Add((denial.Index, denial, leaf));
        _range.Append(in leaf);
    }

    /// <summary>Removes the denial of an entry; null when it is not there.</summary>
    public Denial? Remove(LeafIndex index)
    {
        var at = Find(index);
        if (at < 0)
            return null;
        var removed = _denials[at].Denial;
        _denials.RemoveAt(at);
        _range = new CompactRange();
        foreach (var (_, _, leaf) in _denials)
            _range.Append(in leaf);
        return removed;
    }

    private int Find(LeafIndex index)
    {
        var (low, high) = (0, _denials.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = _denials[middle].Index.Value.CompareTo(index.Value);
            if (order == 0)
                return middle;
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }
}
