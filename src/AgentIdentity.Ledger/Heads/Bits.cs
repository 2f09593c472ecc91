using System.Numerics;

namespace AgentIdentity.Ledger;

/// <summary>A key as its bits: number 0 is the most significant one of byte 0.</summary>
internal static class Bits
{
    internal const int Count = Hash.Size * 8;

    internal static bool At(in Hash key, int depth) => ((Hash.Bytes(in key)[depth / 8] >> (7 - (depth % 8))) & 1) == 1;

    /// <summary>The first bit in which two keys differ; <see cref="Count"/> if they are equal.</summary>
    internal static int FirstDifference(in Hash one, in Hash other)
    {
        var a = Hash.Bytes(in one);
        var b = Hash.Bytes(in other);
        var at = a.CommonPrefixLength(b);
        return at == Hash.Size ? Count : (at * 8) + BitOperations.LeadingZeroCount((uint)(a[at] ^ b[at])) - 24;
    }
}
