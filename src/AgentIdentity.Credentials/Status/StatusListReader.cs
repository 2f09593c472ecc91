using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Status;

/// <summary>Reads the two forms of a status list of a registry. Whatever it refuses says nothing of a credential, which is then refused as well. docs/formats.md, "Status lists".</summary>
/// <param name="registry">Whose lists are read.</param>
/// <param name="issuerKeys">Finds a key that signs this registry's credentials. Null for any other id.</param>
public sealed class StatusListReader(RegistryName registry, Func<KeyId, PublicKey?> issuerKeys)
{
    // How far a reader's clock may be behind the registry's.
    private const long SkewSeconds = 30;

    /// <summary>The IETF form of a list.</summary>
    /// <param name="token">What was fetched.</param>
    /// <param name="list">The number of the list that the credential names.</param>
    /// <param name="now">The reader's clock.</param>
    /// <param name="bitmap">The list, when the answer is <see cref="Refusal.None"/>.</param>
    public Refusal ReadTokenList(string? token, ulong list, DateTimeOffset now, out StatusBitmap? bitmap)
    {
        bitmap = null;
        if (!CompactJws.TryRead(token, StatusListFormat.LengthMax, out var jws))
            return Refusal.StatusListInvalid;
        using (jws)
        {
            if (!IsSigned(jws, StatusListFormat.TokenListType, contentType: null) || !jws.Payload.HasText("sub"u8, StatusPlace.UriOf(registry, list)) || !TryReadBits(jws.Payload, out var bits))
                return Refusal.StatusListInvalid;
            var refusal = CheckTimes(jws.Payload, now);
            bitmap = refusal == Refusal.None ? StatusBitmap.OfLeastSignificantFirst(bits) : null;
            return refusal;
        }
    }

    /// <summary>The W3C form of a list.</summary>
    /// <param name="token">What was fetched.</param>
    /// <param name="list">The number of the list that the credential names.</param>
    /// <param name="now">The reader's clock.</param>
    /// <param name="bitmap">The list, when the answer is <see cref="Refusal.None"/>.</param>
    public Refusal ReadBitstring(string? token, ulong list, DateTimeOffset now, out StatusBitmap? bitmap)
    {
        bitmap = null;
        if (!CompactJws.TryRead(token, StatusListFormat.LengthMax, out var jws))
            return Refusal.StatusListInvalid;
        using (jws)
        {
            if (!IsSigned(jws, CredentialFormat.Type, CredentialFormat.ContentType) || !IsBitstringOf(jws.Payload, StatusPlace.BitstringUriOf(registry, list)) || !TryReadBitstring(jws.Payload, out var bits))
                return Refusal.StatusListInvalid;
            var refusal = CheckTimes(jws.Payload, now);
            bitmap = refusal == Refusal.None ? StatusBitmap.OfMostSignificantFirst(bits) : null;
            return refusal;
        }
    }

    private bool IsSigned(CompactJws jws, string type, string? contentType) =>
        jws.TryReadHeader(out var header)
        && header.GetPropertyCount() == (contentType is null ? 3 : 4)
        && header.HasText("alg"u8, CredentialFormat.Algorithm)
        && header.HasText("typ"u8, type)
        && (contentType is null || header.HasText("cty"u8, contentType))
        && header.TryGetText("kid"u8, int.MaxValue, out var kid)
        && registry.TryParseKeyUrl(kid, out var keyId)
        && issuerKeys(keyId) is { Algorithm: KeyAlgorithm.ES256 } key
        && jws.IsSignedBy(key);

    private static bool TryReadBits(JsonElement payload, out byte[] bits)
    {
        bits = [];
        return payload.TryGetMember("status_list"u8, out var list)
            && list.TryGetInteger("bits"u8, 1, out var each) && each == 1
            && list.TryGetText("lst"u8, StatusListFormat.LengthMax, out var text)
            && TryUnpack(text, StatusPacking.UnpackZLib, out bits);
    }

    private bool IsBitstringOf(JsonElement payload, string uri) =>
        payload.HasTexts("@context"u8, CredentialFormat.BaseContext)
        && payload.HasTexts("type"u8, CredentialFormat.BaseCredentialType, StatusListFormat.BitstringCredentialType)
        && payload.HasText("id"u8, uri)
        && payload.HasText("issuer"u8, registry.Did);

    private static bool TryReadBitstring(JsonElement payload, out byte[] bits)
    {
        bits = [];
        return payload.TryGetMember("credentialSubject"u8, out var subject)
            && subject.HasText("type"u8, StatusListFormat.BitstringType)
            && subject.HasText("statusPurpose"u8, StatusListFormat.Purpose)
            && subject.TryGetText("encodedList"u8, StatusListFormat.LengthMax, out var text) && text[0] == StatusListFormat.Base64UrlMark
            && TryUnpack(text.AsSpan(1), StatusPacking.UnpackGZip, out bits);
    }

    private static bool TryUnpack(ReadOnlySpan<char> text, Func<byte[], int, byte[]?> unpack, out byte[] bits)
    {
        var packed = new byte[CanonicalBase64Url.DecodedLength(text.Length)];
        bits = CanonicalBase64Url.TryDecode(text, packed, out _) ? unpack(packed, StatusBitmap.Size) ?? [] : [];
        return bits.Length > 0;
    }

    // Both forms carry them as claims of the token, which its registry has written alike into validFrom and validUntil.
    private static Refusal CheckTimes(JsonElement payload, DateTimeOffset now)
    {
        if (!payload.TryGetInteger("iat"u8, NumericDate.Max, out var from) || !payload.TryGetInteger("exp"u8, NumericDate.Max, out var until) || until <= from)
            return Refusal.StatusListInvalid;
        var seconds = now.ToUnixTimeSeconds();
        if (from > seconds + SkewSeconds)
            return Refusal.StatusListNotYetValid;
        return seconds >= until ? Refusal.StatusListEnded : Refusal.None;
    }
}
