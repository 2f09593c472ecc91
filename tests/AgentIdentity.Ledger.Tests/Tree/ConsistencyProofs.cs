namespace AgentIdentity.Ledger.Tests.Tree;

public sealed class ConsistencyProofs
{
    private const int SizeMax = 300;
    private const int TamperedSizeMax = 33;

    private readonly Oracle _oracle = new(SizeMax);

    [Fact]
    public void Every_proof_between_two_trees_is_the_one_of_the_definition_and_verifies()
    {
        for (var newSize = 0; newSize <= SizeMax; newSize++)
        {
            for (var oldSize = 0; oldSize <= newSize; oldSize++)
            {
                var path = ConsistencyProof.Build(Of(oldSize), Of(newSize), _oracle.Node);
                Assert.Equal(_oracle.Proof(oldSize, newSize), path);
                Assert.True(Verifies(oldSize, newSize, path), $"{oldSize} in {newSize}");
            }
        }
    }

    [Fact]
    public void One_wrong_bit_in_the_path_fails()
    {
        ForEachTampered((oldSize, newSize, path) =>
            Assert.All(Tampering.OneBitWrong(path), wrong => Assert.False(Verifies(oldSize, newSize, wrong))));
    }

    [Fact]
    public void One_wrong_bit_in_either_root_fails()
    {
        ForEachTampered((oldSize, newSize, path) =>
        {
            for (var bit = 0; bit < Hash.Size * 8; bit++)
            {
                Assert.False(ConsistencyProof.Verify(Of(oldSize), Of(newSize), Tampering.Flip(_oracle.Root(oldSize), bit), _oracle.Root(newSize), path));
                // From the empty tree every tree follows, so there is nothing that its root could contradict.
                if (oldSize > 0)
                    Assert.False(ConsistencyProof.Verify(Of(oldSize), Of(newSize), _oracle.Root(oldSize), Tampering.Flip(_oracle.Root(newSize), bit), path));
            }
        });
    }

    [Fact]
    public void One_wrong_bit_anywhere_fails_between_all_larger_trees()
    {
        for (var newSize = TamperedSizeMax + 1; newSize <= SizeMax; newSize++)
        {
            for (var oldSize = 1; oldSize <= newSize; oldSize++)
            {
                Hash[] row = [_oracle.Root(oldSize), _oracle.Root(newSize), .. _oracle.Proof(oldSize, newSize)];
                Tampering.FlipOne(row, (newSize * 7919) + (oldSize * 31));
                Assert.False(ConsistencyProof.Verify(Of(oldSize), Of(newSize), row[0], row[1], row.AsSpan(2)), $"{oldSize} in {newSize}");
            }
        }
    }

    [Fact]
    public void A_shortened_extended_or_reordered_path_fails()
    {
        ForEachTampered((oldSize, newSize, path) =>
            Assert.All(Tampering.Reshaped(path), wrong => Assert.False(Verifies(oldSize, newSize, wrong), $"{oldSize} in {newSize}")));
    }

    [Fact]
    public void The_root_of_another_old_size_fails()
    {
        ForEachTampered((oldSize, newSize, path) =>
        {
            foreach (var other in Enumerable.Range(0, newSize + 1).Where(other => other != oldSize))
                Assert.False(ConsistencyProof.Verify(Of(oldSize), Of(newSize), _oracle.Root(other), _oracle.Root(newSize), path));
        });
    }

    [Fact]
    public void A_tree_does_not_follow_from_a_larger_one()
    {
        Assert.False(ConsistencyProof.Verify(Of(8), Of(7), _oracle.Root(8), _oracle.Root(7), _oracle.Proof(7, 8)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ConsistencyProof.Build(Of(8), Of(7), _oracle.Node));
    }

    [Fact]
    public void The_empty_tree_has_one_root_only()
    {
        Assert.True(ConsistencyProof.Verify(Of(0), Of(0), MerkleHash.Empty, MerkleHash.Empty, []));
        Assert.False(ConsistencyProof.Verify(Of(0), Of(0), _oracle.Root(1), _oracle.Root(1), []));
        Assert.False(ConsistencyProof.Verify(Of(0), Of(0), MerkleHash.Empty, _oracle.Root(1), []));
        Assert.False(ConsistencyProof.Verify(Of(0), Of(1), _oracle.Root(1), _oracle.Root(1), []));
    }

    [Fact]
    public void The_largest_sizes_there_are_neither_throw_nor_verify_without_proof()
    {
        Assert.False(ConsistencyProof.Verify(new TreeSize(1), new TreeSize(ulong.MaxValue), default, default, new Hash[64]));
        Assert.False(ConsistencyProof.Verify(new TreeSize(1UL << 63), new TreeSize(ulong.MaxValue), default, default, new Hash[1]));
        Assert.False(ConsistencyProof.Verify(new TreeSize(ulong.MaxValue - 1), new TreeSize(ulong.MaxValue), default, default, new Hash[65]));
    }

    private void ForEachTampered(Action<int, int, Hash[]> assert)
    {
        for (var newSize = 0; newSize <= TamperedSizeMax; newSize++)
        {
            for (var oldSize = 0; oldSize <= newSize; oldSize++)
                assert(oldSize, newSize, _oracle.Proof(oldSize, newSize));
        }
    }

    private bool Verifies(int oldSize, int newSize, Hash[] path) =>
        ConsistencyProof.Verify(Of(oldSize), Of(newSize), _oracle.Root(oldSize), _oracle.Root(newSize), path);

    private static TreeSize Of(int size) => new((ulong)size);
}
