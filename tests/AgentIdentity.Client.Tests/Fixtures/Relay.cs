using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace AgentIdentity.Client.Tests.Fixtures;

/// <summary>Passes bytes on between a client and a server. What is frozen stays open and carries nothing any more, as when the machine behind it has lost its power; new connections are served.</summary>
internal sealed class Relay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _open = [];
    private readonly int _port;
    private volatile int _freezes;

    public Relay(string serverUrl)
    {
        _port = new Uri(serverUrl).Port;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    public void Freeze() => Interlocked.Increment(ref _freezes);

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var one in _open)
            one.Dispose();
    }

    // Ends with an exception that nobody sees, when the listener is disposed of.
    private async Task AcceptAsync()
    {
        while (true)
        {
            var (client, server) = (await _listener.AcceptTcpClientAsync(), new TcpClient());
            _open.Add(client);
            _open.Add(server);
            await server.ConnectAsync(IPAddress.Loopback, _port);
            var freezes = _freezes;
            _ = PassAsync(client, server, freezes);
            _ = PassAsync(server, client, freezes);
        }
    }

    private async Task PassAsync(TcpClient from, TcpClient to, int freezes)
    {
        var piece = new byte[16 * 1024];
        while (await from.GetStream().ReadAsync(piece) is > 0 and var read)
        {
            // When frozen, taken and lost.
            if (_freezes == freezes)
                await to.GetStream().WriteAsync(piece.AsMemory(0, read));
        }
        if (_freezes == freezes)
            to.Close();
    }
}
