using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>What an operator has signed, in either form: a compact JWS by a key of theirs, or a passkey's token.</summary>
/// <param name="Claims">What they signed.</param>
/// <param name="Key">Whose they are.</param>
/// <param name="Passkey">Where a passkey has signed; null when the key is none.</param>
internal sealed record OperatorToken(JsonElement Claims, PublicKey Key, PasskeyOrigin? Passkey)
{
    private const string JwsSuffix = "+jwt";
    private const string PasskeySuffix = "+passkey";

    /// <summary>The type of the first form.</summary>
    public static string JwsType(string subject) => subject + JwsSuffix;

    /// <summary>The type of the second form.</summary>
    public static string PasskeyType(string subject) => subject + PasskeySuffix;

    /// <summary>Reads a token about <paramref name="subject"/> and verifies its signature.</summary>
    public static bool TryRead(string? token, string subject, int lengthMax, [NotNullWhen(true)] out OperatorToken? read)
    {
        read = null;
        if (token is null || token.Length > lengthMax)
            return false;
        read = token.AsSpan().Count(PasskeyToken.Separator) == PasskeyToken.Parts - 1 ? ReadPasskey(token, PasskeyType(subject)) : ReadJws(token, JwsType(subject), lengthMax);
        return read is not null;
    }

    private static OperatorToken? ReadPasskey(string token, string type) =>
        PasskeyToken.TryRead(token, type, out var claims, out var key, out var origin) ? new OperatorToken(claims, key, origin) : null;

    private static OperatorToken? ReadJws(string token, string type, int lengthMax)
    {
        if (!JwkSignedToken.TryRead(token, type, out var jws, out var key, lengthMax))
            return null;
        using (jws)
            return new OperatorToken(jws.Payload.Clone(), key, null);
    }
}
