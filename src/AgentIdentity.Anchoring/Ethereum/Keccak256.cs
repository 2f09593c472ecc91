using System.Buffers.Binary;
using System.Numerics;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Keccak-256 as Ethereum has it: the padding from before FIPS 202, so that .NET's SHA3-256 gives something else.</summary>
internal static class Keccak256
{
    public const int HashSize = 32;

    private const int RateBytes = 136;
    private const int Lanes = 25;

    private static readonly ulong[] RoundConstants =
    [
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
        0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
        0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    ];

    // Rho and pi together: the lanes in the order in which pi visits them from lane 1 on, and how far rho turns each.
    private static readonly byte[] Visited = [10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1];
    private static readonly byte[] Turns = [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44];

    public static byte[] Hash(ReadOnlySpan<byte> data)
    {
        Span<ulong> state = stackalloc ulong[Lanes];
        state.Clear();
        for (; data.Length >= RateBytes; data = data[RateBytes..])
            Absorb(state, data[..RateBytes]);

        Span<byte> last = stackalloc byte[RateBytes];
        last.Clear();
        data.CopyTo(last);
        last[data.Length] = 0x01;
        last[^1] |= 0x80;
        Absorb(state, last);

        var hash = new byte[HashSize];
        for (var i = 0; i < HashSize / sizeof(ulong); i++)
            BinaryPrimitives.WriteUInt64LittleEndian(hash.AsSpan(i * sizeof(ulong)), state[i]);
        return hash;
    }

    private static void Absorb(Span<ulong> state, ReadOnlySpan<byte> block)
    {
        for (var i = 0; i < RateBytes / sizeof(ulong); i++)
            state[i] ^= BinaryPrimitives.ReadUInt64LittleEndian(block[(i * sizeof(ulong))..]);
        foreach (var constant in RoundConstants)
        {
            Theta(state);
            RhoAndPi(state);
            Chi(state);
            state[0] ^= constant;
        }
    }

    private static void Theta(Span<ulong> state)
    {
        Span<ulong> columns = stackalloc ulong[5];
        for (var x = 0; x < 5; x++)
            columns[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
        for (var lane = 0; lane < Lanes; lane++)
            state[lane] ^= columns[(lane + 4) % 5] ^ BitOperations.RotateLeft(columns[(lane + 1) % 5], 1);
    }

    private static void RhoAndPi(Span<ulong> state)
    {
        var carried = state[1];
        for (var i = 0; i < Visited.Length; i++)
            (state[Visited[i]], carried) = (BitOperations.RotateLeft(carried, Turns[i]), state[Visited[i]]);
    }

    private static void Chi(Span<ulong> state)
    {
        for (var row = 0; row < Lanes; row += 5)
        {
            var (first, second) = (state[row], state[row + 1]);
            for (var x = 0; x < 3; x++)
                state[row + x] ^= ~state[row + x + 1] & state[row + x + 2];
            state[row + 3] ^= ~state[row + 4] & first;
            state[row + 4] ^= ~first & second;
        }
    }
}
