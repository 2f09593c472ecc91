using System.Security.Cryptography;

namespace AgentIdentity.Ledger.Tests.Tree;

/// <summary>A tree as RFC 6962, section 2.1, defines it: recursion over the list of leaves and the class library's SHA-256, nothing of ours.</summary>
internal sealed class Oracle
{
    private readonly Hash[] _leafHashes;
    private readonly Dictionary<(int, int), Hash> _roots = [];

    internal Oracle(int size) => _leafHashes = [.. Enumerable.Range(0, size).Select(LeafHash)];

    internal static byte[] Leaf(int index) => BitConverter.GetBytes(index);

    internal static Hash LeafHash(int index) => Hash.Read(SHA256.HashData([0, .. Leaf(index)]));

    internal ReadOnlySpan<Hash> LeafHashes => _leafHashes;

    internal Hash Root(int size) => size == 0 ? Hash.Read(SHA256.HashData([])) : Root(0, size);

    /// <summary>MTH(D[start:end]).</summary>
    internal Hash Root(int start, int end)
    {
        if (end - start == 1)
            return _leafHashes[start];
        if (!_roots.TryGetValue((start, end), out var root))
        {
            var middle = start + Split(end - start);
            root = Hash.Read(SHA256.HashData([1, .. Root(start, middle).ToArray(), .. Root(middle, end).ToArray()]));
            _roots.Add((start, end), root);
        }
        return root;
    }

    /// <summary>The complete subtree at (level, index).</summary>
    internal Hash Node(int level, ulong index) => Root((int)index << level, ((int)index + 1) << level);

    /// <summary>PATH(m, D[0:n]).</summary>
    internal Hash[] Path(int index, int size) => Path(index, 0, size);

    /// <summary>PROOF(m, D[0:n]).</summary>
    internal Hash[] Proof(int oldSize, int newSize) => oldSize == 0 || oldSize == newSize ? [] : SubProof(oldSize, 0, newSize, true);

    private Hash[] Path(int index, int start, int end)
    {
        if (end - start == 1)
            return [];
        var k = Split(end - start);
        return index < k
            ? [.. Path(index, start, start + k), Root(start + k, end)]
            : [.. Path(index - k, start + k, end), Root(start, start + k)];
    }

    private Hash[] SubProof(int m, int start, int end, bool isWhole)
    {
        if (m == end - start)
            return isWhole ? [] : [Root(start, end)];
        var k = Split(end - start);
        return m <= k
            ? [.. SubProof(m, start, start + k, isWhole), Root(start + k, end)]
            : [.. SubProof(m - k, start + k, end, false), Root(start, start + k)];
    }

    // The largest power of two below n.
    private static int Split(int n)
    {
        var k = 1;
        while (k * 2 < n)
            k *= 2;
        return k;
    }
}
