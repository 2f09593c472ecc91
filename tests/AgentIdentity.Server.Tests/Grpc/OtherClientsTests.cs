using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using Google.Rpc;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>What clients that are not ours meet, and have the pages alone to know it from.</summary>
public sealed class OtherClientsTests
{
    private const string Probe = "/grpc.health.v1.Health/Check";
    private const int Rounds = 40;
    private const int CallsBetween = 5;

    [Fact]
    public async Task A_call_needs_a_deadline_and_a_probe_none()
    {
        await using var registry = await TestRegistry.StartAsync();
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        var refused = await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Registry.RegistryClient(channel).BeginEnrollAsync(new BeginEnrollRequest()).ResponseAsync);
        Assert.Equal((StatusCode.InvalidArgument, "DEADLINE_MISSING"), (refused.StatusCode, Refused.NameOf(refused)));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest())).Status);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc-web+proto")]
    [InlineData("application/grpcx")]
    [InlineData(null)]
    public async Task Who_speaks_no_gRPC_gets_an_HTTP_status_that_it_cannot_take_for_success(string? contentType)
    {
        await using var registry = await TestRegistry.StartAsync();
        using var caller = new RawCaller(registry.GrpcUrl, registry.PublicUrl);
        foreach (var method in (string[])[Probe, "/agentidentity.v1.Registry/GetAgent", "/no.Such/Method"])
        {
            var answer = await caller.SendAsync(method, [], request => request.Content!.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType));
            Assert.Equal((method, HttpStatusCode.UnsupportedMediaType, null), (method, answer.Http, answer.Status));
        }
    }

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc; charset=utf-8")]
    [InlineData("Application/GRPC")]
    public async Task Whoever_says_more_of_its_gRPC_is_served(string contentType)
    {
        await using var registry = await TestRegistry.StartAsync();
        using var caller = new RawCaller(registry.GrpcUrl, registry.PublicUrl);
        Assert.Equal(StatusCode.OK, (await caller.SendAsync(Probe, [], request => request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType))).Status);
    }

    [Theory]
    [InlineData(Probe, 3)]
    [InlineData(Probe, 5)]
    [InlineData("/agentidentity.v1.Credentials/Verify", 3)]
    [InlineData("/agentidentity.v1.Ledger/WatchCheckpoints", 3)]
    [InlineData("/agentidentity.v1.Ledger/WatchCheckpoints", 5)]
    [InlineData("/agentidentity.v1.Ledger/ExportTrail", 3)]
    public async Task Whoever_never_says_its_message_or_never_ends_it_is_answered_and_ends_no_other_call_on_the_connection(string method, int length)
    {
        await using var registry = await TestRegistry.StartAsync();
        var connections = 0;
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellation) =>
            {
                connections++;
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl, new GrpcChannelOptions { HttpClient = client });
        var health = new Health.HealthClient(channel);
        using var watching = health.Watch(new HealthCheckRequest());
        Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));

        using var begun = new HttpRequestMessage(HttpMethod.Post, registry.GrpcUrl + method) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new Unfinished(new byte[length]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } } };
        begun.Headers.Add("grpc-timeout", "1H");
        using var answer = await client.SendAsync(begun).WaitAsync(Limits.BodyGrace * 6);

        var status = answer.Headers.TryGetValues("grpc-status", out var told) ? told.Single() : answer.TrailingHeaders.GetValues("grpc-status").Single();
        Assert.Equal(((int)StatusCode.DeadlineExceeded).ToString(), status);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest())).Status);
        Assert.Equal((1, false), (connections, watching.ResponseStream.MoveNext(CancellationToken.None).IsCompleted));
    }

    [Theory]
    [InlineData(Probe)]
    [InlineData("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")]
    public async Task A_message_marked_as_compressed_in_a_call_that_names_no_encoding_is_INTERNAL_as_gRPC_has_it(string method)
    {
        await using var registry = await TestRegistry.StartAsync();
        using var caller = new RawCaller(registry.GrpcUrl, registry.PublicUrl);
        var answer = await caller.SendAsync(method, [], request =>
            request.Content = new ByteArrayContent([1, 0, 0, 0, 0]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } });
        Assert.Equal(StatusCode.Internal, answer.Status);
        Assert.Contains("compressed", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_header_in_another_encoding_ends_no_other_call_on_its_connection()
    {
        await using var registry = await TestRegistry.StartAsync();
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { RequestHeaderEncodingSelector = (name, _) => name == "x-name" ? Encoding.Latin1 : null },
        });
        var health = new Health.HealthClient(channel);
        using var watch = health.Watch(new HealthCheckRequest());
        Assert.True(await watch.ResponseStream.MoveNext());

        using var cancellation = new CancellationTokenSource();
        await health.CheckAsync(new HealthCheckRequest(), new Metadata { { "x-name", "Zo\u00eb" } });
        var next = watch.ResponseStream.MoveNext(cancellation.Token);
        await health.CheckAsync(new HealthCheckRequest());
        Assert.False(next.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => next);
    }

    [Fact]
    public void No_message_has_the_name_of_what_generated_TypeScript_stands_on()
    {
        string[] builtIn =
        [
            "Array", "BigInt", "Boolean", "Buffer", "Date", "Error", "Exclude", "Function", "Iterable", "Map", "Math", "Number", "Object", "Omit", "Partial", "Pick", "Promise", "Readonly",
            "Record", "RegExp", "Required", "Set", "String", "Symbol", "Uint8Array",
        ];
        var files = Pipeline.Served.Where(file => file.Package == "agentidentity.v1").SelectMany(DescriptorIndex.WithImports);
        Assert.DoesNotContain(files.SelectMany(file => file.MessageTypes), message => builtIn.Contains(message.Name));
    }

    [Fact]
    public async Task A_gap_and_a_fork_are_told_where_the_chain_stands()
    {
        await using var registry = await TestRegistry.StartAsync();
        var agent = await registry.EnrolAsync();
        using var runtime = agent.Connect();
        var first = agent.NextStatement();
        await runtime.Ledger.RecordAsync(first);
        agent.NextStatement();

        var gap = await FactsAsync(runtime.Ledger.RecordAsync(agent.NextStatement()));
        var fork = await FactsAsync(runtime.Ledger.RecordAsync(new TestAgent(registry, agent.Key, agent.Enrolled).NextStatement(commitments: 2)));

        Assert.Equal(gap, fork);
        Assert.Equal("1", gap["next_sequence"]);
        Assert.Equal(Sha256.Hash(first.Statement.Span).ToBase64Url(), gap["previous"]);
    }

    [Fact]
    public async Task A_watch_that_the_registry_ends_reads_nothing_of_the_calls_that_come_after_it_on_its_connection()
    {
        await using var registry = await TestRegistry.StartAsync();
        var key = await registry.RegisterAsync(Role.Enforcer, "documents gateway");
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        var (watching, agents) = (new Access.AccessClient(channel), new Protocol.V1.Registry.RegistryClient(channel));
        for (var round = 0; round < Rounds; round++)
        {
            using var replaced = await WireEnforcer.BeginAsync(watching, key, registry.PublicUrl, [TestRegistry.Documents]);
            using var newer = await WireEnforcer.BeginAsync(watching, key, registry.PublicUrl, [TestRegistry.Documents]);
            await replaced.SendNoMoreAsync();
            var ended = await Assert.ThrowsAsync<RpcException>(() => replaced.UntilAsync(RegistryMessage.OfOneofCase.Unlogged));
            Assert.Equal((StatusCode.Aborted, "WATCH_REPLACED"), (ended.StatusCode, Refused.NameOf(ended)));
            for (var call = 0; call < CallsBetween; call++)
                await agents.ResolveDidAsync(new ResolveDidRequest { Did = "did:web:localhost%3A5000" }, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(1));
        }
    }

    [Fact]
    public async Task A_watch_on_which_nothing_can_be_said_reads_nothing_of_the_calls_that_come_after_it_on_its_connection()
    {
        await using var registry = await TestRegistry.StartAsync();
        var key = await registry.RegisterAsync(Role.Enforcer, "documents gateway");
        var enforcer = registry.Host.Registry.State.FindCaller(key.PublicKey.KeyId)!.Id;
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        var (watching, agents) = (new Access.AccessClient(channel), new Protocol.V1.Registry.RegistryClient(channel));
        for (var round = 0; round < Rounds; round++)
        {
            using var failing = await WireEnforcer.BeginAsync(watching, key, registry.PublicUrl, [TestRegistry.Documents]);
            // Of which no message can be made, as of a greeting whose terms the key does not sign.
            registry.Host.Registry.Watch.Watches.Find(enforcer)!.Post(new Delta("", null!));
            while (registry.Host.Registry.Watch.Watches.Find(enforcer) is not null)
                await Task.Delay(TimeSpan.FromMilliseconds(1));
            await failing.SendNoMoreAsync();
            var ended = await Assert.ThrowsAsync<RpcException>(() => failing.UntilAsync(RegistryMessage.OfOneofCase.Unlogged));
            Assert.Equal(StatusCode.Internal, ended.StatusCode);
            for (var call = 0; call < CallsBetween; call++)
                await agents.ResolveDidAsync(new ResolveDidRequest { Did = "did:web:localhost%3A5000" }, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(1));
        }
    }

    private static async Task<IDictionary<string, string>> FactsAsync(AsyncUnaryCall<RecordResponse> call)
    {
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => call.ResponseAsync);
        var details = Google.Rpc.Status.Parser.ParseFrom(((RpcException)refused.InnerException!).Trailers.GetValueBytes("grpc-status-details-bin"));
        return details.Details[0].Unpack<ErrorInfo>().Metadata;
    }

    // Says so much of its message, and then nothing for as long as it is let.
    private sealed class Unfinished(byte[] begun) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(begun);
            await stream.FlushAsync();
            await Task.Delay(Timeout.Infinite);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
