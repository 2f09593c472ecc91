using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Keys;

/// <summary>A public key that was checked: a point on P-256, or an Ed25519 key that is not of small order. Small, immutable, safe for all threads.</summary>
public sealed class PublicKey : IEquatable<PublicKey>
{
    /// <summary>Bytes of a signature, with either algorithm.</summary>
    public const int SignatureSize = 64;

    // Two base64url coordinates and what a key may carry beside them.
    private const int JwkLengthMax = 1024;

    private readonly byte[] _bytes;

    private PublicKey(KeyAlgorithm algorithm, byte[] bytes)
    {
        Algorithm = algorithm;
        _bytes = bytes;
        KeyId = new KeyId(Sha256.Hash(Encoding.ASCII.GetBytes(ToJwk())));
    }

    /// <summary>What the key signs with.</summary>
    public KeyAlgorithm Algorithm { get; }

    /// <summary>x ‖ y of the P-256 point (64 bytes), or the Ed25519 key (32 bytes).</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The thumbprint of the key.</summary>
    public KeyId KeyId { get; }

    /// <summary>The JWK with its required members only, in the order that RFC 7638 hashes.</summary>
    public string ToJwk() => Algorithm switch
    {
        KeyAlgorithm.ES256 => $$"""{"crv":"P-256","kty":"EC","x":"{{Text(_bytes.AsSpan(0, P256.CoordinateSize))}}","y":"{{Text(_bytes.AsSpan(P256.CoordinateSize))}}"}""",
        KeyAlgorithm.Ed25519 => $$"""{"crv":"Ed25519","kty":"OKP","x":"{{Text(_bytes)}}"}""",
        _ => throw new InvalidOperationException($"{Algorithm} is no key algorithm."),
    };

    /// <summary>Whether <paramref name="signature"/> is this key's over exactly <paramref name="data"/>. High-S ES256 signatures verify.</summary>
    public bool Verifies(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureSize)
            return false;
        return Algorithm == KeyAlgorithm.ES256
            ? P256Handles.Verifies(KeyId, _bytes, Sha256.Hash(data), signature)
            : Ed25519PublicKey.TryRead(_bytes, out var key) && key.Verify(data, signature);
    }

    /// <summary>As <see cref="Verifies"/>, for a P-256 key and data whose SHA-256 is at hand.</summary>
    public bool VerifiesHash(in Hash hash, ReadOnlySpan<byte> signature) =>
        Algorithm == KeyAlgorithm.ES256 && P256Handles.Verifies(KeyId, _bytes, hash, signature);

    /// <summary>Reads a key from its bytes. False for another length, a point off the curve, or an Ed25519 key of small order.</summary>
    public static bool TryRead(KeyAlgorithm algorithm, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out PublicKey? key)
    {
        key = RecentKeys.Find(algorithm, bytes);
        if (key is not null)
            return true;
        var isKey = algorithm switch
        {
            KeyAlgorithm.ES256 => bytes.Length == 2 * P256.CoordinateSize && P256.IsOnCurve(bytes),
            KeyAlgorithm.Ed25519 => Ed25519PublicKey.TryRead(bytes, out _),
            _ => false,
        };
        if (isKey)
            RecentKeys.Add(key = new PublicKey(algorithm, bytes.ToArray()));
        return isKey;
    }

    /// <summary>Reads a public JWK. False for any member that a public signing key need not have, above all a private one.</summary>
    public static bool TryParseJwk(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        if (utf8.Length > JwkLengthMax || !StrictJson.TryParse(utf8.ToArray(), out var document))
            return false;
        using (document)
            return TryParseJwk(document.RootElement, out key);
    }

    /// <summary>Reads a DER SubjectPublicKeyInfo (RFC 5480 with an uncompressed point, RFC 8410), in its only encoding.</summary>
    public static bool TryReadSubjectPublicKeyInfo(ReadOnlySpan<byte> der, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        if (der.StartsWith(P256InfoPrefix))
            return TryRead(KeyAlgorithm.ES256, der[P256InfoPrefix.Length..], out key);
        return der.StartsWith(Ed25519InfoPrefix) && TryRead(KeyAlgorithm.Ed25519, der[Ed25519InfoPrefix.Length..], out key);
    }

    /// <summary>Equality of algorithm and bytes.</summary>
    public bool Equals(PublicKey? other) => other is not null && KeyId == other.KeyId;

    /// <inheritdoc cref="Equals(PublicKey)"/>
    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    /// <summary>Equality of algorithm and bytes.</summary>
    public static bool operator ==(PublicKey? left, PublicKey? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Inequality of algorithm or bytes.</summary>
    public static bool operator !=(PublicKey? left, PublicKey? right) => !(left == right);

    /// <summary>A hash code for tables.</summary>
    public override int GetHashCode() => KeyId.GetHashCode();

    /// <summary>The text form of the key id.</summary>
    public override string ToString() => KeyId.ToString();

    internal static bool TryParseJwk(JsonElement jwk, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        if (jwk.ValueKind != JsonValueKind.Object || !TryReadCurve(jwk, out var algorithm) || !HasOnlyPublicMembers(jwk, algorithm))
            return false;
        Span<byte> bytes = stackalloc byte[2 * P256.CoordinateSize];
        return TryReadPoint(jwk, algorithm, bytes, out var length) && TryRead(algorithm, bytes[..length], out key);
    }

    /// <summary>Reads x, and y where the curve has one, without judging them.</summary>
    internal static bool TryReadPoint(JsonElement jwk, KeyAlgorithm algorithm, Span<byte> destination, out int length)
    {
        length = algorithm == KeyAlgorithm.ES256 ? 2 * P256.CoordinateSize : Ed25519.PublicKeySize;
        return jwk.TryGetBytes("x"u8, destination[..32]) && (length == 32 || jwk.TryGetBytes("y"u8, destination[32..length]));
    }

    internal static bool TryReadCurve(JsonElement jwk, out KeyAlgorithm algorithm)
    {
        var isP256 = jwk.HasText("kty"u8, "EC") && jwk.HasText("crv"u8, "P-256");
        algorithm = isP256 ? KeyAlgorithm.ES256 : KeyAlgorithm.Ed25519;
        return isP256 || (jwk.HasText("kty"u8, "OKP") && jwk.HasText("crv"u8, "Ed25519"));
    }

    // What others' libraries write beside the key itself says nothing that we rely on, and must not contradict it.
    private static bool HasOnlyPublicMembers(JsonElement jwk, KeyAlgorithm algorithm)
    {
        foreach (var member in jwk.EnumerateObject())
        {
            var isKnown = member.Name switch
            {
                "kty" or "crv" or "x" or "kid" or "key_ops" or "ext" => true,
                "y" => algorithm == KeyAlgorithm.ES256,
                "use" => jwk.HasText("use"u8, "sig"),
                "alg" => Jose.TryParse(jwk, out var named) && named == algorithm,
                _ => false,
            };
            if (!isKnown)
                return false;
        }
        return true;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => CanonicalBase64Url.Encode(bytes);

    private static ReadOnlySpan<byte> P256InfoPrefix =>
        [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04];

    private static ReadOnlySpan<byte> Ed25519InfoPrefix => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
}
