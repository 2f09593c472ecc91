using System.Diagnostics.CodeAnalysis;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Dids;

/// <summary>A public key as one word (W3C Controlled Identifiers, Multikey): multibase base58btc over a code for the kind of key and its bytes. docs/formats.md, "Multikey and did:key".</summary>
public static class Multikey
{
    /// <summary>What a DID of a key begins with; the multikey follows.</summary>
    public const string DidPrefix = "did:key:";

    // The codes ed25519-pub (0xed) and p256-pub (0x1200) as varints.
    private static ReadOnlySpan<byte> Ed25519Code => [0xed, 0x01];

    private static ReadOnlySpan<byte> P256Code => [0x80, 0x24];

    /// <summary>The multikey of a key.</summary>
    public static string Of(PublicKey key) => key.Algorithm switch
    {
        KeyAlgorithm.Ed25519 => 'z' + Base58.Encode([.. Ed25519Code, .. key.Bytes]),
        KeyAlgorithm.ES256 => 'z' + Base58.Encode([.. P256Code, .. P256.Compress(key.Bytes)]),
        _ => throw new ArgumentOutOfRangeException(nameof(key), key.Algorithm, "Not a key algorithm."),
    };

    /// <summary>The DID of a key.</summary>
    public static string Did(PublicKey key) => DidPrefix + Of(key);

    /// <summary>The verification method of a key: its DID, and the same multikey as fragment.</summary>
    public static string Method(PublicKey key) => Of(key) is var multikey ? $"{DidPrefix}{multikey}#{multikey}" : "";

    /// <summary>Whether a text can be the hash of a key that signs the next version.</summary>
    public static bool IsNextKeyHash(string text) => Multihash.IsOne(text);

    /// <summary>The hash by which a version commits to a key that signs the next.</summary>
    public static string NextKeyHash(string multikey) => Multihash.Of(multikey);

    /// <summary>Reads a multikey of Ed25519 or P-256. False for other keys, and for those that <see cref="PublicKey.TryRead"/> refuses.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        if (text is not ['z', ..] || !Base58.TryDecode(text[1..], out var bytes))
            return false;
        if (bytes.AsSpan().StartsWith(Ed25519Code))
            return PublicKey.TryRead(KeyAlgorithm.Ed25519, bytes.AsSpan(Ed25519Code.Length), out key);
        return bytes.AsSpan().StartsWith(P256Code) && P256.TryDecompress(bytes.AsSpan(P256Code.Length), out var point) && PublicKey.TryRead(KeyAlgorithm.ES256, point, out key);
    }

    /// <summary>Reads the DID of a key.</summary>
    public static bool TryParseDid(ReadOnlySpan<char> did, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        return did.StartsWith(DidPrefix) && TryParse(did[DidPrefix.Length..], out key);
    }

    /// <summary>Reads a verification method. False unless the fragment repeats the DID's own key: a proof that names one key and is made by another is nobody's.</summary>
    public static bool TryParseMethod(ReadOnlySpan<char> url, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        var fragment = url.IndexOf('#');
        return fragment > DidPrefix.Length && url[DidPrefix.Length..fragment].SequenceEqual(url[(fragment + 1)..]) && TryParseDid(url[..fragment], out key);
    }
}
