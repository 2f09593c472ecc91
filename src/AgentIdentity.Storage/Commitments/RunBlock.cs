using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace AgentIdentity.Storage.Commitments;

/// <summary>
/// The unit in which a run is written and read: 4,096 bytes, of which the first 4,080 hold content and the next four their CRC-32C, so that what a disk has
/// damaged is found by the read that meets it. The number of the block is part of the sum: a block in the place of another is damage too.
/// </summary>
internal static class RunBlock
{
    public const int Size = 4096;
    public const int ContentSize = 4080;
    public const int PairsMax = ContentSize / CommitmentPair.Size;

    public static void Seal(Span<byte> block, ulong number) => BinaryPrimitives.WriteUInt32BigEndian(block[ContentSize..], Sum(block, number));

    public static void RequireWhole(ReadOnlySpan<byte> block, ulong number, string path)
    {
        if (BinaryPrimitives.ReadUInt32BigEndian(block[ContentSize..]) != Sum(block, number))
            throw new RunDamagedException($"block {number} of {path} is damaged");
    }

    private static uint Sum(ReadOnlySpan<byte> block, ulong number)
    {
        var sum = BitOperations.Crc32C(uint.MaxValue, number);
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(block[..ContentSize]))
            sum = BitOperations.Crc32C(sum, word);
        return ~sum;
    }
}

/// <summary>A run is not what was written. It is made again from the ledger.</summary>
internal sealed class RunDamagedException(string message, Exception? inner = null) : Exception(message, inner);
