using System.Numerics;

namespace AgentIdentity.Ledger;

/// <summary>
/// The frontier of a growing tree: the roots of the complete subtrees that its size is made of, at most 64 hashes.
/// Enough to append leaves and to know the root, without any of the leaves.
/// </summary>
/// <remarks>Not safe for concurrent use: one writer owns it.</remarks>
public sealed class CompactRange
{
    // One slot for each bit of the size; while a leaf is pushed the new one stands beside them for a moment.
    private readonly Hash[] _hashes = new Hash[65];
    private int _count;

    /// <summary>The frontier of the empty tree.</summary>
    public CompactRange()
    {
    }

    /// <summary>The frontier of a tree that was left before.</summary>
    /// <param name="size">Leaves in the tree.</param>
    /// <param name="hashes">What <see cref="Hashes"/> gave at that size. Whether they are genuine shows in <see cref="Root"/> alone.</param>
    /// <exception cref="ArgumentException">The count of hashes is not the count of set bits of the size.</exception>
    public CompactRange(TreeSize size, ReadOnlySpan<Hash> hashes)
    {
        var count = BitOperations.PopCount(size.Value);
        if (hashes.Length != count)
            throw new ArgumentException($"A tree of size {size} has a frontier of {count} hashes; {hashes.Length} were given.", nameof(hashes));
        hashes.CopyTo(_hashes);
        _count = count;
        Size = size;
    }

    /// <summary>Leaves in the tree.</summary>
    public TreeSize Size { get; private set; }

    /// <summary>The roots of the complete subtrees, from the left (the largest) to the right: one for each set bit of the size.</summary>
    /// <remarks>A view: it changes with the next append. Copy it to keep it.</remarks>
    public ReadOnlySpan<Hash> Hashes => _hashes.AsSpan(0, _count);

    /// <summary>The frontier of the first <paramref name="size"/> leaves of a stored tree.</summary>
    public static CompactRange Load(TreeSize size, NodeReader nodes)
    {
        Span<Hash> hashes = stackalloc Hash[64];
        var count = 0;
        for (ulong start = 0, rest = size.Value; rest > 0; count++)
        {
            var level = BitOperations.Log2(rest);
            hashes[count] = nodes(level, start >> level);
            start += 1UL << level;
            rest -= 1UL << level;
        }
        return new CompactRange(size, hashes[..count]);
    }

    /// <summary>Appends one leaf.</summary>
    /// <param name="leafHash">The leaf's hash, <see cref="MerkleHash.Leaf"/>.</param>
    /// <param name="completed">Is told, if given, of the leaf (level 0) and then of each subtree that it completes, level by level upwards.</param>
    /// <returns>The index that the leaf has got.</returns>
    /// <exception cref="InvalidOperationException">The tree has <see cref="TreeSize.Max"/> leaves.</exception>
    public LeafIndex Append(in Hash leafHash, NodeVisitor? completed = null)
    {
        if (Size == TreeSize.Max)
            throw new InvalidOperationException($"A log holds at most {TreeSize.Max} leaves.");

        var index = Size.Value;
        var hash = leafHash;
        completed?.Invoke(0, index, in hash);
        for (var level = 1; level <= BitOperations.TrailingZeroCount(index + 1); level++)
        {
            hash = MerkleHash.Node(in _hashes[--_count], in hash);
            completed?.Invoke(level, index >> level, in hash);
        }
        _hashes[_count++] = hash;
        Size = new TreeSize(index + 1);
        return new LeafIndex(index);
    }

    /// <summary>The root of the tree; <see cref="MerkleHash.Empty"/> when it is empty. Costs one hash for each set bit of the size but one.</summary>
    public Hash Root()
    {
        if (_count == 0)
            return MerkleHash.Empty;
        var root = _hashes[_count - 1];
        for (var i = _count - 2; i >= 0; i--)
            root = MerkleHash.Node(in _hashes[i], in root);
        return root;
    }
}
