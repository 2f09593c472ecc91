using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>What evidence is asked for, and of whom.</summary>
/// <param name="PublicUrl">The registry: the audience of the evidence.</param>
/// <param name="Challenge">What it gave out for this enrolment.</param>
/// <param name="Key">The key that enrols.</param>
/// <param name="TokenHash">SHA-256 of the enrolment token.</param>
public sealed record EvidenceRequest(string PublicUrl, string Challenge, KeyId Key, Hash TokenHash);

/// <summary>Brings evidence whenever it is asked for: at enrolment, and again when a session is over. docs/formats.md, "Evidence".</summary>
public delegate Task<string> BringEvidence(EvidenceRequest asked, CancellationToken cancellationToken);

/// <summary>The usual ways to come by evidence.</summary>
public static class Evidence
{
    /// <summary>A token that somebody else keeps fresh in a file: the projected token of a Kubernetes service account, the identity token of a build, a JWT-SVID. Read anew each time.</summary>
    /// <remarks>What is asked ends with an <see cref="IOException"/> while the file is empty: whoever keeps it fresh may be writing it.</remarks>
    public static BringEvidence FromFile(string path) => async (_, cancellationToken) =>
        (await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false)).Trim() is { Length: > 0 } token ? token : throw new IOException($"{path} is empty now.");

    /// <summary>An X.509-SVID with its key, and what leads to its bundle, in PEM files that somebody else keeps fresh. Read anew each time.</summary>
    /// <param name="certificates">The SVID first, then intermediates.</param>
    /// <param name="key">Its private key.</param>
    /// <remarks>What is asked ends with an <see cref="IOException"/> while the files cannot be read or do not belong together: whoever keeps them fresh may be between the two.</remarks>
    public static BringEvidence FromSvid(string certificates, string key) => (asked, _) =>
    {
        var chain = new X509Certificate2Collection();
        using var svid = ReadSvid(certificates, key, chain);
        return Task.FromResult(SvidProof.Create(svid, chain.Skip(1), asked.PublicUrl, asked.Challenge, asked.Key));
    };

    /// <summary>The word of an agent whose key is at hand.</summary>
    public static BringEvidence FromAgent(PrivateKey key, TimeProvider clock) => (asked, _) =>
        Task.FromResult(AgentVouch.Create(key, asked.PublicUrl, asked.Key, asked.TokenHash, clock.GetUtcNow()));

    private static X509Certificate2 ReadSvid(string certificates, string key, X509Certificate2Collection chain)
    {
        try
        {
            chain.ImportFromPemFile(certificates);
            return X509Certificate2.CreateFromPemFile(certificates, key);
        }
        catch (Exception unread) when (unread is CryptographicException or ArgumentException)
        {
            throw new IOException($"{certificates} and {key} are no SVID with its key now: {unread.Message}", unread);
        }
    }
}
