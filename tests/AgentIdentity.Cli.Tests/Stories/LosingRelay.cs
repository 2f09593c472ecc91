using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>Stands between agentid and a registry, and cuts the connection when the answer to a call comes: what it asked for is done, and nobody hears of it.</summary>
internal sealed class LosingRelay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _open = [];
    private readonly int _target;
    private readonly string _method;
    private readonly int _lost;
    private int _seen;

    /// <param name="targetUrl">The registry's listener, without TLS.</param>
    /// <param name="method">For example Control/Stop.</param>
    /// <param name="lost">Which call to it gets no answer, counted from 1 over all connections. What takes a nonce is sent twice over a new connection.</param>
    public LosingRelay(string targetUrl, string method, int lost)
    {
        (_target, _method, _lost) = (new Uri(targetUrl).Port, $"/agentidentity.v1.{method}", lost);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    /// <summary>The words with this relay in the place of what it stands before.</summary>
    public string[] Before(IEnumerable<string> settings) => [.. settings.Select(word => word.StartsWith("http", StringComparison.Ordinal) && new Uri(word).Port == _target ? Url : word)];

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var one in _open)
            one.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var (client, server, answers) = (await _listener.AcceptTcpClientAsync(), new TcpClient(), new Answers());
                _open.Add(client);
                _open.Add(server);
                await server.ConnectAsync(IPAddress.Loopback, _target);
                _ = UntilOneHasGoneAsync(() => PassCallsAsync(client, server, answers));
                _ = UntilOneHasGoneAsync(() => PassAnswersAsync(server, client, answers));
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // The test is.
        }
    }

    private async Task PassCallsAsync(TcpClient client, TcpClient server, Answers answers)
    {
        var piece = new byte[64 * 1024];
        while (await client.GetStream().ReadAsync(piece) is > 0 and var read)
        {
            // A call names its method in the open.
            if (Encoding.Latin1.GetString(piece, 0, read).Contains(_method, StringComparison.Ordinal) && Interlocked.Increment(ref _seen) == _lost)
                answers.AreLost = true;
            await server.GetStream().WriteAsync(piece.AsMemory(0, read));
        }
        server.Dispose();
    }

    // HTTP/2, frame by frame: the length in three bytes, the type, five bytes more.
    private static async Task PassAnswersAsync(TcpClient server, TcpClient client, Answers answers)
    {
        const byte headers = 1;
        var head = new byte[9];
        while (true)
        {
            await server.GetStream().ReadExactlyAsync(head);
            var content = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
            await server.GetStream().ReadExactlyAsync(content);
            if (answers.AreLost && head[3] == headers)
                client.Dispose();
            await client.GetStream().WriteAsync((byte[])[.. head, .. content]);
        }
    }

    private static async Task UntilOneHasGoneAsync(Func<Task> pass)
    {
        try
        {
            await pass();
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The other direction ends by itself.
        }
    }

    private sealed class Answers
    {
        public volatile bool AreLost;
    }
}
