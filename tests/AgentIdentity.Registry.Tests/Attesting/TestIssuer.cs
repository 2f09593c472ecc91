using System.Security.Cryptography;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Registry.Attesting;

namespace AgentIdentity.Registry.Tests.Attesting;

/// <summary>Somebody else's issuer of workload tokens, with a key of each kind that such issuers use.</summary>
internal sealed class TestIssuer : IDisposable
{
    public const string Name = "https://issuer.example";
    public const string Subject = "system:serviceaccount:research:summariser";
    public const string Policy = """[{"type":"oidc","issuer":"https://issuer.example","claims":{"sub":"system:serviceaccount:research:*"}}]""";

    private readonly ECDsa _p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly RSA _rsa = RSA.Create(2048);

    public string Jwks => new JsonObject { ["keys"] = new JsonArray(Ec(_p256, "P-256"), Ec(_p384, "P-384"), Rsa()) }.ToJsonString();

    private EvidenceTrust Trust => new([new OidcIssuer(Name, Keys(), [new("image.digest", "image_digest")])], []);

    /// <summary>The settings of a registry that believes it.</summary>
    public RegistrySettings Trusted(RegistrySettings settings)
    {
        var trust = Trust;
        return settings with { EvidenceTrust = () => trust };
    }

    /// <summary>A token that is good now, unless something is changed.</summary>
    public string Token(DateTimeOffset now, string algorithm = "RS256", Action<JsonObject>? claims = null, Action<JsonObject>? header = null)
    {
        var seconds = now.ToUnixTimeSeconds();
        var body = new JsonObject { ["iss"] = Name, ["sub"] = Subject, ["aud"] = Fixtures.TestNode.Url, ["iat"] = seconds, ["nbf"] = seconds, ["exp"] = seconds + 600, ["jti"] = RandomNumberGenerator.GetHexString(16) };
        claims?.Invoke(body);
        var head = new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT" };
        head["kid"] = KeyIdOf(algorithm);
        header?.Invoke(head);
        return Sign(head.ToJsonString(), body.ToJsonString(), algorithm);
    }

    public string Sign(string header, string claims, string algorithm)
    {
        var input = $"{Text(header)}.{Text(claims)}";
        var bytes = System.Text.Encoding.ASCII.GetBytes(input);
        var signature = algorithm switch
        {
            "RS256" => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "PS256" => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            "ES256" => _p256.SignData(bytes, HashAlgorithmName.SHA256),
            "ES384" => _p384.SignData(bytes, HashAlgorithmName.SHA384),
            "HS256" => HMACSHA256.HashData(_rsa.ExportSubjectPublicKeyInfo(), bytes),
            _ => [],
        };
        return $"{input}.{CanonicalBase64Url.Encode(signature)}";
    }

    public void Dispose()
    {
        _p256.Dispose();
        _p384.Dispose();
        _rsa.Dispose();
    }

    private VerificationKeys Keys() => VerificationKeys.TryParse(Jwks, "sig", out var keys) ? keys : throw new InvalidOperationException();

    private static string KeyIdOf(string algorithm) => algorithm switch { "ES256" => "P-256", "ES384" => "P-384", _ => "rsa" };

    private static JsonObject Ec(ECDsa key, string curve)
    {
        var point = key.ExportParameters(false).Q;
        return new JsonObject { ["kty"] = "EC", ["use"] = "sig", ["kid"] = curve, ["crv"] = curve, ["x"] = CanonicalBase64Url.Encode(point.X), ["y"] = CanonicalBase64Url.Encode(point.Y) };
    }

    private JsonObject Rsa()
    {
        var key = _rsa.ExportParameters(false);
        return new JsonObject { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = "rsa", ["n"] = CanonicalBase64Url.Encode(key.Modulus), ["e"] = CanonicalBase64Url.Encode(key.Exponent) };
    }

    private static string Text(string json) => CanonicalBase64Url.Encode(System.Text.Encoding.UTF8.GetBytes(json));
}
