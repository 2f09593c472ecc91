using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.StandIns.Tests;

public sealed class CallTests
{
    [Fact]
    public async Task A_generated_client_reaches_a_generated_service()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        await using var app = builder.Build();
        app.MapGrpcService<EchoService>();
        await app.StartAsync();
        using var channel = GrpcChannel.ForAddress(app.Urls.First());
        Assert.Equal("hello", (await new Echo.EchoClient(channel).UnaryAsync(new Message { Text = "hello" })).Text);
    }

    private sealed class EchoService : Echo.EchoBase
    {
        public override Task<Message> Unary(Message request, ServerCallContext context) => Task.FromResult(request);
    }
}
