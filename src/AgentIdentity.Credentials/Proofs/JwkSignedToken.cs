using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>What all proofs of possession share: a compact JWS whose header carries the public key that signed it, and nothing else but <c>alg</c> and <c>typ</c>.</summary>
internal static class JwkSignedToken
{
    public const int LengthMax = 4096;

    // Whoever proves a key sends the same header each time. A header of ours takes 260 bytes; the table 5 MB at most.
    private static readonly RecentTexts<Header> Headers = new(places: 8192, lengthMax: 512);

    public static string Sign(string type, string claims, PrivateKey key) =>
        CompactJws.Sign($$"""{"alg":"{{Jose.Name(key.PublicKey.Algorithm)}}","jwk":{{key.PublicKey.ToJwk()}},"typ":"{{type}}"}""", claims, key);

    /// <summary>Reads a token and verifies its signature, unless that was done before. Who the key belongs to is the caller's question.</summary>
    public static bool TryRead(TokenText token, string type, [NotNullWhen(true)] out CompactJws? jws, [NotNullWhen(true)] out PublicKey? key, int lengthMax = LengthMax, bool isVerified = true) =>
        TryReadSigned(token, type, out jws, out key, lengthMax, isVerified) && (jws.TryReadPayload() || Refuse(ref jws));

    /// <summary>As <see cref="TryRead"/>, and the payload, which nobody has looked at, is for a reader of its own.</summary>
    public static bool TryReadSigned(TokenText token, string type, [NotNullWhen(true)] out CompactJws? jws, [NotNullWhen(true)] out PublicKey? key, int lengthMax = LengthMax, bool isVerified = true)
    {
        key = null;
        return CompactJws.TrySplit(token, lengthMax, out jws) && (TryReadKey(jws, type, isVerified, out key) || Refuse(ref jws));
    }

    private static bool Refuse(ref CompactJws? jws)
    {
        jws?.Dispose();
        jws = null;
        return false;
    }

    private static bool TryReadKey(CompactJws jws, string type, bool isVerified, [NotNullWhen(true)] out PublicKey? key)
    {
        key = Headers.Find(jws.HeaderText) is { } header && header.Type == type ? header.Key : null;
        if (key is not null)
            return !isVerified || jws.IsSignedBy(key);
        if (!TryReadHeader(jws, type, out key) || (isVerified && !jws.IsSignedBy(key)))
            return false;
        // Only what somebody has signed under takes a place.
        if (isVerified)
            Headers.Add(jws.HeaderText, new Header(type, key));
        return true;
    }

    private static bool TryReadHeader(CompactJws jws, string type, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        return jws.TryReadHeader(out var header) && TryReadHeader(header, type, out key);
    }

    /// <summary>Reads a header that says type, algorithm and key, and nothing else.</summary>
    internal static bool TryReadHeader(JsonElement header, string type, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        return header.GetPropertyCount() == 3
            && header.HasText("typ"u8, type)
            && Jose.TryParse(header, out var algorithm)
            && header.TryGetMember("jwk"u8, out var jwk)
            && PublicKey.TryParseJwk(jwk, out key)
            && key.Algorithm == algorithm;
    }

    private sealed record Header(string Type, PublicKey Key);
}
