using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>A workload's X.509-SVID, and its key's signature for the key that enrols. docs/formats.md, "Evidence".</summary>
public sealed class SvidProof : IDisposable
{
    private const string Type = "agentid-svid+jwt";
    private const int ChainMax = 5;
    private const int RsaBitsMin = 2048;

    private static readonly string[] Algorithms = ["ES256", "ES384", "PS256"];

    private readonly CompactJws _jws;
    private readonly string _algorithm;
    private readonly X509Certificate2Collection _chain;

    private SvidProof(CompactJws jws, string algorithm, X509Certificate2Collection chain, string audience, string challenge, KeyId newcomer) =>
        (_jws, _algorithm, _chain, Audience, Challenge, Newcomer) = (jws, algorithm, chain, audience, challenge, newcomer);

    /// <summary>The SVID.</summary>
    public X509Certificate2 Leaf => _chain[0];

    /// <summary>What the workload sent along to lead from the SVID to its bundle.</summary>
    public X509Certificate2Collection Intermediates => [.. _chain.Skip(1)];

    /// <summary>The challenge that the registry gave out, for the registry to recognise.</summary>
    public string Challenge { get; }

    /// <summary>The key that the workload has signed for.</summary>
    public KeyId Newcomer { get; }

    /// <summary>The registry that it is meant for.</summary>
    public string Audience { get; }

    /// <summary>SHA-256 of what was signed.</summary>
    public Hash Hash => Sha256.Hash(_jws.SigningInput);

    /// <summary>Makes a proof.</summary>
    /// <param name="svid">With its private key: P-256, P-384, or RSA of at least 2,048 bits.</param>
    /// <param name="intermediates">What leads from it to the bundle.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="challenge">What the registry answered to BeginEnroll.</param>
    /// <param name="newcomer">The key that enrols.</param>
    public static string Create(X509Certificate2 svid, IEnumerable<X509Certificate2> intermediates, string publicUrl, string challenge, KeyId newcomer)
    {
        var algorithm = Algorithm(svid) ?? throw new ArgumentException("The SVID's key is neither P-256 nor P-384 nor RSA of at least 2,048 bits.", nameof(svid));
        var chain = string.Join(',', intermediates.Prepend(svid).Select(one => $"\"{Convert.ToBase64String(one.RawData)}\""));
        var claims = new StringBuilder("{\"aud\":").AppendString(publicUrl).Append($",\"jkt\":\"{newcomer}\",\"nonce\":").AppendString(challenge).Append('}');
        var input = $"{Part($$"""{"alg":"{{algorithm}}","typ":"{{Type}}","x5c":[{{chain}}]}""")}.{Part(claims.ToString())}";
        return $"{input}.{CanonicalBase64Url.Encode(Sign(svid, Encoding.ASCII.GetBytes(input)))}";
    }

    /// <summary>Whether the text says that it is such a proof; anybody can say so.</summary>
    public static bool IsOne(string text) => EvidenceText.TypeOf(text) == Type;

    /// <summary>Reads a proof; false when its form is not one that is taken. Whose signature it bears, and whether the leaf is a genuine SVID, is the caller's question.</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out SvidProof? proof)
    {
        proof = null;
        if (!CompactJws.TryRead(text, WorkloadToken.LengthMax, out var jws))
            return false;
        proof = Read(jws);
        if (proof is null)
            jws.Dispose();
        return proof is not null;
    }

    /// <summary>Whether the leaf's key has signed, with the algorithm of its kind.</summary>
    public bool IsSigned()
    {
        try
        {
            return Algorithm(Leaf) == _algorithm && Verifies(Leaf, _jws.SigningInput, _jws.Signature);
        }
        catch (CryptographicException)
        {
            // A certificate is read without a look at its key, and that may be no point of its curve.
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _jws.Dispose();
        foreach (var certificate in _chain)
            certificate.Dispose();
    }

    private static SvidProof? Read(CompactJws jws)
    {
        var claims = jws.Payload;
        return jws.TryReadHeader(out var header) && header.GetPropertyCount() == 3 && header.TryGetText("alg"u8, 8, out var algorithm) && Algorithms.Contains(algorithm)
            && claims.TryGetText("aud"u8, 512, out var audience) && claims.TryGetText("nonce"u8, 512, out var challenge)
            && claims.TryGetText("jkt"u8, KeyId.TextLength, out var jkt) && KeyId.TryParse(jkt, out var newcomer)
            && TryReadChain(header, out var chain)
            ? new SvidProof(jws, algorithm, chain, audience, challenge, newcomer)
            : null;
    }

    private static bool TryReadChain(JsonElement header, [NotNullWhen(true)] out X509Certificate2Collection? chain)
    {
        chain = null;
        if (!header.TryGetMember("x5c"u8, out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is 0 or > ChainMax)
            return false;
        var read = new X509Certificate2Collection();
        try
        {
            foreach (var one in list.EnumerateArray())
                read.Add(X509CertificateLoader.LoadCertificate(one.GetBytesFromBase64()));
            chain = read;
            return true;
        }
        catch (Exception refused) when (refused is CryptographicException or FormatException or InvalidOperationException)
        {
            return false;
        }
    }

    private static string? Algorithm(X509Certificate2 certificate)
    {
        using var ec = certificate.GetECDsaPublicKey();
        using var rsa = certificate.GetRSAPublicKey();
        return ec is not null ? AlgorithmOf(ec.ExportParameters(includePrivateParameters: false).Curve) : rsa?.KeySize >= RsaBitsMin ? "PS256" : null;
    }

    // By the curve's name: there are others of the same size, for which JOSE has other names or none.
    private static string? AlgorithmOf(ECCurve curve) => curve.IsNamed ? curve.Oid.Value switch { "1.2.840.10045.3.1.7" => "ES256", "1.3.132.0.34" => "ES384", _ => null } : null;

    private static byte[] Sign(X509Certificate2 svid, byte[] input)
    {
        using var ec = svid.GetECDsaPrivateKey();
        using var rsa = svid.GetRSAPrivateKey();
        return ec is not null ? ec.SignData(input, HashOf(ec)) : rsa!.SignData(input, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
    }

    private static bool Verifies(X509Certificate2 leaf, ReadOnlySpan<byte> input, ReadOnlySpan<byte> signature)
    {
        using var ec = leaf.GetECDsaPublicKey();
        using var rsa = leaf.GetRSAPublicKey();
        return ec is not null ? ec.VerifyData(input, signature, HashOf(ec)) : rsa!.VerifyData(input, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
    }

    private static HashAlgorithmName HashOf(ECDsa key) => key.KeySize == 384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;

    private static string Part(string json) => CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(json));
}
