using System.Buffers.Binary;
using System.Security.Cryptography;

namespace AgentIdentity.Ledger.Tests.Heads;

/// <summary>The map as docs/formats.md defines it: recursion over bit strings and the class library's SHA-256, nothing of ours.</summary>
internal static class HeadMapOracle
{
    internal static Hash Root(IEnumerable<KeyValuePair<Hash, Head>> heads) => Hash.Read(Root([.. heads], 0));

    internal static byte[] Leaf(Hash key, Head head)
    {
        var numbers = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(numbers, head.Count);
        BinaryPrimitives.WriteUInt64BigEndian(numbers.AsSpan(8), head.Index.Value);
        return [.. key.ToArray(), .. numbers[..8], .. head.Hash.ToArray(), .. numbers[8..]];
    }

    internal static string Bits(Hash key) => string.Concat(key.ToArray().Select(value => value.ToString("b8")));

    private static byte[] Root(KeyValuePair<Hash, Head>[] heads, int depth)
    {
        if (heads.Length == 0)
            return SHA256.HashData([]);
        if (heads.Length == 1)
            return SHA256.HashData([0, .. Leaf(heads[0].Key, heads[0].Value)]);
        var left = heads.Where(pair => Bits(pair.Key)[depth] == '0').ToArray();
        var right = heads.Where(pair => Bits(pair.Key)[depth] == '1').ToArray();
        return left.Length == 0 || right.Length == 0
            ? Root(heads, depth + 1)
            : SHA256.HashData([1, (byte)depth, .. Root(left, depth + 1), .. Root(right, depth + 1)]);
    }
}
