using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace AgentIdentity.Tests.Wire;

/// <summary>TLS to a server on this machine whose certificate was made for the run, with a certificate of the client's own or none.</summary>
internal sealed record WireTls(X509Certificate2? Own = null)
{
    public SslClientAuthenticationOptions Options() => new()
    {
        ClientCertificates = Own is null ? null : [Own],
        // The server is this run's own, on loopback.
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
    };
}
