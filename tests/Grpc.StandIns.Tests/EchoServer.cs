using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.StandIns.Tests;

/// <summary>The echo service on a free port of loopback. A test replaces the handler whose behaviour it is about.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly X509Certificate2? certificate;

    private EchoServer(WebApplication app, X509Certificate2? certificate)
    {
        this.app = app;
        this.certificate = certificate;
    }

    public string Address => app.Urls.Single();

    public static async Task<EchoServer> StartAsync(Handlers? handlers = null, Action<GrpcServiceOptions>? options = null, bool mutualTls = false)
    {
        var certificate = mutualTls ? CertificateFor("localhost") : null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton(handlers ?? new Handlers());
        builder.Services.AddGrpc(grpc => options?.Invoke(grpc));
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener =>
        {
            listener.Protocols = HttpProtocols.Http2;
            if (certificate is not null)
                listener.UseHttps(certificate, tls => RequireClientCertificate(tls));
        }));
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        return new EchoServer(app, certificate);
    }

    /// <summary>A certificate that signs itself; both sides of a test know the other's.</summary>
    public static X509Certificate2 CertificateFor(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
    }

    public GrpcChannel Channel(GrpcChannelOptions? options = null) => GrpcChannel.ForAddress(Address, options ?? new GrpcChannelOptions());

    public Echo.EchoClient Client() => new(Channel());

    /// <summary>A channel that shows a client certificate and accepts exactly this server's.</summary>
    public GrpcChannel ChannelAs(X509Certificate2 client)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.ClientCertificates = [client];
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == certificate!.GetCertHashString();
        return Channel(new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private static void RequireClientCertificate(HttpsConnectionAdapterOptions tls)
    {
        tls.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        tls.AllowAnyClientCertificate();
    }

    internal sealed class Handlers
    {
        public UnaryServerMethod<Message, Message> Unary { get; init; } = (request, _) => Task.FromResult(request);

        public ClientStreamingServerMethod<Message, Message> ClientStreaming { get; init; } = async (requests, _) =>
            new Message { Text = string.Join(",", await requests.ReadAllAsync().Select(message => message.Text).ToListAsync()) };

        public ServerStreamingServerMethod<Message, Message> ServerStreaming { get; init; } = async (request, responses, _) =>
        {
            foreach (var part in request.Text.Split(','))
                await responses.WriteAsync(new Message { Text = part });
        };

        public DuplexStreamingServerMethod<Message, Message> DuplexStreaming { get; init; } = async (requests, responses, context) =>
        {
            await foreach (var message in requests.ReadAllAsync())
                await responses.WriteAsync(message, context.CancellationToken);
        };
    }

    private sealed class Service(Handlers handlers) : Echo.EchoBase
    {
        public override Task<Message> Unary(Message request, ServerCallContext context) => handlers.Unary(request, context);

        public override Task<Message> ClientStreaming(IAsyncStreamReader<Message> requestStream, ServerCallContext context) =>
            handlers.ClientStreaming(requestStream, context);

        public override Task ServerStreaming(Message request, IServerStreamWriter<Message> responseStream, ServerCallContext context) =>
            handlers.ServerStreaming(request, responseStream, context);

        public override Task DuplexStreaming(IAsyncStreamReader<Message> requestStream, IServerStreamWriter<Message> responseStream, ServerCallContext context) =>
            handlers.DuplexStreaming(requestStream, responseStream, context);
    }
}
