using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AgentIdentity.Ledger;

/// <summary>A SHA-256 hash: 32 bytes held in the value itself, so that arrays of hashes are arrays of bytes and nothing is allocated for one.</summary>
/// <remarks>The default value is 32 zero bytes. Order is that of the bytes, first byte first.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Hash : IComparable<Hash>
{
    /// <summary>Bytes of a hash: 32.</summary>
    public const int Size = 32;

    private readonly ulong _a, _b, _c, _d;

    /// <summary>Reads a hash from exactly 32 bytes.</summary>
    /// <exception cref="ArgumentException">The span is not 32 bytes long.</exception>
    public static Hash Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"A hash is {Size} bytes; {bytes.Length} were given.", nameof(bytes));
        return MemoryMarshal.Read<Hash>(bytes);
    }

    /// <summary>The hashes that lie one after another in <paramref name="bytes"/>, without a copy.</summary>
    /// <exception cref="ArgumentException">The length is not a multiple of 32.</exception>
    public static ReadOnlySpan<Hash> ReadMany(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % Size != 0)
            throw new ArgumentException($"Hashes are {Size} bytes each; {bytes.Length} bytes were given.", nameof(bytes));
        return MemoryMarshal.Cast<byte, Hash>(bytes);
    }

    /// <summary>Writes the 32 bytes to the start of <paramref name="destination"/>.</summary>
    /// <exception cref="ArgumentException">The destination is shorter than 32 bytes.</exception>
    public void CopyTo(Span<byte> destination) => Bytes(in this).CopyTo(destination);

    /// <summary>The 32 bytes in a new array.</summary>
    public byte[] ToArray() => Bytes(in this).ToArray();

    /// <summary>Standard base64 with padding, 44 characters, as checkpoints and proofs write it.</summary>
    public override string ToString() => Convert.ToBase64String(Bytes(in this));

    /// <summary>Equality in a time that does not depend on the bytes.</summary>
    public bool Equals(Hash other) => ((_a ^ other._a) | (_b ^ other._b) | (_c ^ other._c) | (_d ^ other._d)) == 0;

    /// <summary>A hash code for tables; seeded per process, since whoever writes leaves chooses among hashes.</summary>
    public override int GetHashCode() => HashCode.Combine(_a, _b);

    /// <summary>Compares byte by byte, as ascending nullifiers are ordered (docs/formats.md, "Leaf").</summary>
    public int CompareTo(Hash other) => Bytes(in this).SequenceCompareTo(Bytes(in other));

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/> in byte order.</summary>
    public static bool operator <(Hash left, Hash right) => left.CompareTo(right) < 0;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/> in byte order.</summary>
    public static bool operator >(Hash left, Hash right) => left.CompareTo(right) > 0;

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/> in byte order, or equals it.</summary>
    public static bool operator <=(Hash left, Hash right) => left.CompareTo(right) <= 0;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/> in byte order, or equals it.</summary>
    public static bool operator >=(Hash left, Hash right) => left.CompareTo(right) >= 0;

    /// <summary>The bytes of a hash in place; valid as long as the variable is.</summary>
    internal static ReadOnlySpan<byte> Bytes(ref readonly Hash hash) => MemoryMarshal.AsBytes(new ReadOnlySpan<Hash>(in hash));

    /// <summary>The bytes of a hash in place, to be filled.</summary>
    internal static Span<byte> Fill([UnscopedRef] out Hash hash)
    {
        Unsafe.SkipInit(out hash);
        return MemoryMarshal.AsBytes(new Span<Hash>(ref hash));
    }
}
