using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Evidence;

/// <summary>Which keys of certificates are taken to sign for a key that enrols. docs/formats.md, "Evidence".</summary>
public sealed class SvidProofTests
{
    [Theory]
    [InlineData("P-256", "ES256", Refusal.None)]
    [InlineData("P-384", "ES384", Refusal.None)]
    [InlineData("RSA 2048", "PS256", Refusal.None)]
    [InlineData("P-256", "", Refusal.EvidenceMalformed)]
    [InlineData("RSA 2048", "RS256", Refusal.EvidenceMalformed)]
    [InlineData("RSA 1024", "PS256", Refusal.EvidenceSignatureInvalid)]
    [InlineData("RSA 1024", "", Refusal.EvidenceMalformed)]
    [InlineData("P-521", "ES512", Refusal.EvidenceMalformed)]
    [InlineData("P-521", "", Refusal.EvidenceMalformed)]
    [InlineData("P-521", "ES256", Refusal.EvidenceSignatureInvalid)]
    [InlineData("Ed25519", "ES256", Refusal.EvidenceSignatureInvalid)]
    [InlineData("secp256k1", "ES256", Refusal.EvidenceSignatureInvalid)]
    [InlineData("Ed25519", "EdDSA", Refusal.EvidenceMalformed)]
    [InlineData("Ed25519", "", Refusal.EvidenceMalformed)]
    public void A_key_signs_with_the_algorithm_of_its_kind_and_those_of_other_kinds_with_none(string kind, string algorithm, Refusal expected)
    {
        using var key = KeyOf(kind);
        using var certificate = Certify(key);
        var header = $$"""{"alg":"{{algorithm}}","typ":"agentid-svid+jwt","x5c":["{{Convert.ToBase64String(certificate.RawData)}}"]}""";
        var claims = $$"""{"aud":"https://registry.example","jkt":"{{new KeyId(default)}}","nonce":"challenge"}""";
        var input = $"{Part(header)}.{Part(claims)}";
        var isRead = SvidProof.TryRead($"{input}.{CanonicalBase64Url.Encode(Sign(key, Encoding.ASCII.GetBytes(input)))}", out var proof);
        Assert.Equal(expected, !isRead ? Refusal.EvidenceMalformed : proof!.IsSigned() ? Refusal.None : Refusal.EvidenceSignatureInvalid);
        proof?.Dispose();
    }

    // Null stands for a key that the class library has no name for.
    private static AsymmetricAlgorithm? KeyOf(string kind) => kind switch
    {
        "P-256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        "P-384" => ECDsa.Create(ECCurve.NamedCurves.nistP384),
        "P-521" => ECDsa.Create(ECCurve.NamedCurves.nistP521),
        "secp256k1" => ECDsa.Create(ECCurve.CreateFromFriendlyName("secp256k1")),
        "RSA 1024" => RSA.Create(1024),
        "RSA 2048" => RSA.Create(2048),
        _ => null,
    };

    private static X509Certificate2 Certify(AsymmetricAlgorithm? key)
    {
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var info = key switch
        {
            ECDsa ec => new PublicKey(ec),
            RSA rsa => new PublicKey(rsa),
            _ => new PublicKey(new Oid("1.3.101.112"), null, new AsnEncodedData(RandomNumberGenerator.GetBytes(32))),
        };
        var request = new CertificateRequest(new X500DistinguishedName("CN=workload"), info, HashAlgorithmName.SHA256);
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        return request.Create(new X500DistinguishedName("CN=authority"), X509SignatureGenerator.CreateForECDsa(authority), now, now.AddHours(1), [1]);
    }

    private static byte[] Sign(AsymmetricAlgorithm? key, byte[] input) => key switch
    {
        ECDsa ec => ec.SignData(input, ec.KeySize == 384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256),
        RSA rsa => rsa.SignData(input, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        _ => new byte[64],
    };

    private static string Part(string json) => CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(json));
}
