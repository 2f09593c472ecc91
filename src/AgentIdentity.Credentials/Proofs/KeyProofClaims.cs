using System.Text.Json;
using System.Text.Unicode;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>What a key proof says. docs/formats.md, "Key proof".</summary>
internal sealed record KeyProofClaims(string Jti, string Method, string Url, DateTimeOffset IssuedAt, string? Nonce, string? CredentialHash, string? BodyHash)
{
    private const int JtiLengthMin = 8;
    private const int JtiLengthMax = 128;

    /// <summary>Reads the payload of a token. Members that it does not know say nothing here.</summary>
    public static bool TryRead(CompactJws jws, out KeyProofClaims claims)
    {
        claims = TryReadPlain(jws.PayloadJson) ?? TryReadAny(jws)!;
        return claims is not null;
    }

    /// <summary>Reads what nearly every proof is, in one pass: the members known here, in any order, each once, written without escapes. Null for anything else, which says nothing about it.</summary>
    internal static KeyProofClaims? TryReadPlain(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
            return null;
        string? jti = null, method = null, url = null, nonce = null, credentialHash = null, bodyHash = null;
        var issuedAt = -1L;
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isRead = reader.ValueIsEscaped ? false
                    : reader.ValueTextEquals("htu"u8) ? TryTake(ref reader, ref url)
                    : reader.ValueTextEquals("htm"u8) ? TryTake(ref reader, ref method)
                    : reader.ValueTextEquals("jti"u8) ? TryTake(ref reader, ref jti)
                    : reader.ValueTextEquals("iat"u8) ? TryTake(ref reader, ref issuedAt)
                    : reader.ValueTextEquals("nonce"u8) ? TryTake(ref reader, ref nonce)
                    : reader.ValueTextEquals("ath"u8) ? TryTake(ref reader, ref credentialHash)
                    : reader.ValueTextEquals("body_sha256"u8) && TryTake(ref reader, ref bodyHash);
                if (!isRead)
                    return null;
            }
            // Behind the object nothing follows, or that throws.
            reader.Read();
        }
        catch (JsonException)
        {
            return null;
        }
        if (jti is null || jti.Length is < JtiLengthMin or > JtiLengthMax || method is null || url is null || issuedAt < 0)
            return null;
        return new KeyProofClaims(jti, method, url, DateTimeOffset.FromUnixTimeSeconds(issuedAt), nonce, credentialHash, bodyHash);
    }

    /// <summary>Reads any strict JSON object.</summary>
    internal static KeyProofClaims? TryReadAny(CompactJws jws)
    {
        if (!jws.TryReadPayload())
            return null;
        var claims = jws.Payload;
        if (!claims.TryGetText("jti"u8, JtiLengthMax, out var jti) || jti.Length < JtiLengthMin
            || !claims.TryGetText("htm"u8, int.MaxValue, out var method)
            || !claims.TryGetText("htu"u8, int.MaxValue, out var url)
            || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt)
            || !claims.TryGetOptionalText("nonce"u8, int.MaxValue, out var nonce)
            || !claims.TryGetOptionalText("ath"u8, int.MaxValue, out var credentialHash)
            || !claims.TryGetOptionalText("body_sha256"u8, int.MaxValue, out var bodyHash))
            return null;
        return new KeyProofClaims(jti, method, url, DateTimeOffset.FromUnixTimeSeconds(issuedAt), nonce, credentialHash, bodyHash);
    }

    private static bool TryTake(ref Utf8JsonReader reader, ref string? text)
    {
        if (text is not null || !reader.Read() || reader.TokenType != JsonTokenType.String || reader.ValueIsEscaped || reader.ValueSpan.IsEmpty)
            return false;
        text = reader.GetString();
        return true;
    }

    private static bool TryTake(ref Utf8JsonReader reader, ref long integer) =>
        integer < 0 && reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out integer) && integer is >= 0 and <= NumericDate.Max;
}
