using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Ledger;

/// <summary>A P-256 public key, imported into the system's OpenSSL: ECDSA with SHA-256 (ES256 of RFC 7518), signatures as r ‖ s. Safe for all threads.</summary>
/// <remarks>.NET's own <c>ECDsa</c> costs a tenth more for each verification, and three verifications for each import, which here is a twelfth of one.</remarks>
public sealed class P256PublicKey : IDisposable
{
    /// <summary>Bytes of a point, x ‖ y big-endian: 64.</summary>
    public const int PointSize = 64;

    /// <summary>Bytes of a signature, r ‖ s big-endian: 64.</summary>
    public const int SignatureSize = 64;

    private const int IntegerSize = SignatureSize / 2;

    // SEQUENCE of two INTEGERs, each of 32 bytes and perhaps a zero before them.
    private const int DerSize = 2 + (2 * (2 + 1 + IntegerSize));

    // What the point is imported upon: a key of the curve, the generator itself. Its parameters are copied, which costs a quarter of naming the curve.
    private static readonly Lazy<LibCrypto.EvpKey> Curve = new(ReadGenerator);

    private readonly LibCrypto.EvpKey _key;

    // Ready to verify with this key, while nobody does: to look the algorithm up again costs a twentieth of a verification.
    private LibCrypto.EvpKeyContext? _idle;

    private P256PublicKey(LibCrypto.EvpKey key) => _key = key;

    /// <summary>Imports a key. False unless the bytes are the two coordinates of a point of the curve.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 was not found.</exception>
    public static bool TryImport(ReadOnlySpan<byte> point, [NotNullWhen(true)] out P256PublicKey? key)
    {
        Ed25519.RequireSupport();
        key = null;
        if (point.Length != PointSize)
            return false;
        Span<byte> encoded = stackalloc byte[1 + PointSize];
        encoded[0] = 0x04;
        point.CopyTo(encoded[1..]);
        var imported = LibCrypto.EVP_PKEY_new();
        Ed25519.Require(!imported.IsInvalid && LibCrypto.EVP_PKEY_copy_parameters(imported, Curve.Value) == 1);
        if (LibCrypto.EVP_PKEY_set1_encoded_public_key(imported, encoded, (nuint)encoded.Length) == 1)
        {
            key = new P256PublicKey(imported);
            return true;
        }
        imported.Dispose();
        return false;
    }

    /// <summary>Whether <paramref name="signature"/> (64 bytes) is this key's over exactly <paramref name="message"/>. High s is accepted; another length is not.</summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => Verify(Sha256.Hash(message), signature);

    /// <summary>As <see cref="Verify(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>, for a message whose hash is at hand.</summary>
    public bool Verify(in Hash hash, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureSize)
            return false;
        Span<byte> der = stackalloc byte[DerSize];
        var length = WriteDer(signature, der);
        var context = Interlocked.Exchange(ref _idle, null) ?? NewContext();
        var verifies = LibCrypto.EVP_PKEY_verify(context, der, (nuint)length, Hash.Bytes(in hash), Hash.Size) == 1;
        if (Interlocked.CompareExchange(ref _idle, context, null) is not null)
            context.Dispose();
        return verifies;
    }

    /// <summary>Frees the key. Nobody may be verifying with it.</summary>
    public void Dispose()
    {
        _idle?.Dispose();
        _key.Dispose();
    }

    private LibCrypto.EvpKeyContext NewContext()
    {
        var context = LibCrypto.EVP_PKEY_CTX_new(_key, 0);
        Ed25519.Require(!context.IsInvalid && LibCrypto.EVP_PKEY_verify_init(context) == 1);
        return context;
    }

    // RFC 3279, section 2.2.3.
    private static int WriteDer(ReadOnlySpan<byte> signature, Span<byte> der)
    {
        var length = 2;
        length += WriteInteger(signature[..IntegerSize], der[length..]);
        length += WriteInteger(signature[IntegerSize..], der[length..]);
        (der[0], der[1]) = (0x30, (byte)(length - 2));
        return length;
    }

    private static int WriteInteger(ReadOnlySpan<byte> value, Span<byte> der)
    {
        var digits = value.TrimStart((byte)0);
        var isPadded = digits.IsEmpty || digits[0] >= 0x80;
        var length = digits.Length + (isPadded ? 1 : 0);
        (der[0], der[1], der[2]) = (0x02, (byte)length, 0);
        digits.CopyTo(der[(2 + length - digits.Length)..]);
        return 2 + length;
    }

    private static LibCrypto.EvpKey ReadGenerator()
    {
        // SubjectPublicKeyInfo (RFC 5480) of the point G of SEC 2, section 2.4.2.
        var der = Convert.FromHexString(
            "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
            + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
            + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
        var key = LibCrypto.ReadPublicKey(der);
        Ed25519.Require(!key.IsInvalid);
        return key;
    }
}
