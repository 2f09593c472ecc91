using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace AgentIdentity.Ledger;

/// <summary>
/// A public leaf, version 1 (docs/formats.md, "Leaf"): 0x01 ‖ class ‖ uint16 n ‖ n × 32 B nullifiers, ascending ‖ commitment, where the
/// commitment is SHA-256(<c>air/leaf/v1\0</c> ‖ 32 B salt ‖ entry). All integers big-endian.
/// </summary>
/// <remarks>
/// The leaf says nothing of the entry to who lacks the salt. Each subject of the entry leaves one nullifier, so that whoever knows
/// a subject's label finds all its entries, and sees that none was written twice or left out, and nobody else can.
/// </remarks>
public sealed class Leaf
{
    /// <summary>The version byte that each leaf starts with.</summary>
    public const byte Version = 1;

    /// <summary>Bytes of a salt: 32, random for each entry.</summary>
    public const int SaltSize = 32;

    /// <summary>Bytes of a subject's label: 32, random for each subject.</summary>
    public const int LabelSize = 32;

    /// <summary>Nullifiers in one leaf at most: 2,046. More would not fit the 65,535 bytes that an entry bundle has for a leaf.</summary>
    public const int NullifiersMax = (ushort.MaxValue - HeaderSize - Hash.Size) / Hash.Size;

    private const int HeaderSize = 4;

    private Leaf(byte leafClass, Hash[] nullifiers, Hash commitment)
    {
        Class = leafClass;
        Nullifiers = nullifiers;
        Commitment = commitment;
    }

    /// <summary>The class of the entry, in the clear.</summary>
    public byte Class { get; }

    /// <summary>One nullifier for each subject of the entry, ascending and distinct.</summary>
    public Hash[] Nullifiers { get; }

    /// <summary>The salted hash of the entry.</summary>
    public Hash Commitment { get; }

    /// <summary>The bytes of a leaf.</summary>
    /// <param name="leafClass">The class of the entry.</param>
    /// <param name="nullifiersAscending">The nullifiers in ascending byte order, each once.</param>
    /// <param name="salt">32 random bytes.</param>
    /// <param name="entry">The entry, any length.</param>
    /// <exception cref="ArgumentException">The nullifiers are not ascending and distinct, or too many, or the salt is not 32 bytes.</exception>
    public static byte[] Encode(byte leafClass, ReadOnlySpan<Hash> nullifiersAscending, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> entry)
    {
        if (nullifiersAscending.Length > NullifiersMax)
            throw new ArgumentException($"A leaf holds at most {NullifiersMax} nullifiers; {nullifiersAscending.Length} were given.", nameof(nullifiersAscending));
        if (!AreAscending(nullifiersAscending))
            throw new ArgumentException("The nullifiers of a leaf are ascending and distinct; these are not.", nameof(nullifiersAscending));

        var nullifiers = MemoryMarshal.AsBytes(nullifiersAscending);
        var leaf = new byte[HeaderSize + nullifiers.Length + Hash.Size];
        leaf[0] = Version;
        leaf[1] = leafClass;
        BinaryPrimitives.WriteUInt16BigEndian(leaf.AsSpan(2), (ushort)nullifiersAscending.Length);
        nullifiers.CopyTo(leaf.AsSpan(HeaderSize));
        Commit(salt, entry).CopyTo(leaf.AsSpan(HeaderSize + nullifiers.Length));
        return leaf;
    }

    /// <summary>Reads a leaf. False for another version, a length that does not fit, or nullifiers that are not ascending and distinct.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Leaf? leaf)
    {
        leaf = null;
        if (bytes.Length < HeaderSize + Hash.Size || bytes[0] != Version)
            return false;
        var count = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (count > NullifiersMax || bytes.Length != HeaderSize + ((count + 1) * Hash.Size))
            return false;
        var nullifiers = Hash.ReadMany(bytes[HeaderSize..^Hash.Size]);
        if (!AreAscending(nullifiers))
            return false;
        leaf = new Leaf(bytes[1], nullifiers.ToArray(), Hash.Read(bytes[^Hash.Size..]));
        return true;
    }

    /// <summary>The commitment to an entry: SHA-256(<c>air/leaf/v1\0</c> ‖ salt ‖ entry).</summary>
    /// <exception cref="ArgumentException">The salt is not 32 bytes long.</exception>
    public static Hash Commit(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> entry)
    {
        if (salt.Length != SaltSize)
            throw new ArgumentException($"A salt is {SaltSize} bytes; {salt.Length} were given.", nameof(salt));
        var domain = "air/leaf/v1\0"u8;
        Span<byte> prefix = stackalloc byte[domain.Length + SaltSize];
        domain.CopyTo(prefix);
        salt.CopyTo(prefix[domain.Length..]);
        Sha256.Hash(prefix, entry, Hash.Fill(out var commitment));
        return commitment;
    }

    /// <summary>What the entry with this number leaves of a subject: HMAC-SHA-256(label, <c>air/null/v1\0</c> ‖ uint64 sequence).</summary>
    /// <param name="label">The subject's label, 32 random bytes.</param>
    /// <param name="sequence">Number of the entry among all about that subject, from 0.</param>
    /// <exception cref="ArgumentException">The label is not 32 bytes long.</exception>
    public static Hash Nullifier(ReadOnlySpan<byte> label, ulong sequence)
    {
        if (label.Length != LabelSize)
            throw new ArgumentException($"A label is {LabelSize} bytes; {label.Length} were given.", nameof(label));
        var domain = "air/null/v1\0"u8;
        Span<byte> message = stackalloc byte[domain.Length + sizeof(ulong)];
        domain.CopyTo(message);
        BinaryPrimitives.WriteUInt64BigEndian(message[domain.Length..], sequence);
        Sha256.Hmac(label, message, Hash.Fill(out var nullifier));
        return nullifier;
    }

    private static bool AreAscending(ReadOnlySpan<Hash> hashes)
    {
        for (var i = 1; i < hashes.Length; i++)
        {
            if (hashes[i - 1] >= hashes[i])
                return false;
        }
        return true;
    }
}
