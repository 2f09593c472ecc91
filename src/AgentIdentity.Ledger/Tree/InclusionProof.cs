namespace AgentIdentity.Ledger;

/// <summary>Proofs that a leaf is in a tree (RFC 6962, section 2.1.1): the sibling hashes on the way to the root, leaf side first.</summary>
public static class InclusionProof
{
    /// <summary>Whether <paramref name="path"/> proves that the leaf stands at <paramref name="index"/> in the tree with this size and root.</summary>
    /// <remarks>False for an index outside the tree and for a path that is a hash too short or too long; never throws.</remarks>
    public static bool Verify(LeafIndex index, TreeSize size, in Hash leafHash, ReadOnlySpan<Hash> path, in Hash root)
    {
        if (!size.Contains(index))
            return false;
        var way = new MerklePath(0, index.Value, size.Value);
        return path.Length == way.Length && way.Root(leafHash, path) == root;
    }

    /// <summary>Builds the proof for the leaf at <paramref name="index"/> in the tree of this size.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is not in the tree.</exception>
    public static Hash[] Build(LeafIndex index, TreeSize size, NodeReader nodes)
    {
        if (!size.Contains(index))
            throw new ArgumentOutOfRangeException(nameof(index), $"Leaf {index} is not in a tree of size {size}.");
        var way = new MerklePath(0, index.Value, size.Value);
        var path = new Hash[way.Length];
        way.Read(nodes, path);
        return path;
    }
}
