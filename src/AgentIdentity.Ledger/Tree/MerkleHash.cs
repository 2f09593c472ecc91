using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AgentIdentity.Ledger;

/// <summary>The hashes of an RFC 6962 (section 2.1) tree over SHA-256.</summary>
public static class MerkleHash
{
    /// <summary>The root of the empty tree: SHA-256 of no bytes.</summary>
    public static Hash Empty { get; } = Sha256.Hash([]);

    /// <summary>The hash of a leaf: SHA-256(0x00 ‖ leaf).</summary>
    public static Hash Leaf(ReadOnlySpan<byte> leaf)
    {
        Sha256.Hash([0x00], leaf, Hash.Fill(out var hash));
        return hash;
    }

    /// <summary>The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).</summary>
    [SkipLocalsInit]
    public static Hash Node(in Hash left, in Hash right)
    {
        Span<byte> node = stackalloc byte[1 + (2 * Hash.Size)];
        node[0] = 0x01;
        MemoryMarshal.Write(node[1..], in left);
        MemoryMarshal.Write(node[(1 + Hash.Size)..], in right);
        return Sha256.Hash(node);
    }

    /// <summary>The root of the tree with these leaf hashes, read in one pass; <see cref="Empty"/> when there are none.</summary>
    public static Hash Root(ReadOnlySpan<Hash> leafHashes)
    {
        var range = new CompactRange();
        foreach (ref readonly var leafHash in leafHashes)
            range.Append(in leafHash);
        return range.Root();
    }

    /// <summary>The root of the tree of the first <paramref name="size"/> leaves, from its complete subtrees (at most 64 reads).</summary>
    public static Hash Root(TreeSize size, NodeReader nodes) => size.Value == 0 ? Empty : RangeRoot(0, size.Value, nodes);

    /// <summary>
    /// The root over the leaves [start, end), end > start, where start is a multiple of a power of two that is no less than the
    /// length: the right edge of a tree. Its complete subtrees are the set bits of the length, smallest and rightmost first.
    /// </summary>
    internal static Hash RangeRoot(ulong start, ulong end, NodeReader nodes)
    {
        var level = BitOperations.TrailingZeroCount(end - start);
        end -= 1UL << level;
        var root = nodes(level, end >> level);
        while (end > start)
        {
            level = BitOperations.TrailingZeroCount(end - start);
            end -= 1UL << level;
            root = Node(nodes(level, end >> level), in root);
        }
        return root;
    }
}
