using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Registry.Attesting;

namespace AgentIdentity.Registry.Tests.Attesting;

/// <summary>A SPIFFE trust domain: an authority, one below it that issues, and a key for JWT-SVIDs.</summary>
internal sealed class TestTrustDomain : IDisposable
{
    public const string Id = "spiffe://example.org/research/summariser";
    public const string Policy = """[{"type":"spiffe","id":"spiffe://example.org/research/*"}]""";

    private readonly ECDsa _jwt = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _issuing;
    private readonly DateTimeOffset _now;

    public TestTrustDomain(DateTimeOffset now)
    {
        _now = now;
        _root = Authority("CN=root", null);
        _issuing = Authority("CN=issuing", _root);
    }

    public X509Certificate2[] Intermediates => [_issuing];

    private EvidenceTrust Trust => new([], [SpiffeBundle.TryParse("example.org", Bundle, out var bundle) ? bundle : throw new InvalidOperationException()]);

    public string Bundle
    {
        get
        {
            var point = _jwt.ExportParameters(false).Q;
            return new JsonObject
            {
                ["spiffe_sequence"] = 1,
                ["keys"] = new JsonArray(
                    new JsonObject { ["use"] = "x509-svid", ["kty"] = "EC", ["x5c"] = new JsonArray(Convert.ToBase64String(_root.RawData)) },
                    new JsonObject { ["use"] = "jwt-svid", ["kid"] = "j1", ["kty"] = "EC", ["crv"] = "P-256", ["x"] = CanonicalBase64Url.Encode(point.X), ["y"] = CanonicalBase64Url.Encode(point.Y) }),
            }.ToJsonString();
        }
    }

    /// <summary>The settings of a registry that believes it.</summary>
    public RegistrySettings Trusted(RegistrySettings settings)
    {
        var trust = Trust;
        return settings with { EvidenceTrust = () => trust };
    }

    /// <summary>An SVID with its key, good for an hour unless something is changed.</summary>
    public X509Certificate2 Svid(
        string[]? uris = null, X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature, bool isAuthority = false, TimeSpan shift = default, AsymmetricAlgorithm? key = null)
    {
        key ??= ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = key is RSA rsa
            ? new CertificateRequest("O=workload", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest("O=workload", (ECDsa)key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (usage != X509KeyUsageFlags.None)
            request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, true));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var uri in uris ?? [Id])
            names.AddUri(new Uri(uri));
        names.AddDnsName("summariser.example.org");
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_issuing.SubjectName, X509SignatureGenerator.CreateForECDsa(_issuing.GetECDsaPrivateKey()!), _now.AddMinutes(-5) + shift, _now.AddHours(1) + shift, RandomNumberGenerator.GetBytes(8));
        return key is RSA withKey ? issued.CopyWithPrivateKey(withKey) : issued.CopyWithPrivateKey((ECDsa)key);
    }

    /// <summary>A JWT-SVID, unless something is changed.</summary>
    public string JwtSvid(DateTimeOffset now, Action<JsonObject>? claims = null)
    {
        var body = new JsonObject { ["sub"] = Id, ["aud"] = new JsonArray(Fixtures.TestNode.Url), ["exp"] = now.ToUnixTimeSeconds() + 300, ["iat"] = now.ToUnixTimeSeconds() };
        claims?.Invoke(body);
        var input = $"{CanonicalBase64Url.Encode("""{"alg":"ES256","kid":"j1","typ":"JOSE"}"""u8)}.{CanonicalBase64Url.Encode(System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()))}";
        return $"{input}.{CanonicalBase64Url.Encode(_jwt.SignData(System.Text.Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256))}";
    }

    public void Dispose()
    {
        _jwt.Dispose();
        _root.Dispose();
        _issuing.Dispose();
    }

    private X509Certificate2 Authority(string name, X509Certificate2? above)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        if (above is null)
            return request.CreateSelfSigned(_now.AddDays(-1), _now.AddDays(30));
        using var issued = request.Create(above, _now.AddDays(-1), _now.AddDays(20), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }
}
