namespace AgentIdentity.Ledger.Tests.Tree;

public sealed class CompactRanges
{
    private const int SizeMax = 300;

    private readonly Oracle _oracle = new(SizeMax);

    [Fact]
    public void The_root_after_each_append_is_that_of_the_definition()
    {
        var range = new CompactRange();
        for (var size = 1; size <= SizeMax; size++)
        {
            Assert.Equal(new LeafIndex((ulong)size - 1), range.Append(Oracle.LeafHash(size - 1)));
            Assert.Equal(new TreeSize((ulong)size), range.Size);
            Assert.Equal(_oracle.Root(size), range.Root());
            Assert.Equal(_oracle.Root(size), MerkleHash.Root(_oracle.LeafHashes[..size]));
            Assert.Equal(_oracle.Root(size), MerkleHash.Root(range.Size, _oracle.Node));
        }
    }

    [Fact]
    public void Each_complete_subtree_is_reported_once_when_its_last_leaf_comes()
    {
        var range = new CompactRange();
        var seen = new List<(int Level, ulong Index)>();
        for (var i = 0; i < SizeMax; i++)
        {
            range.Append(Oracle.LeafHash(i), (int level, ulong index, in Hash hash) =>
            {
                Assert.Equal(_oracle.Node(level, index), hash);
                Assert.Equal((ulong)i + 1, (index + 1) << level);
                seen.Add((level, index));
            });
        }
        var expected = Enumerable.Range(0, 9).Sum(level => SizeMax >> level);
        Assert.Equal(expected, seen.Distinct().Count());
        Assert.Equal(expected, seen.Count);
    }

    [Fact]
    public void A_frontier_that_was_kept_goes_on_where_it_was_left()
    {
        for (var size = 0; size < SizeMax; size++)
        {
            var kept = CompactRange.Load(new TreeSize((ulong)size), _oracle.Node);
            var range = new CompactRange(kept.Size, kept.Hashes);
            Assert.Equal(_oracle.Root(size), range.Root());
            range.Append(Oracle.LeafHash(size));
            Assert.Equal(_oracle.Root(size + 1), range.Root());
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(5, 1)]
    [InlineData(5, 3)]
    [InlineData(8, 0)]
    public void A_frontier_with_too_few_or_too_many_hashes_is_refused(ulong size, int hashes) =>
        Assert.Throws<ArgumentException>(() => new CompactRange(new TreeSize(size), new Hash[hashes]));

    [Fact]
    public void A_full_log_takes_no_leaf()
    {
        var range = new CompactRange(TreeSize.Max, new Hash[63]);
        Assert.Throws<InvalidOperationException>(() => range.Append(default));
        Assert.Equal(TreeSize.Max, range.Size);
    }
}
