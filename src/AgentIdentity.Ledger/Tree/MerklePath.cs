using System.Numerics;

namespace AgentIdentity.Ledger;

/// <summary>
/// The way from one complete subtree up to the root of a tree, leaf side first. Both kinds of proof are such a way.
/// </summary>
/// <remarks>
/// Up to the level where the subtree and the last leaf part ("inner"), each level gives one sibling, left or right by the bit of
/// the index. From there on the way is the right edge of the tree, where only the set bits of the index give one, always on the left.
/// </remarks>
internal readonly struct MerklePath
{
    private readonly int _level;
    private readonly ulong _index;
    private readonly ulong _size;
    private readonly int _inner;

    /// <summary>The way from subtree (level, index), complete in a tree of this size.</summary>
    internal MerklePath(int level, ulong index, ulong size)
    {
        _level = level;
        _index = index;
        _size = size;
        _inner = 64 - BitOperations.LeadingZeroCount(index ^ ((size - 1) >> level));
        Length = _inner + BitOperations.PopCount(_inner == 64 ? 0 : index >> _inner);
    }

    /// <summary>Hashes that a proof along this way has: no more, no fewer.</summary>
    internal int Length { get; }

    /// <summary>The root that <paramref name="hash"/> and its <paramref name="siblings"/> lead to.</summary>
    internal Hash Root(Hash hash, ReadOnlySpan<Hash> siblings)
    {
        for (var i = 0; i < _inner; i++)
            hash = IsRightChild(i) ? MerkleHash.Node(in siblings[i], in hash) : MerkleHash.Node(in hash, in siblings[i]);
        return RightEdge(hash, siblings);
    }

    /// <summary>The root of the older tree whose last complete subtree is the start of this way: it has what lies left of it, nothing more.</summary>
    internal Hash OldRoot(Hash hash, ReadOnlySpan<Hash> siblings)
    {
        for (var i = 0; i < _inner; i++)
        {
            if (IsRightChild(i))
                hash = MerkleHash.Node(in siblings[i], in hash);
        }
        return RightEdge(hash, siblings);
    }

    /// <summary>Reads the siblings of this way from the tree.</summary>
    internal void Read(NodeReader nodes, Span<Hash> siblings)
    {
        for (var i = 0; i < _inner; i++)
            siblings[i] = Sibling(_level + i, (_index >> i) ^ 1, nodes);
        var next = _inner;
        for (var i = _inner; next < Length; i++)
        {
            if (IsRightChild(i))
                siblings[next++] = nodes(_level + i, (_index >> i) - 1);
        }
    }

    private bool IsRightChild(int levelsUp) => ((_index >> levelsUp) & 1) == 1;

    private Hash RightEdge(Hash hash, ReadOnlySpan<Hash> siblings)
    {
        foreach (ref readonly var sibling in siblings[_inner..])
            hash = MerkleHash.Node(in sibling, in hash);
        return hash;
    }

    // Only the topmost inner sibling can hold the last leaf and so be cut off by the size.
    private Hash Sibling(int level, ulong index, NodeReader nodes) =>
        (_size >> level) > index ? nodes(level, index) : MerkleHash.RangeRoot(index << level, _size, nodes);
}
