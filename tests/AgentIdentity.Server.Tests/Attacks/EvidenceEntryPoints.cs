using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;

namespace AgentIdentity.Server.Tests.Attacks;

/// <summary>
/// Where an enrolment takes evidence: an issuer of workload tokens and a trust domain whose keys the registry knows, and an agent that vouches. What is demanded is met by nobody, so genuine evidence is refused behind its signature
/// and enrols nobody.
/// </summary>
internal sealed class EvidenceEntryPoints : IDisposable
{
    private const string Issuer = "https://issuer.example";
    private const string Rules = """[{"claims":{"sub":"nobody"},"issuer":"https://issuer.example","type":"oidc"},{"id":"spiffe://example.org/nobody","type":"spiffe"},{"type":"vouch"}]""";

    // Nothing more is asked of them: what names the key is a hint.
    private static readonly string[] NoAttacksOnTokens = ["no typ", "no kid", "header with \"x5t\":\"AA\""];

    // An SVID proof has no key but that of its certificate.
    private static readonly string[] NoAttacksOnSvids = ["no jwk"];

    private readonly PrivateKey _issuer = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly PrivateKey _workload = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly PrivateKey _newcomer = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly X509Certificate2 _authority = Authority();
    private readonly X509Certificate2 _svid;
    private string _token = "";

    public EvidenceEntryPoints() => _svid = Svid();

    /// <summary>Writes the file of <c>--evidence</c> and what it names.</summary>
    public string WriteTo(string folder)
    {
        var jwk = JsonNode.Parse(_issuer.PublicKey.ToJwk())!.AsObject();
        jwk["kid"] = "issuer-1";
        File.WriteAllText(Path.Combine(folder, "issuer.json"), new JsonObject { ["keys"] = new JsonArray(jwk.DeepClone()) }.ToJsonString());
        jwk["use"] = "jwt-svid";
        var root = new JsonObject { ["use"] = "x509-svid", ["kty"] = "EC", ["x5c"] = new JsonArray(Convert.ToBase64String(_authority.RawData)) };
        File.WriteAllText(Path.Combine(folder, "bundle.json"), new JsonObject { ["keys"] = new JsonArray(jwk, root) }.ToJsonString());
        var file = Path.Combine(folder, "evidence.json");
        File.WriteAllText(file, """{"issuers":[{"issuer":"https://issuer.example","jwks":"issuer.json"}],"trustDomains":[{"name":"example.org","bundle":"bundle.json"}]}""");
        return file;
    }

    /// <summary>Makes the token that demands all of it.</summary>
    public async Task DemandAsync(TestRegistry registry) => _token = (await registry.AsOperator.Admin.CreateEnrolmentTokenAsync(new CreateEnrolmentTokenRequest
    {
        Sponsor = TestRegistry.Sponsor, Blueprint = "summariser/2.1 model-x/5", MaximumEnvelope = TestRegistry.MaximumEnvelope, Audiences = { TestRegistry.Documents }, Evidence = Rules,
    })).Token;

    public EntryPoint WorkloadToken(TestRegistry registry, Func<EnrollRequest, Task<string>> enrol) => Of(registry, enrol, () => Jwt(registry, "a workload", Issuer), _issuer) with { NoAttacks = NoAttacksOnTokens };

    public EntryPoint JwtSvid(TestRegistry registry, Func<EnrollRequest, Task<string>> enrol) => Of(registry, enrol, () => Jwt(registry, "spiffe://example.org/workload", issuer: null), _issuer) with { NoAttacks = NoAttacksOnTokens };

    public EntryPoint X509Svid(TestRegistry registry, Func<EnrollRequest, Task<string>> enrol) =>
        Of(registry, enrol, () => SvidProof.Create(_svid, [], registry.PublicUrl, NewChallenge(registry), _newcomer.PublicKey.KeyId), _workload) with { NoAttacks = NoAttacksOnSvids };

    public EntryPoint Vouch(TestRegistry registry, Func<EnrollRequest, Task<string>> enrol, PrivateKey parent) =>
        Of(registry, enrol, () => AgentVouch.Create(parent, registry.PublicUrl, _newcomer.PublicKey.KeyId, Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(_token)), TimeProvider.System.GetUtcNow()), parent);

    public void Dispose()
    {
        _issuer.Dispose();
        _workload.Dispose();
        _newcomer.Dispose();
        _authority.Dispose();
        _svid.Dispose();
    }

    // Evidence is somebody else's, so what is wrong with it has three names before its signature is good: docs/decisions.md.
    private EntryPoint Of(TestRegistry registry, Func<EnrollRequest, Task<string>> enrol, Func<string> genuine, PrivateKey key) =>
        new(genuine, key, Refusal.EvidenceMalformed, evidence => enrol(Enrolling(registry, evidence))) { OrElse = [Refusal.EvidenceSignatureInvalid, Refusal.EvidenceIssuerUnknown] };

    private EnrollRequest Enrolling(TestRegistry registry, string evidence)
    {
        var proof = EnrolmentProof.Create(
            _newcomer, registry.PublicUrl, NewChallenge(registry), Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(_token)), TimeProvider.System.GetUtcNow(), evidence: EvidenceText.HashOf(evidence));
        return new EnrollRequest { Token = _token, Proof = proof, Evidence = evidence };
    }

    private static string NewChallenge(TestRegistry registry) => registry.Host.Registry.Enrolment.NewChallenge();

    private string Jwt(TestRegistry registry, string subject, string? issuer)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject { ["aud"] = registry.PublicUrl, ["exp"] = now + 600, ["iat"] = now, ["nbf"] = now, ["sub"] = subject };
        if (issuer is not null)
            claims["iss"] = issuer;
        var input = $"{Part("""{"alg":"ES256","kid":"issuer-1","typ":"JWT"}""")}.{Part(claims.ToJsonString())}";
        return $"{input}.{CanonicalBase64Url.Encode(_issuer.Sign(System.Text.Encoding.ASCII.GetBytes(input)))}";
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
    }

    private X509Certificate2 Svid()
    {
        using var key = KeyOf(_workload);
        var request = new CertificateRequest("O=workload", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri("spiffe://example.org/workload"));
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var issued = request.Create(_authority, now.AddHours(-1), now.AddHours(5), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }

    private static ECDsa KeyOf(PrivateKey key)
    {
        var jwk = JsonNode.Parse(key.ToKeyFile(""))!;
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = Bytes(jwk, "d"), Q = new ECPoint { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") } });
    }

    private static byte[] Bytes(JsonNode jwk, string name)
    {
        var bytes = new byte[32];
        return CanonicalBase64Url.TryDecodeExactly((string)jwk[name]!, bytes) ? bytes : throw new InvalidOperationException($"The key has no {name}.");
    }

    private static string Part(string json) => CanonicalBase64Url.Encode(System.Text.Encoding.UTF8.GetBytes(json));
}
