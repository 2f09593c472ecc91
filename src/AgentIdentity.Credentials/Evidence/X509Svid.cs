using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>What the SPIFFE X.509-SVID specification asks of a workload's certificate.</summary>
public static class X509Svid
{
    private const string SubjectAlternativeName = "2.5.29.17";
    private const int UriTag = 6;

    /// <summary>The name that a leaf certificate carries: its one URI. False for a certificate that may sign others, or may not sign at all.</summary>
    public static bool TryReadId(X509Certificate2 leaf, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        try
        {
            // Its dates are parsed when they are asked for, and may be none: here first, where that is a refusal.
            return leaf.NotBefore <= leaf.NotAfter && IsLeaf(leaf) && Uris(leaf) is [var only] && SpiffeId.TryParse(only, out id);
        }
        catch (Exception refused) when (refused is AsnContentException or CryptographicException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Whether a path leads from the leaf to one of these authorities, at that time. Nobody is asked over the network.</summary>
    public static bool IsIssuedBy(X509Certificate2 leaf, X509Certificate2Collection intermediates, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(authorities);
        policy.ExtraStore.AddRange(intermediates);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTime = now.UtcDateTime;
        policy.VerificationTimeIgnored = false;
        return chain.Build(leaf);
    }

    private static bool IsLeaf(X509Certificate2 certificate)
    {
        var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().SingleOrDefault();
        var usage = certificate.Extensions.OfType<X509KeyUsageExtension>().SingleOrDefault()?.KeyUsages ?? X509KeyUsageFlags.None;
        return constraints is null or { CertificateAuthority: false }
            && usage.HasFlag(X509KeyUsageFlags.DigitalSignature) && (usage & (X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign)) == 0;
    }

    // The class library reads names of hosts and addresses from this extension, and no URIs.
    private static List<string> Uris(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.Single(extension => extension.Oid?.Value == SubjectAlternativeName);
        var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
        var uris = new List<string>();
        while (names.HasData)
        {
            var tag = names.PeekTag();
            if (tag.HasSameClassAndValue(new Asn1Tag(TagClass.ContextSpecific, UriTag)))
                uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, tag));
            else
                names.ReadEncodedValue();
        }
        return uris;
    }
}
