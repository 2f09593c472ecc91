namespace AgentIdentity.Ledger.Tests.Tree;

public sealed class InclusionProofs
{
    // Beyond the width of a tile; below it, small enough to try every wrong bit.
    private const int SizeMax = 300;
    private const int TamperedSizeMax = 33;

    private readonly Oracle _oracle = new(SizeMax);

    [Fact]
    public void Every_proof_of_every_tree_is_the_one_of_the_definition_and_verifies()
    {
        for (var size = 1; size <= SizeMax; size++)
        {
            for (var index = 0; index < size; index++)
            {
                var path = InclusionProof.Build(At(index), Of(size), _oracle.Node);
                Assert.Equal(_oracle.Path(index, size), path);
                Assert.True(Verifies(index, size, path), $"leaf {index} of {size}");
            }
        }
    }

    [Fact]
    public void One_wrong_bit_in_the_path_fails()
    {
        ForEachTampered((index, size, path) =>
            Assert.All(Tampering.OneBitWrong(path), wrong => Assert.False(Verifies(index, size, wrong))));
    }

    [Fact]
    public void One_wrong_bit_in_the_leaf_hash_or_in_the_root_fails()
    {
        ForEachTampered((index, size, path) =>
        {
            for (var bit = 0; bit < Hash.Size * 8; bit++)
            {
                Assert.False(InclusionProof.Verify(At(index), Of(size), Tampering.Flip(Oracle.LeafHash(index), bit), path, _oracle.Root(size)));
                Assert.False(InclusionProof.Verify(At(index), Of(size), Oracle.LeafHash(index), path, Tampering.Flip(_oracle.Root(size), bit)));
            }
        });
    }

    [Fact]
    public void One_wrong_bit_anywhere_fails_for_every_leaf_of_every_larger_tree()
    {
        for (var size = TamperedSizeMax + 1; size <= SizeMax; size++)
        {
            for (var index = 0; index < size; index++)
            {
                // Leaf hash, root and path as one row of hashes; which bit of it is wrong goes round with size and index.
                Hash[] row = [Oracle.LeafHash(index), _oracle.Root(size), .. _oracle.Path(index, size)];
                Tampering.FlipOne(row, (size * 7919) + (index * 31));
                Assert.False(InclusionProof.Verify(At(index), Of(size), row[0], row.AsSpan(2), row[1]), $"leaf {index} of {size}");
            }
        }
    }

    [Fact]
    public void A_shortened_extended_or_reordered_path_fails()
    {
        ForEachTampered((index, size, path) =>
            Assert.All(Tampering.Reshaped(path), wrong => Assert.False(Verifies(index, size, wrong))));
    }

    [Fact]
    public void A_proof_fails_at_every_other_index_inside_the_tree_and_beyond()
    {
        ForEachTampered((index, size, path) =>
        {
            foreach (var other in Enumerable.Range(0, size + 3).Where(other => other != index))
                Assert.False(InclusionProof.Verify(At(other), Of(size), Oracle.LeafHash(index), path, _oracle.Root(size)), $"{index} as {other} of {size}");
        });
    }

    [Fact]
    public void An_inner_node_does_not_pass_for_a_leaf_of_a_smaller_tree()
    {
        // The path above a node proves the node; only the number of hashes that index and size demand tells it from a leaf.
        var path = InclusionProof.Build(At(5), Of(8), _oracle.Node);
        Assert.True(InclusionProof.Verify(At(2), Of(4), _oracle.Node(1, 2), path.AsSpan(1), _oracle.Root(8)));
        Assert.False(InclusionProof.Verify(At(2), Of(8), _oracle.Node(1, 2), path.AsSpan(1), _oracle.Root(8)));
    }

    [Fact]
    public void A_leaf_of_a_larger_tree_does_not_pass_for_one_of_a_smaller_tree()
    {
        // On the right edge all siblings stand on the left, so that a hash too many would be folded in like any other.
        var path = InclusionProof.Build(At(6), Of(8), _oracle.Node);
        Assert.True(InclusionProof.Verify(At(6), Of(8), Oracle.LeafHash(6), path, _oracle.Root(8)));
        Assert.False(InclusionProof.Verify(At(2), Of(4), Oracle.LeafHash(6), path, _oracle.Root(8)));
    }

    [Fact]
    public void The_largest_sizes_there_are_neither_throw_nor_verify_without_proof()
    {
        Assert.False(InclusionProof.Verify(new LeafIndex(ulong.MaxValue), new TreeSize(ulong.MaxValue), default, [], default));
        Assert.False(InclusionProof.Verify(new LeafIndex(0), new TreeSize(ulong.MaxValue), default, new Hash[64], default));
        Assert.False(InclusionProof.Verify(new LeafIndex(long.MaxValue - 1), TreeSize.Max, default, new Hash[62], default));
        Assert.False(InclusionProof.Verify(new LeafIndex(0), new TreeSize(0), MerkleHash.Empty, [], MerkleHash.Empty));
        Assert.Equal(64, InclusionProof.Build(new LeafIndex(1), new TreeSize(ulong.MaxValue), (_, _) => default).Length);
    }

    [Fact]
    public void A_proof_for_a_leaf_that_is_not_in_the_tree_is_not_built()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => InclusionProof.Build(At(8), Of(8), _oracle.Node));
        Assert.Throws<ArgumentOutOfRangeException>(() => InclusionProof.Build(At(0), Of(0), _oracle.Node));
    }

    private void ForEachTampered(Action<int, int, Hash[]> assert)
    {
        for (var size = 1; size <= TamperedSizeMax; size++)
        {
            for (var index = 0; index < size; index++)
                assert(index, size, _oracle.Path(index, size));
        }
    }

    private bool Verifies(int index, int size, Hash[] path) =>
        InclusionProof.Verify(At(index), Of(size), Oracle.LeafHash(index), path, _oracle.Root(size));

    private static LeafIndex At(int index) => new((ulong)index);

    private static TreeSize Of(int size) => new((ulong)size);
}
