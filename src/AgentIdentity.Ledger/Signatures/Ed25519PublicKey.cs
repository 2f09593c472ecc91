using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Ledger;

/// <summary>An Ed25519 public key (RFC 8032, section 5.1.5): 32 bytes that were checked to be neither small-order nor non-canonical.</summary>
/// <remarks>
/// A key of small order verifies one signature over nearly any message, and OpenSSL lets it; so such a key never comes to exist here.
/// Whether 32 bytes are a point of the curve at all is not checked: under a key that is not one, no signature verifies.
/// </remarks>
public sealed class Ed25519PublicKey : IEquatable<Ed25519PublicKey>
{
    // The y coordinates, little-endian, of the eight points whose order divides 8; the sign of x tells apart those that share one.
    private static readonly byte[][] SmallOrderY =
    [
        Convert.FromHexString("0100000000000000000000000000000000000000000000000000000000000000"), // order 1
        Convert.FromHexString("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // order 2
        Convert.FromHexString("0000000000000000000000000000000000000000000000000000000000000000"), // order 4, two points
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // order 8, two points
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), // order 8, two points
    ];

    private readonly byte[] _bytes;

    private Ed25519PublicKey(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    /// <summary>The key as it is written: 32 bytes, the y coordinate little-endian and the sign of x in the highest bit.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Takes a key from outside. False unless it is 32 bytes, canonical (y below 2^255 - 19) and not of small order.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Ed25519PublicKey? key)
    {
        key = null;
        if (bytes.Length != Ed25519.PublicKeySize)
            return false;
        Span<byte> y = stackalloc byte[Ed25519.PublicKeySize];
        bytes.CopyTo(y);
        y[^1] &= 0x7f;
        if (!IsCanonical(y) || IsOfSmallOrder(y))
            return false;
        key = new Ed25519PublicKey(bytes);
        return true;
    }

    /// <summary>Whether <paramref name="signature"/> (64 bytes, R ‖ S) is this key's over exactly <paramref name="message"/>.</summary>
    /// <remarks>False for any other length, and for an S that is not below the order of the group.</remarks>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 was not found.</exception>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Ed25519.RequireSupport();
        if (signature.Length != Ed25519.SignatureSize)
            return false;
        // Made anew for each call: it costs nothing beside the verification, and a key stays a plain value that nobody disposes.
        using var key = LibCrypto.EVP_PKEY_new_raw_public_key(LibCrypto.KeyTypeEd25519, 0, _bytes, (nuint)_bytes.Length);
        Ed25519.Require(!key.IsInvalid);
        return Ed25519.Verify(key, message, signature);
    }

    /// <summary>Equality of the 32 bytes.</summary>
    public bool Equals(Ed25519PublicKey? other) => other is not null && Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc cref="Equals(Ed25519PublicKey)"/>
    public override bool Equals(object? obj) => Equals(obj as Ed25519PublicKey);

    /// <summary>A hash code for tables.</summary>
    public override int GetHashCode() => HashCode.Combine(BinaryPrimitives.ReadInt64LittleEndian(_bytes), BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(8)));

    /// <summary>Lower-case hexadecimal, 64 characters.</summary>
    public override string ToString() => Convert.ToHexStringLower(_bytes);

    // p = 2^255 - 19, little-endian: ed ff … ff 7f. Only the last 19 values of the 255 bits are p or more.
    private static bool IsCanonical(ReadOnlySpan<byte> y) => !(y[0] >= 0xed && y[1..31].IndexOfAnyExcept((byte)0xff) < 0 && y[31] == 0x7f);

    private static bool IsOfSmallOrder(ReadOnlySpan<byte> y)
    {
        foreach (var small in SmallOrderY)
        {
            if (y.SequenceEqual(small))
                return true;
        }
        return false;
    }
}
