using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AgentIdentity.Tests.Wire;

/// <summary>TLS to a server on this machine whose certificate was made for the run, with a certificate of the client's own or none.</summary>
internal sealed record WireTls(X509Certificate2? Own = null)
{
    /// <summary>A certificate that only its own key has signed.</summary>
    public static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
    }

    /// <summary>Writes a certificate and its key as PEM files, and answers their names.</summary>
    public static (string Certificate, string Key) WriteNew(string folder)
    {
        using var certificate = NewCertificate();
        using var key = certificate.GetECDsaPrivateKey()!;
        var (certificatePath, keyPath) = (Path.Combine(folder, "tls-cert.pem"), Path.Combine(folder, "tls-key.pem"));
        File.WriteAllText(certificatePath, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        return (certificatePath, keyPath);
    }

    public SslClientAuthenticationOptions Options() => new()
    {
        ClientCertificates = Own is null ? null : [Own],
        // The server is this run's own, on loopback.
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
    };
}
