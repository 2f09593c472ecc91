using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Node;

/// <summary>One tree of 2^20 leaves, in memory, of which every smaller size is a beginning.</summary>
internal sealed class TestTree
{
    public const int SizeMax = 1 << 20;

    private static readonly Lazy<TestTree> OnlyOne = new(() => new TestTree("leaf"));

    private readonly List<Hash>[] _levels = [.. Enumerable.Range(0, 21).Select(level => new List<Hash>(SizeMax >> level))];

    /// <param name="words">Trees of other words have other leaves.</param>
    /// <param name="size">A small one for a second history.</param>
    public TestTree(string words, int size = SizeMax)
    {
        var range = new CompactRange();
        for (var i = 0; i < size; i++)
            range.Append(MerkleHash.Leaf(System.Text.Encoding.ASCII.GetBytes($"{words} {i}")), (int level, ulong _, in Hash hash) => _levels[level].Add(hash));
    }

    public static TestTree Shared => OnlyOne.Value;

    public Hash LeafHash(ulong index) => _levels[0][(int)index];

    public Hash Root(ulong size) => MerkleHash.Root(new TreeSize(size), Node);

    public Hash[] Inclusion(ulong index, ulong size) => InclusionProof.Build(new LeafIndex(index), new TreeSize(size), Node);

    public Hash[] Consistency(ulong oldSize, ulong newSize) => ConsistencyProof.Build(new TreeSize(oldSize), new TreeSize(newSize), Node);

    private Hash Node(int level, ulong index) => _levels[level][(int)index];
}
