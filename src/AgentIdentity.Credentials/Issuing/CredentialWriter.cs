using System.Text;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Issuing;

/// <summary>Makes credentials: header and claims as JCS, signed with the registry's P-256 key. docs/formats.md, "Credential".</summary>
public static class CredentialWriter
{
    private const int SignatureTextLength = 86;

    /// <summary>The signed credential, a compact JWS.</summary>
    /// <exception cref="ArgumentException">The key is not P-256, or the credential would be longer than verifiers take (ask <see cref="Fits"/> first).</exception>
    public static string Sign(CredentialClaims claims, RegistryName registry, PrivateKey issuer)
    {
        if (issuer.PublicKey.Algorithm != KeyAlgorithm.ES256)
            throw new ArgumentException($"Credentials are signed with ES256; this key is for {issuer.PublicKey.Algorithm}.", nameof(issuer));
        var token = CompactJws.Sign(Header(registry, issuer.PublicKey.KeyId), Claims(claims, registry), issuer);
        return token.Length <= CredentialFormat.LengthMax
            ? token
            : throw new ArgumentException($"A credential has at most {CredentialFormat.LengthMax} characters; this one has {token.Length}.", nameof(claims));
    }

    /// <summary>Whether a credential with these claims is as short as verifiers demand. To be asked before anything is written down.</summary>
    public static bool Fits(CredentialClaims claims, RegistryName registry)
    {
        var header = Encoding.UTF8.GetByteCount(Header(registry, default));
        var payload = Encoding.UTF8.GetByteCount(Claims(claims, registry));
        return TextLength(header) + TextLength(payload) + SignatureTextLength + 2 <= CredentialFormat.LengthMax;
    }

    /// <summary>The same credential with an embedded proof (<c>eddsa-jcs-2022</c>), as JCS. docs/formats.md, "Credential with an embedded proof".</summary>
    /// <exception cref="ArgumentException">The key is not Ed25519.</exception>
    public static string SignDocument(CredentialClaims claims, RegistryName registry, PrivateKey key)
    {
        var created = NumericDate.ToRfc3339(claims.IssuedAt);
        var proof = IntegrityProof.Create(Claims(claims, registry), key, registry.KeyUrl(key.PublicKey.KeyId), IntegrityProof.AssertionMethod, created, CredentialFormat.Contexts);
        return Claims(claims, registry, proof);
    }

    internal static string Header(RegistryName registry, KeyId issuer) =>
        $$"""{"alg":"{{CredentialFormat.Algorithm}}","cty":"{{CredentialFormat.ContentType}}","kid":"{{registry.KeyUrl(issuer)}}","typ":"{{CredentialFormat.Type}}"}""";

    // In JCS order.
    internal static string Claims(CredentialClaims claims, RegistryName registry, string? proof = null)
    {
        var agent = registry.AgentDid(claims.AgentId);
        var text = new StringBuilder(2048);
        text.Append($"{{\"@context\":{CredentialFormat.Contexts}");
        if (claims.Act is not null)
            text.Append($",\"act\":{claims.Act}");
        text.Append(",\"aud\":").AppendStrings(claims.Audience);
        text.Append($",\"authorization_details\":{claims.Envelope.Canonical},\"cnf\":{{\"jkt\":\"{claims.Jkt}\"");
        if (claims.Certificate is { } certificate)
            text.Append($",\"{CredentialFormat.CertificateMember}\":\"{certificate.ToBase64Url()}\"");
        text.Append('}');
        var status = StatusPlace.Of(claims.StatusIndex);
        var bitstring = status.BitstringUri(registry);
        text.Append($",\"credentialStatus\":{{\"id\":\"{bitstring}#{status.Place}\",\"statusListCredential\":\"{bitstring}\",\"statusListIndex\":\"{status.Place}\"");
        text.Append($",\"statusPurpose\":\"{StatusListFormat.Purpose}\",\"type\":\"{StatusListFormat.BitstringEntryType}\"}}");
        text.Append(",\"credentialSubject\":{");
        if (claims.AttestedLabels.Count > 0)
            text.AppendLabels("attestedLabels", claims.AttestedLabels, isFirst: true).Append(',');
        text.Append("\"blueprint\":").AppendString(claims.Blueprint);
        text.Append($",\"id\":\"{agent}\"").AppendLabels("labels", claims.Labels).AppendLabels("statedLabels", claims.StatedLabels);
        text.Append($"}},\"exp\":{claims.ExpiresAt},\"iat\":{claims.IssuedAt},\"id\":\"{CredentialFormat.UuidUrn}{claims.Jti}\"");
        text.Append($",\"iss\":\"{registry.Did}\",\"issuer\":\"{registry.Did}\",\"jti\":\"{claims.Jti}\"");
        text.Append($",\"ledger_index\":{claims.LedgerIndex},\"ledger_position\":{claims.LedgerPosition},\"nbf\":{claims.NotBefore}");
        if (proof is not null)
            text.Append($",\"proof\":{proof}");
        text.Append(",\"sponsor\":").AppendString(claims.Sponsor);
        text.Append($",\"status\":{{\"status_list\":{{\"idx\":{status.Place},\"uri\":\"{status.Uri(registry)}\"}}}}");
        text.Append($",\"sub\":\"{agent}\",\"type\":[\"{CredentialFormat.BaseCredentialType}\",\"{CredentialFormat.OwnCredentialType}\"]");
        text.Append($",\"validFrom\":\"{NumericDate.ToRfc3339(claims.NotBefore)}\",\"validUntil\":\"{NumericDate.ToRfc3339(claims.ExpiresAt)}\"}}");
        return text.ToString();
    }

    private static void AppendStrings(this StringBuilder text, IReadOnlyList<string> values)
    {
        text.Append('[');
        for (var i = 0; i < values.Count; i++)
            text.Append(i == 0 ? "" : ",").AppendString(values[i]);
        text.Append(']');
    }

    private static int TextLength(int bytes) => ((bytes * 4) + 2) / 3;
}
