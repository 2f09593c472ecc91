using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>An OpenTelemetry collector that keeps what it is sent over gRPC, and says that all was well.</summary>
public sealed class Collector : IAsyncDisposable
{
    // A frame that holds the empty message: nothing was rejected.
    private static readonly byte[] AllAccepted = new byte[5];

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Export> _exports = [];

    private Collector()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        _app.Run(KeepAsync);
    }

    /// <summary>What arrived, oldest first. The text is that of the message's bytes: names stand in it as they are.</summary>
    public IReadOnlyCollection<Export> Exports => _exports;

    public string Url => _app.Urls.Single();

    public static async Task<Collector> StartAsync()
    {
        var collector = new Collector();
        await collector._app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task KeepAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        _exports.Enqueue(new Export(context.Request.Path, context.Request.ContentType, Encoding.Latin1.GetString(body.ToArray())));
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        await context.Response.Body.WriteAsync(AllAccepted, context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    /// <summary>One request of an exporter.</summary>
    public sealed record Export(string Path, string? ContentType, string Text);
}
