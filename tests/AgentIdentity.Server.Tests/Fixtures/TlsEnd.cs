using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>Where TLS ends before a server without it, as at a proxy: what comes inside goes on as it is.</summary>
internal sealed class TlsEnd : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SslServerAuthenticationOptions _tls;
    private readonly int _target;

    /// <param name="targetUrl">The server's listener.</param>
    public TlsEnd(X509Certificate2 certificate, string targetUrl)
    {
        (_tls, _target) = (new() { ServerCertificate = certificate, ApplicationProtocols = [SslApplicationProtocol.Http2] }, new Uri(targetUrl).Port);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"https://{_listener.LocalEndpoint}";

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = PassAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // The test is.
        }
    }

    private async Task PassAsync(TcpClient accepted)
    {
        using (accepted)
        using (var server = new TcpClient())
        await using (var client = new SslStream(accepted.GetStream()))
        {
            await client.AuthenticateAsServerAsync(_tls);
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAny(client.CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(client));
        }
    }
}
