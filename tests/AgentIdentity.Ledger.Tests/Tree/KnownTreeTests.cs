namespace AgentIdentity.Ledger.Tests.Tree;

/// <summary>What two people find out who each hold some leaves of a log: for all pairs of sizes, against the trees themselves.</summary>
public sealed class KnownTreeTests
{
    private const int SizeMax = 40;

    [Fact]
    public void One_history_is_never_called_a_split_view_and_its_beginning_is_recognized_from_all_leaves()
    {
        var leaves = Leaves(0, SizeMax);
        for (var small = 1; small <= SizeMax; small++)
        {
            for (var large = small; large <= SizeMax; large++)
            {
                Assert.Equal(TreeAgreement.OneHistory, Known(leaves[..small]).Compare(Known(leaves[..large])));
                Assert.Equal(TreeAgreement.OneHistory, Known(leaves[..large]).Compare(Known(leaves[..small])));
                Assert.NotEqual(TreeAgreement.SplitView, Known(leaves[..small], small - 1).Compare(Known(leaves[..large], large - 1)));
            }
        }
    }

    [Fact]
    public void Two_histories_are_never_called_one_and_are_found_out_from_all_leaves()
    {
        var ours = Leaves(0, SizeMax);
        for (var common = 0; common < SizeMax; common += 3)
        {
            Hash[] theirs = [.. ours[..common], .. Leaves(1, SizeMax)[common..]];
            for (var small = common + 1; small <= SizeMax; small += 2)
            {
                for (var large = common + 1; large <= SizeMax; large += 3)
                {
                    Assert.Equal(TreeAgreement.SplitView, Known(ours[..small]).Compare(Known(theirs[..large])));
                    Assert.NotEqual(TreeAgreement.OneHistory, Known(ours[..small], small - 1).Compare(Known(theirs[..large], large - 1)));
                }
            }
        }
    }

    [Fact]
    public void Trees_of_one_size_are_compared_by_their_roots_alone()
    {
        var (ours, theirs) = (MerkleHash.Root(Leaves(0, 9)), MerkleHash.Root(Leaves(1, 9)));
        Assert.Equal(TreeAgreement.OneHistory, new KnownTree(new TreeSize(9), ours).Compare(new KnownTree(new TreeSize(9), ours)));
        Assert.Equal(TreeAgreement.SplitView, new KnownTree(new TreeSize(9), ours).Compare(new KnownTree(new TreeSize(9), theirs)));
        Assert.Equal(TreeAgreement.Undecided, new KnownTree(new TreeSize(9), ours).Compare(new KnownTree(new TreeSize(10), theirs)));
        Assert.Equal(TreeAgreement.OneHistory, new KnownTree(default, MerkleHash.Empty).Compare(new KnownTree(new TreeSize(9), ours)));
    }

    [Fact]
    public void A_path_that_does_not_lead_to_the_root_teaches_nothing()
    {
        var leaves = Leaves(0, 7);
        var known = new KnownTree(new TreeSize(7), MerkleHash.Root(leaves));
        Assert.False(known.Learn(new LeafIndex(3), leaves[2], Path(leaves, 3)));
        Assert.False(known.Learn(new LeafIndex(7), leaves[2], []));
        Assert.Equal(TreeAgreement.Undecided, known.Compare(new KnownTree(new TreeSize(8), MerkleHash.Root(Leaves(1, 8)))));
    }

    private static KnownTree Known(Hash[] leaves, params int[] indexes)
    {
        var known = new KnownTree(new TreeSize((ulong)leaves.Length), MerkleHash.Root(leaves));
        foreach (var index in indexes.Length == 0 ? Enumerable.Range(0, leaves.Length) : indexes)
            Assert.True(known.Learn(new LeafIndex((ulong)index), leaves[index], Path(leaves, index)));
        return known;
    }

    private static Hash[] Path(Hash[] leaves, int index) => InclusionProof.Build(
        new LeafIndex((ulong)index), new TreeSize((ulong)leaves.Length), (level, node) => MerkleHash.Root(leaves.AsSpan((int)(node << level), 1 << level)));

    private static Hash[] Leaves(byte history, int count) => [.. Enumerable.Range(0, count).Select(number => MerkleHash.Leaf([history, (byte)number]))];
}
