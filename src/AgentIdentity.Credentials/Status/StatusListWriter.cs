using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Status;

/// <summary>Makes the two forms of a status list from one bitmap. docs/formats.md, "Status lists".</summary>
public static class StatusListWriter
{
    /// <summary>The IETF form: a Token Status List.</summary>
    public static string TokenList(ulong list, StatusBitmap bitmap, RegistryName registry, PrivateKey issuer, DateTimeOffset now)
    {
        var (from, until) = Times(now);
        var header = $$"""{"alg":"{{CredentialFormat.Algorithm}}","kid":"{{registry.KeyUrl(issuer.PublicKey.KeyId)}}","typ":"{{StatusListFormat.TokenListType}}"}""";
        var bits = CanonicalBase64Url.Encode(StatusPacking.ZLib(bitmap.LeastSignificantFirst));
        return CompactJws.Sign(
            header,
            $$$"""{"exp":{{{until}}},"iat":{{{from}}},"status_list":{"bits":1,"lst":"{{{bits}}}"},"sub":"{{{StatusPlace.UriOf(registry, list)}}}","ttl":{{{StatusListFormat.TimeToLive.TotalSeconds}}}}""",
            issuer);
    }

    /// <summary>The W3C form: a credential that holds a Bitstring Status List.</summary>
    public static string Bitstring(ulong list, StatusBitmap bitmap, RegistryName registry, PrivateKey issuer, DateTimeOffset now)
    {
        var (from, until) = Times(now);
        var uri = StatusPlace.BitstringUriOf(registry, list);
        var subject = $$"""{"encodedList":"{{EncodedList(bitmap)}}","id":"{{uri}}#list","statusPurpose":"{{StatusListFormat.Purpose}}","ttl":{{StatusListFormat.TimeToLive.TotalMilliseconds}},"type":"{{StatusListFormat.BitstringType}}"}""";
        return CompactJws.Sign(
            CredentialWriter.Header(registry, issuer.PublicKey.KeyId),
            $"{{\"@context\":[\"{CredentialFormat.BaseContext}\"],\"credentialSubject\":{subject},\"exp\":{until},\"iat\":{from},\"id\":\"{uri}\",\"iss\":\"{registry.Did}\",\"issuer\":\"{registry.Did}\","
            + $"\"type\":[\"{CredentialFormat.BaseCredentialType}\",\"{StatusListFormat.BitstringCredentialType}\"],\"validFrom\":\"{NumericDate.ToRfc3339(from)}\",\"validUntil\":\"{NumericDate.ToRfc3339(until)}\"}}",
            issuer);
    }

    /// <summary>The bits as the W3C form has them.</summary>
    public static string EncodedList(StatusBitmap bitmap) => StatusListFormat.Base64UrlMark + CanonicalBase64Url.Encode(StatusPacking.GZip(bitmap.MostSignificantFirst));

    private static (long From, long Until) Times(DateTimeOffset now)
    {
        var from = now.ToUnixTimeSeconds();
        return (from, from + (long)StatusListFormat.Life.TotalSeconds);
    }
}
