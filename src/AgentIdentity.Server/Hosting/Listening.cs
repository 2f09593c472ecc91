using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Options;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace AgentIdentity.Server.Hosting;

/// <summary>The four listeners and the bounds of their connections.</summary>
internal static class Listening
{
    public static void Configure(KestrelServerOptions kestrel, ServerOptions options, Certificates? certificates)
    {
        Bound(kestrel);
        // In the order of the ready line, which reads the bound addresses back in it. Each has a part of what may be open for itself, so that who fills one keeps nobody from another; half is left.
        Listen(kestrel, options.Grpc, Listeners.Grpc, HttpProtocols.Http2, certificates, OpenFiles.Connections(part: 4));
        Listen(kestrel, options.Http, Listeners.Http, HttpProtocols.Http1AndHttp2, certificates, OpenFiles.Connections(part: 8));
        Listen(kestrel, options.Control, Listeners.Control, HttpProtocols.Http2, certificates, OpenFiles.Connections(part: 16));
        Listen(kestrel, options.Console, Listeners.Console, HttpProtocols.Http1AndHttp2, certificates, OpenFiles.Connections(part: 16));
    }

    /// <summary>Before a data folder is made or opened: nothing is founded by a start that cannot serve.</summary>
    /// <exception cref="IOException">An address cannot be listened on, and the message names its option.</exception>
    public static void RequireFree(ServerOptions options)
    {
        var held = new List<Socket>();
        try
        {
            foreach (var (name, address) in new[] { ("--grpc", options.Grpc), ("--http", options.Http), ("--control", options.Control), ("--console", options.Console) })
            {
                var socket = new Socket(address.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                held.Add(socket);
                Take(socket, name, address);
            }
        }
        finally
        {
            held.ForEach(socket => socket.Dispose());
        }
    }

    private static void Take(Socket socket, string name, HostPort address)
    {
        try
        {
            socket.Bind(address.EndPoint);
            // Two that are only bound do not keep each other out.
            socket.Listen();
        }
        catch (SocketException failure)
        {
            var why = failure.SocketErrorCode == SocketError.AddressAlreadyInUse ? "address already in use" : failure.Message;
            throw new IOException($"{name} {address} cannot be opened ({why}): end what listens there, or choose another address.", failure);
        }
    }

    private static void Bound(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // Who speaks https to a proxy that ends TLS says so in :scheme, and HAProxy and Envoy pass that on. Nothing here is decided by it: proofs name the public URL.
        kestrel.AllowAlternateSchemes = true;
        // HTTP lets a value be any bytes. Read as UTF-8, one that is none ends the connection, with every other call on it: behind a proxy those are other people's. All that is read here is ASCII.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = null; // gRPC counts messages, and streams have no end; whoever takes a body over HTTP reads no more than it can be.
        limits.MaxRequestHeadersTotalSize = Limits.HeadersBytesMax;
        limits.MinRequestBodyDataRate = new MinDataRate(Limits.BodyBytesPerSecondMin, Limits.BodyGrace);
        limits.MinResponseDataRate = new MinDataRate(Limits.BodyBytesPerSecondMin, Limits.BodyGrace);
        limits.Http2.MaxStreamsPerConnection = Limits.StreamsPerConnectionMax;
        limits.Http2.MaxRequestHeaderFieldSize = Limits.HeadersBytesMax;
        limits.Http2.KeepAlivePingDelay = Limits.KeepAlivePingDelay;
        limits.Http2.KeepAlivePingTimeout = Limits.KeepAlivePingTimeout;
    }

    private static void Listen(KestrelServerOptions kestrel, HostPort address, Listeners listener, HttpProtocols protocols, Certificates? certificates, int connectionsMax) =>
        kestrel.Listen(address.EndPoint, listen =>
        {
            // Before TLS, which costs more than to be hung up on.
            listen.HoldAtMost(connectionsMax);
            // Without TLS nothing negotiates, and HTTP/1.1 is what browsers and probes speak.
            listen.Protocols = certificates is null && protocols == HttpProtocols.Http1AndHttp2 ? HttpProtocols.Http1 : protocols;
            if (certificates is not null)
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(Tls(certificates)) });
            listen.Tag(listener);
        });

    private static void HoldAtMost(this ListenOptions listen, int connectionsMax)
    {
        var held = 0;
        listen.Use(next => async connection =>
        {
            try
            {
                if (Interlocked.Increment(ref held) <= connectionsMax)
                    await next(connection);
                else
                    connection.Abort();
            }
            finally
            {
                Interlocked.Decrement(ref held);
            }
        });
    }

    private static SslServerAuthenticationOptions Tls(Certificates certificates) => new()
    {
        ServerCertificateContext = certificates.Current,
        ClientCertificateRequired = true,
        // What is accepted here is a client's certificate, and it stands for its key alone: TLS proves the key, and who that is, is asked of the
        // ledger. So no authority needs to have signed it, and there may be none.
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
    };
}
