using System.Net;
using System.Net.WebSockets;
using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Watch;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using LedgerService = AgentIdentity.Protocol.V1.Ledger;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Client.Tests.Enforcing;

/// <summary>What two agents have open at a guarded tool when one of them is stopped: its own ends, and the other's, over the same connection where there is one, goes on.</summary>
public sealed class OpenCallTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly ByteString Said = ByteString.CopyFromUtf8("said");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-tool-");
    private readonly ScriptedRegistry _registry = new(TimeProvider.System);
    private readonly Caller _stopped = new(ScriptedRegistry.Id(100), PrivateKey.Generate(KeyAlgorithm.ES256));
    private readonly Caller _other = new(ScriptedRegistry.Id(101), PrivateKey.Generate(KeyAlgorithm.Ed25519));
    private WatchHost _host = null!;
    private WebApplication _tool = null!;
    private GrpcChannel _channel = null!;

    // The first answers HTTP/1.1, the second HTTP/2: without TLS nobody can ask which.
    private Uri[] Addresses => [.. _tool.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address))];

    public async Task InitializeAsync()
    {
        using var toolKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        await File.WriteAllBytesAsync(Path.Combine(_folder.FullName, "key"), toolKey.ToKeyFile(""));
        _host = await WatchHost.StartAsync(_registry);
        _tool = await StartToolAsync();
        foreach (var caller in new[] { _stopped, _other })
            caller.Credential = _registry.Issue(caller.Key.PublicKey, caller.Id);
        // Proofs made in the second in which the tool started may be from before.
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        _channel = GrpcChannel.ForAddress(Addresses[1]);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _tool.DisposeAsync();
        await _host.DisposeAsync();
        _stopped.Key.Dispose();
        _other.Key.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_server_stream_ends_when_its_agent_is_stopped_and_anothers_goes_on()
    {
        using var stopped = LedgerOf(_stopped).WatchCheckpoints(new WatchCheckpointsRequest());
        using var other = LedgerOf(_other).WatchCheckpoints(new WatchCheckpointsRequest());
        Assert.True(await stopped.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
        Assert.True(await other.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
        await StopAsync();
        await Assert.ThrowsAsync<RpcException>(() => stopped.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
        _tool.Services.GetRequiredService<Streams>().GoOn();
        Assert.True(await other.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
    }

    [Fact]
    public async Task A_duplex_stream_ends_when_its_agent_is_stopped_and_anothers_goes_on()
    {
        using var stopped = AccessOf(_stopped).Watch();
        using var other = AccessOf(_other).Watch();
        await SayAsync(stopped);
        await SayAsync(other);
        await StopAsync();
        await Assert.ThrowsAsync<RpcException>(() => stopped.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
        await SayAsync(other);
    }

    [Fact]
    public async Task A_web_socket_ends_when_its_agent_is_stopped_and_anothers_goes_on()
    {
        using var stopped = await OpenSocketAsync(_stopped);
        using var other = await OpenSocketAsync(_other);
        await SayAsync(stopped);
        await SayAsync(other);
        await StopAsync();
        await Assert.ThrowsAsync<WebSocketException>(() => stopped.ReceiveAsync(new byte[16], CancellationToken.None).WaitAsync(Patience));
        await SayAsync(other);
    }

    [Fact]
    public async Task A_duplex_call_that_was_ended_before_its_first_answer_is_ended_when_it_is_sent_again()
    {
        using var call = AccessOf(_other).Watch();
        await call.RequestStream.WriteAsync(new EnforcerMessage());
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
        Assert.False(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
    }

    [Fact]
    public async Task Of_a_duplex_call_that_would_have_to_be_sent_again_no_message_is_lost_without_a_word()
    {
        using var call = AccessOf(_other).Watch();
        await call.RequestStream.WriteAsync(new EnforcerMessage());
        // The tool may have refused the first already.
        await Record.ExceptionAsync(() => call.RequestStream.WriteAsync(new EnforcerMessage()));
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
    }

    [Fact]
    public async Task A_web_socket_is_opened_as_any_request_is()
    {
        using var http = new HttpMessageInvoker(new AgentHttpHandler(_other.Key, _ => ValueTask.FromResult(_other.Credential)));
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(Addresses[0]) { Scheme = "ws", Path = "/socket" }.Uri, http, CancellationToken.None).WaitAsync(Patience);
        await SayAsync(socket);
    }

    [Fact]
    public async Task Whoever_is_stopped_begins_none_of_them()
    {
        await StopAsync();
        using var stream = LedgerOf(_stopped).WatchCheckpoints(new WatchCheckpointsRequest());
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(CancellationToken.None))).StatusCode);
        using var duplex = AccessOf(_stopped).Watch();
        await duplex.RequestStream.WriteAsync(new EnforcerMessage());
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => duplex.ResponseStream.MoveNext(CancellationToken.None))).StatusCode);
        await Assert.ThrowsAsync<WebSocketException>(() => OpenSocketAsync(_stopped));
    }

    private LedgerService.LedgerClient LedgerOf(Caller caller) => new(_channel.Intercept(caller.Interceptor(Addresses[1])));

    private Access.AccessClient AccessOf(Caller caller) => new(_channel.Intercept(caller.Interceptor(Addresses[1])));

    private static async Task SayAsync(AsyncDuplexStreamingCall<EnforcerMessage, RegistryMessage> call)
    {
        await call.RequestStream.WriteAsync(new EnforcerMessage()).WaitAsync(Patience);
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
    }

    private static async Task SayAsync(WebSocket socket)
    {
        var heard = new byte[16];
        await socket.SendAsync(Said.Memory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).AsTask().WaitAsync(Patience);
        var received = await socket.ReceiveAsync(heard, CancellationToken.None).WaitAsync(Patience);
        Assert.Equal(Said.ToByteArray(), heard[..received.Count]);
    }

    private async Task<ClientWebSocket> OpenSocketAsync(Caller caller)
    {
        var url = new Uri(Addresses[0], "/socket");
        using var http = new HttpClient();
        var nonce = (await http.GetAsync(url)).Headers.GetValues("DPoP-Nonce").Single();
        var binding = new RequestBinding("GET", url.ToString(), nonce, Sha256.Hash(Encoding.ASCII.GetBytes(caller.Credential)).ToBase64Url());
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"DPoP {caller.Credential}");
        socket.Options.SetRequestHeader("DPoP", KeyProof.Create(caller.Key, binding, TimeProvider.System.GetUtcNow()));
        await socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws" }.Uri, CancellationToken.None).WaitAsync(Patience);
        return socket;
    }

    private async Task StopAsync()
    {
        _host.Send(registry => registry.Stop(Scope.Agent(_stopped.Id)).Delta);
        while ((await _host.Acknowledged.Reader.ReadAsync().AsTask().WaitAsync(Patience)).Epoch != _registry.Epoch)
        {
        }
    }

    private async Task<WebApplication> StartToolAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<Streams>();
        builder.Services.AddAgentIdentity(options =>
        {
            options.RegistryUrl = _host.GrpcUrl;
            options.RegistryPublicUrl = ScriptedRegistry.PublicUrl;
            options.Audience = ScriptedRegistry.Audience;
            options.KeyFile = Path.Combine(_folder.FullName, "key");
        });
        var tool = builder.Build();
        tool.UseAgentIdentity();
        tool.UseWebSockets();
        tool.MapGrpcService<Streams>().RequireAgent("tool", "read", $"{ScriptedRegistry.Audience}/streams");
        tool.MapGrpcService<Duplexes>().RequireAgent("tool", "read", $"{ScriptedRegistry.Audience}/duplexes");
        tool.MapGet("/socket", EchoAsync).RequireAgent("tool", "read", $"{ScriptedRegistry.Audience}/socket");
        await tool.StartAsync();
        return tool;
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[16];
        for (WebSocketReceiveResult heard; (heard = await socket.ReceiveAsync(buffer, context.RequestAborted)).MessageType != WebSocketMessageType.Close;)
            await socket.SendAsync(buffer.AsMemory(0, heard.Count), heard.MessageType, heard.EndOfMessage, context.RequestAborted);
    }

    private sealed record Caller(SubjectId Id, PrivateKey Key)
    {
        public string Credential { get; set; } = "";

        public AgentCallInterceptor Interceptor(Uri tool) => new(Key, _ => ValueTask.FromResult(Credential), tool.GetLeftPart(UriPartial.Authority));
    }

    /// <summary>Says something at once, and something more when it is let go on.</summary>
    private sealed class Streams : LedgerService.LedgerBase
    {
        private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void GoOn() => _goOn.SetResult();

        public override async Task WatchCheckpoints(WatchCheckpointsRequest request, IServerStreamWriter<WatchCheckpointsResponse> responseStream, ServerCallContext context)
        {
            await responseStream.WriteAsync(new WatchCheckpointsResponse());
            await _goOn.Task.WaitAsync(context.CancellationToken);
            await responseStream.WriteAsync(new WatchCheckpointsResponse());
        }
    }

    /// <summary>Answers each message.</summary>
    private sealed class Duplexes : Access.AccessBase
    {
        public override async Task Watch(IAsyncStreamReader<EnforcerMessage> requestStream, IServerStreamWriter<RegistryMessage> responseStream, ServerCallContext context)
        {
            while (await requestStream.MoveNext(context.CancellationToken))
                await responseStream.WriteAsync(new RegistryMessage());
        }
    }
}
