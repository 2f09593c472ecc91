using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AgentIdentity.Ledger;

/// <summary>
/// Proofs of what a <see cref="HeadMap"/> with a known root holds, or does not hold, under a key (docs/formats.md, "Heads map"):
/// for each level from the root depth (1 byte) ‖ sibling hash (32), then the leaf that the key leads to, key ‖ uint64 count ‖ hash ‖ uint64 index.
/// </summary>
/// <remarks>
/// The depths are in the hashes and grow downwards, and at each the key's own bit says where it goes on. So a root lets a key
/// reach one leaf at most, whoever built the map: a leaf with that key proves presence, one with another key proves absence.
/// </remarks>
public static class HeadMapProof
{
    /// <summary>Bytes of the longest proof: 8,528, which only keys made for the purpose reach; with a million random ones about 780.</summary>
    public const int BytesMax = (Bits.Count * StepSize) + Head.SizeWithKey;

    /// <summary>Bytes of a step: depth and sibling.</summary>
    internal const int StepSize = 1 + Hash.Size;

    /// <summary>What the map with this root says of <paramref name="key"/>. Never throws; a proof has one spelling.</summary>
    /// <param name="proof">What <see cref="HeadMap.Prove"/> gave.</param>
    /// <param name="root">The root of the map, from an entry that is known to be in the log.</param>
    /// <param name="key">The key asked about.</param>
    /// <param name="head">The head under the key if it is <see cref="HeadMapAnswer.Present"/>; all zeros otherwise.</param>
    public static HeadMapAnswer Verify(ReadOnlySpan<byte> proof, in Hash root, in Hash key, out Head head)
    {
        head = default;
        if (proof.IsEmpty)
            return root == MerkleHash.Empty ? HeadMapAnswer.Absent : HeadMapAnswer.Refused;
        var stepsLength = proof.Length - Head.SizeWithKey;
        if (stepsLength < 0 || stepsLength % StepSize != 0)
            return HeadMapAnswer.Refused;

        var found = Head.Read(proof[stepsLength..], out var foundKey);
        if (!IsWay(proof[..stepsLength], in key, in foundKey) || Root(proof[..stepsLength], in key, found.LeafHash(in foundKey)) != root)
            return HeadMapAnswer.Refused;
        if (foundKey != key)
            return HeadMapAnswer.Absent;
        head = found;
        return HeadMapAnswer.Present;
    }

    /// <summary>The hash of an inner node of the map: H(0x01 ‖ depth ‖ left ‖ right).</summary>
    [SkipLocalsInit]
    internal static Hash Node(byte depth, in Hash left, in Hash right)
    {
        Span<byte> node = stackalloc byte[2 + (2 * Hash.Size)];
        node[0] = 0x01;
        node[1] = depth;
        MemoryMarshal.Write(node[2..], in left);
        MemoryMarshal.Write(node[(2 + Hash.Size)..], in right);
        return Sha256.Hash(node);
    }

    // The depths grow, and the leaf lies where both keys lead.
    private static bool IsWay(ReadOnlySpan<byte> steps, in Hash key, in Hash foundKey)
    {
        for (var (at, least) = (0, 0); at < steps.Length; at += StepSize)
        {
            var depth = steps[at];
            if (depth < least || Bits.At(in key, depth) != Bits.At(in foundKey, depth))
                return false;
            least = depth + 1;
        }
        return true;
    }

    private static Hash Root(ReadOnlySpan<byte> steps, in Hash key, Hash hash)
    {
        for (var at = steps.Length - StepSize; at >= 0; at -= StepSize)
        {
            var depth = steps[at];
            var sibling = Hash.Read(steps.Slice(at + 1, Hash.Size));
            hash = Bits.At(in key, depth) ? Node(depth, in sibling, in hash) : Node(depth, in hash, in sibling);
        }
        return hash;
    }
}
