namespace Grpc.Core;

/// <summary>A further check of the server after TLS has accepted it.</summary>
/// <param name="context">The server.</param>
/// <returns>Whether the connection may be used.</returns>
public delegate bool VerifyPeerCallback(VerifyPeerContext context);

/// <summary>The server that a <see cref="VerifyPeerCallback"/> judges. Only a transport can make one.</summary>
public class VerifyPeerContext
{
    internal VerifyPeerContext(string targetName, string peerPem)
    {
        TargetName = targetName;
        PeerPem = peerPem;
    }

    /// <summary>The name that was dialled.</summary>
    public string TargetName { get; }

    /// <summary>The server's certificate as PEM.</summary>
    public string PeerPem { get; }
}

/// <summary>A certificate with its private key, both PEM.</summary>
/// <param name="certificateChain">The certificate, and those above it.</param>
/// <param name="privateKey">The private key.</param>
public sealed class KeyCertificatePair(string certificateChain, string privateKey)
{
    /// <summary>The certificate, and those above it.</summary>
    public string CertificateChain { get; } = certificateChain ?? throw new ArgumentNullException(nameof(certificateChain));

    /// <summary>The private key.</summary>
    public string PrivateKey { get; } = privateKey ?? throw new ArgumentNullException(nameof(privateKey));
}

/// <summary>TLS.</summary>
/// <param name="rootCertificates">Roots as PEM; null for the platform's.</param>
/// <param name="keyCertificatePair">The client's certificate, if it has one.</param>
/// <param name="verifyPeerCallback">A further check of the server, if there is one.</param>
public sealed class SslCredentials(
    string? rootCertificates, KeyCertificatePair? keyCertificatePair, VerifyPeerCallback? verifyPeerCallback) : ChannelCredentials
{
    /// <summary>TLS with the platform's roots.</summary>
    public SslCredentials() : this(null, null, null)
    {
    }

    /// <summary>TLS with given roots.</summary>
    /// <param name="rootCertificates">Roots as PEM.</param>
    public SslCredentials(string rootCertificates) : this(rootCertificates, null, null)
    {
    }

    /// <summary>TLS with given roots and a client certificate.</summary>
    /// <param name="rootCertificates">Roots as PEM.</param>
    /// <param name="keyCertificatePair">The client's certificate.</param>
    public SslCredentials(string rootCertificates, KeyCertificatePair keyCertificatePair) : this(rootCertificates, keyCertificatePair, null)
    {
    }

    /// <summary>Roots as PEM; null for the platform's.</summary>
    public string? RootCertificates { get; } = rootCertificates;

    /// <summary>The client's certificate, if it has one.</summary>
    public KeyCertificatePair? KeyCertificatePair { get; } = keyCertificatePair;

    /// <inheritdoc/>
    public override void InternalPopulateConfiguration(ChannelCredentialsConfiguratorBase configurator, object state) =>
        configurator.SetSslCredentials(state, RootCertificates, KeyCertificatePair, verifyPeerCallback);
}
