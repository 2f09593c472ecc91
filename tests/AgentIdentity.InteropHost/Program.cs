using System.CommandLine;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.InteropHost;
using AgentIdentity.Server.Grpc.Deadlines;
using Microsoft.AspNetCore.Server.Kestrel.Core;

// Serves the public gRPC interoperability tests on loopback, so that other gRPC stacks can judge ours.
var port = new Option<int?>("--port") { Description = "Cleartext HTTP/2 here; 0 picks a free port." };
var tlsPort = new Option<int?>("--tls-port") { Description = "TLS here; 0 picks a free port." };
var cert = new Option<FileInfo?>("--cert") { Description = "The certificate for TLS, PEM." };
var key = new Option<FileInfo?>("--key") { Description = "Its private key, PEM." };
var command = new RootCommand("Serves grpc.testing.TestService.") { port, tlsPort, cert, key };
command.Validators.Add(result =>
{
    if (result.GetValue(port) is null && result.GetValue(tlsPort) is null)
        result.AddError("Say --port or --tls-port.");
    if (result.GetValue(tlsPort) is not null && (result.GetValue(cert) is null || result.GetValue(key) is null))
        result.AddError("--tls-port needs --cert and --key.");
});
command.SetAction((arguments, cancellation) => ServeAsync(
    arguments.GetValue(port), arguments.GetValue(tlsPort), arguments.GetValue(cert), arguments.GetValue(key), cancellation));
return await command.Parse(args).InvokeAsync();

static async Task ServeAsync(int? port, int? tlsPort, FileInfo? cert, FileInfo? key, CancellationToken cancellation)
{
    // large_unary and its kin need more than the registry allows; the bound on what a response may ask for is in InteropService.
    const int MessageBytesMax = 16 * 1024 * 1024;

    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
    builder.WebHost.UseKestrelHttpsConfiguration();
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        if (port is { } cleartext)
            kestrel.Listen(IPAddress.Loopback, cleartext, listener => listener.Protocols = HttpProtocols.Http2);
        if (tlsPort is { } secure)
            kestrel.Listen(IPAddress.Loopback, secure, listener => Secure(listener, cert!, key!));
    });
    builder.Services.AddSingleton<InteropService>();
    builder.Services.AddSingleton(TimeProvider.System);
    builder.Services.AddGrpc(grpc =>
    {
        grpc.Interceptors.Add<DeadlineInterceptor>();
        grpc.MaxReceiveMessageSize = MessageBytesMax;
        grpc.MaxSendMessageSize = MessageBytesMax;
        grpc.CompressionProviders = [new WatchedGzip()];
    });

    await using var app = builder.Build();
    app.Use(next => DeadlineInterceptor.TakeOver(next, TimeProvider.System));
    app.Use(WatchedGzip.WatchAsync);
    app.MapGrpcService<InteropService>();
    await app.StartAsync(cancellation);
    Console.WriteLine(ReadyLine(app));
    await app.WaitForShutdownAsync(cancellation);
}

static void Secure(ListenOptions listener, FileInfo cert, FileInfo key)
{
    listener.Protocols = HttpProtocols.Http2;
    listener.UseHttps(X509Certificate2.CreateFromPemFile(cert.FullName, key.FullName));
}

static string ReadyLine(WebApplication app) => string.Join(
    ' ', app.Urls.Select(address => new Uri(address)).Select(uri => $"{(uri.Scheme == "https" ? "tls-port" : "port")}={uri.Port}").Prepend("ready"));
