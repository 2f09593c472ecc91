using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Client.Meeting;

/// <summary>What a TLS connection says of the channel that it is, for both ends the same.</summary>
public static class MeetingChannel
{
    private static readonly string[] Sha384 = ["1.2.840.10045.4.3.3", "1.2.840.113549.1.1.12"];
    private static readonly string[] Sha512 = ["1.2.840.10045.4.3.4", "1.2.840.113549.1.1.13"];

    /// <summary>
    /// <c>tls-server-end-point</c> (RFC 5929), the hash of the certificate that the server has shown, and which of the two agents that server is. Whoever stands between with a certificate of their own makes it another one at each end;
    /// and if both agents have dialled them, each takes the other for the server. It names the server and not the connection: all that one agent opens to another's certificate are called the same. The class library does not give
    /// <c>tls-exporter</c> (RFC 9266), which tells those apart too; who has it from elsewhere uses that.
    /// </summary>
    /// <param name="connection">After its handshake.</param>
    /// <param name="self">This agent.</param>
    /// <param name="peer">Whom it means to meet at the other end.</param>
    /// <exception cref="InvalidOperationException">No server has shown a certificate on it.</exception>
    public static byte[] Of(SslStream connection, SubjectId self, SubjectId peer)
    {
        var shown = (connection.IsServer ? connection.LocalCertificate : connection.RemoteCertificate) ?? throw new InvalidOperationException("The connection has no server certificate: its handshake is not done.");
        var der = shown.GetRawCertData();
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        var hash = certificate.SignatureAlgorithm.Value is var algorithm && Sha384.Contains(algorithm) ? SHA384.HashData(der) : Sha512.Contains(algorithm) ? SHA512.HashData(der) : SHA256.HashData(der);
        return [.. "tls-server-end-point:"u8, .. hash, .. (connection.IsServer ? self : peer).ToArray()];
    }
}
