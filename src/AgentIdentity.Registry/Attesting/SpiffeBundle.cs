using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Registry.Attesting;

/// <summary>What the workloads of a SPIFFE trust domain are recognised by: the SPIFFE bundle format, a JWKS whose keys say which SVIDs they are for.</summary>
public sealed class SpiffeBundle
{
    private const string X509Use = "x509-svid";
    private const string JwtUse = "jwt-svid";

    private SpiffeBundle(string trustDomain, X509Certificate2Collection authorities, VerificationKeys jwtKeys) => (TrustDomain, Authorities, JwtKeys) = (trustDomain, authorities, jwtKeys);

    public string TrustDomain { get; }

    /// <summary>What X.509-SVIDs lead to.</summary>
    public X509Certificate2Collection Authorities { get; }

    /// <summary>What JWT-SVIDs are signed with.</summary>
    public VerificationKeys JwtKeys { get; }

    public static bool TryParse(string trustDomain, string json, [NotNullWhen(true)] out SpiffeBundle? bundle)
    {
        bundle = null;
        if (!SpiffeId.IsTrustDomain(trustDomain) || !StrictJson.TryParse(Encoding.UTF8.GetBytes(json), out var document))
            return false;
        using (document)
        {
            // A key that does not say what it is for is for nothing.
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
                return false;
            var jwtKeys = keys.EnumerateArray().Where(key => IsFor(key, JwtUse)).Select(key => key.GetRawText());
            if (!TryReadAuthorities(keys, out var authorities) || !VerificationKeys.TryParse($"{{\"keys\":[{string.Join(',', jwtKeys)}]}}", JwtUse, out var read))
                return false;
            bundle = new SpiffeBundle(trustDomain, authorities, read);
            return true;
        }
    }

    private static bool TryReadAuthorities(JsonElement keys, out X509Certificate2Collection authorities)
    {
        authorities = [];
        try
        {
            foreach (var key in keys.EnumerateArray().Where(key => IsFor(key, X509Use)))
                authorities.Add(X509CertificateLoader.LoadCertificate(key.GetProperty("x5c").EnumerateArray().Single().GetBytesFromBase64()));
            return true;
        }
        catch (Exception refused) when (refused is CryptographicException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            return false;
        }
    }

    private static bool IsFor(JsonElement key, string use) => key.ValueKind == JsonValueKind.Object && key.TryGetProperty("use", out var said) && said.ValueKind == JsonValueKind.String && said.ValueEquals(use);
}
