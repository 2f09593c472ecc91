using System.IO.Compression;
using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Grpc.Net.Compression;
using Microsoft.AspNetCore.Http;

namespace Grpc.StandIns.Tests;

/// <summary>The official server and client on the stand-ins, over real connections.</summary>
public sealed class CallTests
{
    private static readonly Message Hello = new() { Text = "hello" };

    [Fact]
    public async Task A_unary_call_brings_message_headers_and_trailers()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = async (request, context) =>
            {
                await context.WriteResponseHeadersAsync(new Metadata { { "seen", context.RequestHeaders.GetValue("sent")! } });
                context.ResponseTrailers.Add("bytes-bin", context.RequestHeaders.GetValueBytes("bytes-bin")!);
                return request;
            },
        });

        using var call = server.Client().UnaryAsync(Hello, new Metadata { { "sent", "text" }, { "bytes-bin", [0, 255, 10] } });

        Assert.Equal(Hello, await call);
        Assert.Equal("text", (await call.ResponseHeadersAsync).GetValue("seen"));
        Assert.Equal([0, 255, 10], call.GetTrailers().GetValueBytes("bytes-bin")!);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_blocking_call_answers_on_its_thread()
    {
        await using var server = await EchoServer.StartAsync();
        var client = server.Client();
        Assert.Equal(Hello, await Task.Run(() => client.Unary(Hello)));
    }

    [Fact]
    public async Task Client_server_and_duplex_streams_bring_every_message_in_order()
    {
        await using var server = await EchoServer.StartAsync();
        var client = server.Client();

        using var up = client.ClientStreaming();
        await up.RequestStream.WriteAsync(new Message { Text = "a" });
        await up.RequestStream.WriteAsync(new Message { Text = "b" }, CancellationToken.None);
        await up.RequestStream.CompleteAsync();
        Assert.Equal("a,b", (await up).Text);

        using var down = client.ServerStreaming(new Message { Text = "c,d,e" });
        Assert.Equal(["c", "d", "e"], await down.ResponseStream.ReadAllAsync().Select(m => m.Text).ToListAsync());

        using var both = client.DuplexStreaming();
        foreach (var text in (string[])["f", "g"])
        {
            await both.RequestStream.WriteAsync(new Message { Text = text });
            Assert.True(await both.ResponseStream.MoveNext());
            Assert.Equal(text, both.ResponseStream.Current.Text);
        }

        await both.RequestStream.CompleteAsync();
        Assert.False(await both.ResponseStream.MoveNext());
    }

    [Theory]
    [InlineData(StatusCode.Cancelled)]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.NotFound)]
    [InlineData(StatusCode.FailedPrecondition)]
    [InlineData(StatusCode.Unauthenticated)]
    public async Task A_refusal_arrives_with_code_text_and_details(StatusCode code)
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, _) => throw new RpcException(new Status(code, "why: ünïcode"), new Metadata { { "grpc-status-details-bin", [1, 2, 3] } }),
        });

        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().UnaryAsync(Hello));

        Assert.Equal((code, "why: ünïcode"), (refusal.StatusCode, refusal.Status.Detail));
        Assert.Equal([1, 2, 3], refusal.Trailers.GetValueBytes("grpc-status-details-bin")!);
    }

    [Fact]
    public async Task A_status_set_by_the_handler_arrives_without_an_exception_on_the_server()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            ServerStreaming = (_, _, context) =>
            {
                context.Status = new Status(StatusCode.ResourceExhausted, "enough");
                return Task.CompletedTask;
            },
        });
        using var call = server.Client().ServerStreaming(Hello);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal("enough", refusal.Status.Detail);
        Assert.Equal(StatusCode.ResourceExhausted, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_method_without_a_handler_is_unimplemented()
    {
        await using var server = await EchoServer.StartAsync();
        var client = new Elsewhere.ElsewhereClient(server.Channel());
        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await client.UnaryAsync(Hello));
        Assert.Equal(StatusCode.Unimplemented, refusal.StatusCode);
    }

    [Fact]
    public async Task A_deadline_ends_the_call_on_both_sides()
    {
        var seen = new TaskCompletionSource<DateTime>();
        await using var server = await EchoServer.StartAsync(new() { Unary = (_, context) => UntilCancelledAsync(context, seen) });
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(200);

        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().UnaryAsync(Hello, deadline: deadline));

        Assert.Equal(StatusCode.DeadlineExceeded, refusal.StatusCode);
        Assert.InRange(await seen.Task.WaitAsync(TimeSpan.FromSeconds(10)), deadline.AddMilliseconds(-500), deadline.AddSeconds(5));
    }

    [Fact]
    public async Task Cancelling_ends_the_call_on_both_sides()
    {
        var started = new TaskCompletionSource();
        var seen = new TaskCompletionSource<DateTime>();
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, context) =>
            {
                started.SetResult();
                return UntilCancelledAsync(context, seen);
            },
        });
        using var source = new CancellationTokenSource();
        var call = server.Client().UnaryAsync(Hello, cancellationToken: source.Token);
        await started.Task;
        await source.CancelAsync();

        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal(StatusCode.Cancelled, refusal.StatusCode);
        Assert.Equal(DateTime.MaxValue, await seen.Task.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Disposing_a_stream_cancels_it_on_the_server()
    {
        var seen = new TaskCompletionSource<DateTime>();
        await using var server = await EchoServer.StartAsync(new()
        {
            ServerStreaming = async (request, responses, context) =>
            {
                await responses.WriteAsync(request);
                await UntilCancelledAsync(context, seen);
            },
        });
        var call = server.Client().ServerStreaming(Hello);
        Assert.True(await call.ResponseStream.MoveNext());
        call.Dispose();
        await seen.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Messages_are_compressed_both_ways(string encoding)
    {
        string? requestEncoding = null;
        List<ICompressionProvider> providers = [new GzipCompressionProvider(CompressionLevel.Fastest), new DeflateCompressionProvider(CompressionLevel.Optimal)];
        await using var server = await EchoServer.StartAsync(
            new()
            {
                Unary = (request, context) =>
                {
                    requestEncoding = context.GetHttpContext().Request.Headers["grpc-encoding"];
                    return Task.FromResult(request);
                },
            },
            grpc =>
            {
                grpc.CompressionProviders = [.. providers];
                grpc.ResponseCompressionAlgorithm = encoding;
            });
        var recorder = new ResponseRecorder();
        using var channel = server.Channel(new GrpcChannelOptions
        {
            HttpHandler = recorder,
            DisposeHttpClient = true,
            CompressionProviders = providers,
        });
        var message = new Message { Text = new string('x', 10_000) };

        var answer = await new Echo.EchoClient(channel).UnaryAsync(message, new Metadata { { "grpc-internal-encoding-request", encoding } });

        Assert.Equal(message, answer);
        Assert.Equal(encoding, requestEncoding);
        Assert.Equal([encoding], recorder.Last!.Headers.GetValues("grpc-encoding"));
    }

    [Fact]
    public async Task A_retry_policy_tries_again()
    {
        var tries = 0;
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (request, _) => Interlocked.Increment(ref tries) < 3
                ? throw new RpcException(new Status(StatusCode.Unavailable, "not yet"))
                : Task.FromResult(request),
        });
        var retry = new RetryPolicy
        {
            MaxAttempts = 3,
            InitialBackoff = TimeSpan.FromMilliseconds(1),
            MaxBackoff = TimeSpan.FromMilliseconds(1),
            BackoffMultiplier = 1,
            RetryableStatusCodes = { StatusCode.Unavailable },
        };
        using var channel = server.Channel(new GrpcChannelOptions
        {
            ServiceConfig = new ServiceConfig { MethodConfigs = { new MethodConfig { Names = { MethodName.Default }, RetryPolicy = retry } } },
        });
        Assert.Equal(Hello, await new Echo.EchoClient(channel).UnaryAsync(Hello));
        Assert.Equal(3, tries);
    }

    [Fact]
    public async Task A_message_over_the_limit_is_refused()
    {
        await using var server = await EchoServer.StartAsync(options: grpc => grpc.MaxReceiveMessageSize = 1000);
        var client = server.Client();
        Assert.Equal(900, (await client.UnaryAsync(new Message { Text = new string('x', 900) })).Text.Length);
        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await client.UnaryAsync(new Message { Text = new string('x', 1001) }));
        Assert.Equal(StatusCode.ResourceExhausted, refusal.StatusCode);
    }

    [Fact]
    public async Task Call_credentials_reach_the_server_alone_composed_and_from_the_channel()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, context) => Task.FromResult(new Message { Text = context.RequestHeaders.GetValue("token") }),
        });
        var credentials = ChannelCredentials.Create(ChannelCredentials.Insecure, Token("channel"));
        using var channel = server.Channel(new GrpcChannelOptions { Credentials = credentials, UnsafeUseInsecureChannelCallCredentials = true });
        var client = new Echo.EchoClient(channel);
        Assert.Equal("channel", (await client.UnaryAsync(Hello)).Text);
        Assert.Equal("one, channel", (await client.UnaryAsync(Hello, new CallOptions(credentials: Token("one")))).Text);
        Assert.Equal("one, two, channel", (await client.UnaryAsync(Hello, new CallOptions(credentials: CallCredentials.Compose(Token("one"), Token("two"))))).Text);
    }

    [Fact]
    public async Task A_channel_says_where_it_stands()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = server.Channel();
        Assert.Equal(ConnectivityState.Idle, channel.State);
        await channel.ConnectAsync();
        Assert.Equal(ConnectivityState.Ready, channel.State);
        channel.Dispose();
        Assert.Equal(ConnectivityState.Shutdown, channel.State);
    }

    [Fact]
    public async Task A_client_certificate_becomes_the_peers_identity()
    {
        await using var server = await EchoServer.StartAsync(mutualTls: true, handlers: new()
        {
            Unary = (_, context) => Task.FromResult(new Message
            {
                Text = $"{context.AuthContext.IsPeerAuthenticated} {context.AuthContext.PeerIdentityPropertyName} {context.AuthContext.PeerIdentity.Single().Value}",
            }),
        });
        using var certificate = EchoServer.CertificateFor("agent-7");
        using var channel = server.ChannelAs(certificate);
        Assert.Equal("True x509_common_name agent-7", (await new Echo.EchoClient(channel).UnaryAsync(Hello)).Text);
    }

    [Fact]
    public async Task A_call_without_a_client_certificate_has_no_identity()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, context) => Task.FromResult(new Message { Text = $"{context.AuthContext.IsPeerAuthenticated} {context.Method} {context.Peer.Split(':')[0]}" }),
        });
        Assert.Equal("False /standins.test.Echo/Unary ipv4", (await server.Client().UnaryAsync(Hello)).Text);
    }

    private static CallCredentials Token(string value) => CallCredentials.FromInterceptor((context, metadata) =>
    {
        Assert.Equal("Unary", context.MethodName);
        metadata.Add("token", value);
        return Task.CompletedTask;
    });

    private static async Task<Message> UntilCancelledAsync(ServerCallContext context, TaskCompletionSource<DateTime> seen)
    {
        await using var registration = context.CancellationToken.Register(() => seen.SetResult(context.Deadline));
        await Task.Delay(Timeout.Infinite, context.CancellationToken);
        return Hello;
    }

    private sealed class ResponseRecorder() : DelegatingHandler(new SocketsHttpHandler())
    {
        public HttpResponseMessage? Last { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Last = await base.SendAsync(request, cancellationToken);
    }
}
