using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Passkeys;

/// <summary>The second form of what operators sign: header, claims, and what an authenticator has made of them. docs/formats.md, "Passkeys".</summary>
internal static class PasskeyToken
{
    public const char Separator = '.';
    public const int Parts = 5;

    /// <summary>What an authenticator is given to sign.</summary>
    public static Hash Challenge(string type, ReadOnlySpan<byte> claims) => Sha256.Hash([.. Encoding.ASCII.GetBytes(type), 0, .. claims]);

    /// <summary>Reads a token and verifies it. Whose key it is, and whether it may sign at that origin, is the caller's question.</summary>
    public static bool TryRead(string token, string type, out JsonElement claims, [NotNullWhen(true)] out PublicKey? key, [NotNullWhen(true)] out PasskeyOrigin? origin)
    {
        (claims, key, origin) = (default, null, null);
        if (!TrySplit(token, out var parts) || !TryReadCanonical(parts[0], out var header) || !TryReadCanonical(parts[1], out claims))
            return false;
        var assertion = new PasskeyAssertion(parts[2], parts[3], parts[4]);
        return JwkSignedToken.TryReadHeader(header, type, out key) && assertion.TryVerify(key, Challenge(type, parts[1]), out origin);
    }

    private static bool TrySplit(string token, out byte[][] parts)
    {
        var texts = token.Split(Separator);
        parts = new byte[Parts][];
        for (var i = 0; i < Parts && texts.Length == Parts; i++)
        {
            var part = new byte[CanonicalBase64Url.DecodedLength(texts[i].Length)];
            if (!CanonicalBase64Url.TryDecode(texts[i], part, out _))
                return false;
            parts[i] = part;
        }
        return texts.Length == Parts;
    }

    // The header is not under the signature, so it has one spelling, and says nothing but whose key it is.
    private static bool TryReadCanonical(byte[] utf8, out JsonElement read)
    {
        read = default;
        if (!Jcs.TryCanonicalize(utf8, out var canonical) || !Encoding.UTF8.GetBytes(canonical).AsSpan().SequenceEqual(utf8) || !StrictJson.TryParseObject(utf8, out var document))
            return false;
        using (document)
            read = document.RootElement.Clone();
        return true;
    }
}
