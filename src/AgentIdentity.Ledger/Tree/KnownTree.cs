using System.Numerics;

namespace AgentIdentity.Ledger;

/// <summary>What two trees say of each other.</summary>
public enum TreeAgreement
{
    /// <summary>What is known of them does not overlap enough.</summary>
    Undecided = 0,

    /// <summary>The smaller one is the beginning of the larger one.</summary>
    OneHistory,

    /// <summary>They differ where they both have something: two histories under one name.</summary>
    SplitView,
}

/// <summary>What somebody knows of a signed tree who holds some of its leaves with their paths: the complete subtrees along these paths. Enough to catch a log that shows different trees to different people, without asking it.</summary>
/// <param name="size">Leaves of the tree.</param>
/// <param name="root">Its root, which somebody has signed.</param>
public sealed class KnownTree(TreeSize size, Hash root)
{
    private readonly Dictionary<(int Level, ulong Index), Hash> _nodes = [];

    /// <summary>Takes a leaf and what leads from it to the root. False when it does not, and then nothing is taken.</summary>
    public bool Learn(LeafIndex index, in Hash leafHash, ReadOnlySpan<Hash> path)
    {
        if (!InclusionProof.Verify(index, size, in leafHash, path, in root))
            return false;
        var (hash, level, node, last) = (leafHash, 0, index.Value, size.Value - 1);
        Keep(level, node, hash);
        foreach (ref readonly var sibling in path)
        {
            // On the right edge the way goes up without a sibling until there is one on the left.
            while (node == last && (node & 1) == 0)
                (level, node, last) = (level + 1, node >> 1, last >> 1);
            Keep(level, node ^ 1, sibling);
            hash = (node & 1) == 1 ? MerkleHash.Node(in sibling, in hash) : MerkleHash.Node(in hash, in sibling);
            (level, node, last) = (level + 1, node >> 1, last >> 1);
            Keep(level, node, hash);
        }
        return true;
    }

    /// <summary>Holds this tree against another that claims to be of the same log.</summary>
    public TreeAgreement Compare(KnownTree other) =>
        size.Value > other.Size.Value ? other.Compare(this) : CompareLarger(other);

    private TreeSize Size => size;

    private Hash Root => root;

    private TreeAgreement CompareLarger(KnownTree larger)
    {
        foreach (var (place, hash) in _nodes)
        {
            if (larger._nodes.TryGetValue(place, out var there) && there != hash)
                return TreeAgreement.SplitView;
        }
        if (size == larger.Size)
            return root == larger.Root ? TreeAgreement.OneHistory : TreeAgreement.SplitView;
        return RootOfBeginning(larger) is { } beginning ? beginning == root ? TreeAgreement.OneHistory : TreeAgreement.SplitView : TreeAgreement.Undecided;
    }

    // The larger tree's own word on what its beginning of our size was: from the complete subtrees that this is made of, right to left.
    private Hash? RootOfBeginning(KnownTree larger)
    {
        Hash? hash = size.Value == 0 ? MerkleHash.Empty : null;
        for (var left = size.Value; left > 0;)
        {
            var level = BitOperations.TrailingZeroCount(left);
            if (!larger._nodes.TryGetValue((level, (left >> level) - 1), out var peak))
                return null;
            hash = hash is { } right ? MerkleHash.Node(in peak, in right) : peak;
            left -= 1UL << level;
        }
        return hash;
    }

    private void Keep(int level, ulong index, in Hash hash)
    {
        if (level < 63 && index < size.Value >> level)
            _nodes[(level, index)] = hash;
    }
}
