using System.Numerics;

namespace AgentIdentity.Ledger;

/// <summary>Proofs that a tree is the beginning of a larger one (RFC 6962, section 2.1.2): nothing was changed, only appended.</summary>
public static class ConsistencyProof
{
    /// <summary>Whether <paramref name="path"/> proves that the old tree is a prefix of the new one.</summary>
    /// <remarks>
    /// Never throws. False when the old tree is the larger one. An old tree that is empty, or as large as the new one, has the
    /// empty path; then the old root must be <see cref="MerkleHash.Empty"/>, or the new root.
    /// </remarks>
    public static bool Verify(TreeSize oldSize, TreeSize newSize, in Hash oldRoot, in Hash newRoot, ReadOnlySpan<Hash> path)
    {
        if (oldSize.Value > newSize.Value || (newSize.Value == 0 && newRoot != MerkleHash.Empty))
            return false;
        if (oldSize.Value == 0)
            return path.IsEmpty && oldRoot == MerkleHash.Empty;
        if (oldSize == newSize)
            return path.IsEmpty && oldRoot == newRoot;

        var way = Way(oldSize, newSize);
        if (path.Length != way.Length + (StartsAtOldRoot(oldSize) ? 0 : 1))
            return false;
        var start = StartsAtOldRoot(oldSize) ? oldRoot : path[0];
        var siblings = path[^way.Length..];
        return way.OldRoot(start, siblings) == oldRoot && way.Root(start, siblings) == newRoot;
    }

    /// <summary>Builds the proof between the trees of these sizes; empty if the old one is empty or as large as the new one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The old tree is the larger one.</exception>
    public static Hash[] Build(TreeSize oldSize, TreeSize newSize, NodeReader nodes)
    {
        if (oldSize.Value > newSize.Value)
            throw new ArgumentOutOfRangeException(nameof(oldSize), $"A tree of size {oldSize} is no beginning of one of size {newSize}.");
        if (oldSize.Value == 0 || oldSize == newSize)
            return [];

        var way = Way(oldSize, newSize);
        var first = StartsAtOldRoot(oldSize) ? 0 : 1;
        var path = new Hash[first + way.Length];
        if (first == 1)
            path[0] = nodes(LastLevel(oldSize), (oldSize.Value >> LastLevel(oldSize)) - 1);
        way.Read(nodes, path.AsSpan(first));
        return path;
    }

    // The proof starts at the last complete subtree of the old tree, which both trees have.
    private static MerklePath Way(TreeSize oldSize, TreeSize newSize) =>
        new(LastLevel(oldSize), (oldSize.Value >> LastLevel(oldSize)) - 1, newSize.Value);

    private static int LastLevel(TreeSize oldSize) => BitOperations.TrailingZeroCount(oldSize.Value);

    // When the old tree is complete its only subtree is its root, which the verifier holds already.
    private static bool StartsAtOldRoot(TreeSize oldSize) => BitOperations.IsPow2(oldSize.Value);
}
