using System.Security.Cryptography.X509Certificates;

namespace AgentIdentity.Client;

/// <summary>Trusting a private CA, or one server's own certificate, and nothing else.</summary>
public static class TrustedCertificates
{
    /// <summary>A handler that trusts what the file holds (PEM), or what the system trusts when there is none. It asks whom it is told to ask: a proxy that the environment names is not between.</summary>
    /// <exception cref="ArgumentException">The file holds no certificate.</exception>
    public static SocketsHttpHandler HandlerFor(string? certificateFile)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (certificateFile is not null)
            handler.SslOptions.CertificateChainPolicy = Only(certificateFile);
        return handler;
    }

    // The chain and the host name are checked as ever; only the roots are others.
    private static X509ChainPolicy Only(string certificateFile)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(certificateFile);
        return policy.CustomTrustStore.Count > 0
            ? policy
            : throw new ArgumentException($"{certificateFile} holds no certificate in PEM form.", nameof(certificateFile));
    }
}
