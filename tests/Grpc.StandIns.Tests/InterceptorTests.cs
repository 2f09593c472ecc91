using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Grpc.StandIns.Tests;

public sealed class InterceptorTests
{
    private static readonly Message Hello = new() { Text = "hello" };

    [Fact]
    public async Task The_first_interceptor_of_a_client_sees_a_call_first()
    {
        List<string> seen = [];
        await using var server = await EchoServer.StartAsync();
        var client = new Echo.EchoClient(server.Channel().Intercept(new Recorder("first", seen), new Recorder("second", seen)));
        await CallEveryKindAsync(client);
        string[] kinds = ["unary", "blocking", "client", "server", "duplex"];
        Assert.Equal(kinds.SelectMany(kind => (string[])[$"first {kind}", $"second {kind}"]), seen);
    }

    [Fact]
    public async Task An_interceptor_that_overrides_nothing_changes_nothing()
    {
        await using var server = await EchoServer.StartAsync(options: grpc => grpc.Interceptors.Add<Silent>());
        await CallEveryKindAsync(new Echo.EchoClient(server.Channel().Intercept(new Silent())));
    }

    [Fact]
    public async Task An_interceptor_of_the_server_sees_every_kind_of_call()
    {
        List<string> seen = [];
        await using var server = await EchoServer.StartAsync(options: grpc => grpc.Interceptors.Add<Recorder>("server", seen));
        await CallEveryKindAsync(server.Client());
        Assert.Equal(["server unary", "server unary", "server client", "server server", "server duplex"], seen);
    }

    [Fact]
    public async Task A_change_of_headers_is_sent()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, context) => Task.FromResult(new Message { Text = context.RequestHeaders.GetValue("added") ?? "nothing" }),
        });
        using var channel = server.Channel();
        var invoker = channel.Intercept(headers => [.. headers, new Metadata.Entry("added", $"{headers.Count} before")]);
        var client = new Echo.EchoClient(invoker);
        Assert.Equal("0 before", (await client.UnaryAsync(Hello)).Text);
        Assert.Equal("1 before", (await client.UnaryAsync(Hello, new Metadata { { "k", "v" } })).Text);
    }

    [Fact]
    public void A_client_names_another_host_in_every_call_when_told_to()
    {
        var invoker = new HostRecorder();
        var client = new Echo.EchoClient(invoker);
        client.Unary(Hello);
        client.WithHost("elsewhere").Unary(Hello);
        client.WithHost("elsewhere").WithHost("third").Unary(Hello);
        Assert.Equal([null, "elsewhere", "third"], invoker.Hosts);
        Assert.Throws<ArgumentNullException>(() => client.WithHost(null!));
    }

    [Fact]
    public void A_client_without_a_channel_makes_no_call()
    {
        var client = new Unconnected();
        Assert.Throws<NotImplementedException>(() => client.Unary(Hello));
        Assert.Throws<NotImplementedException>(() => client.UnaryAsync(Hello));
        Assert.Throws<NotImplementedException>(() => client.ClientStreaming());
        Assert.Throws<NotImplementedException>(() => client.ServerStreaming(Hello));
        Assert.Throws<NotImplementedException>(() => client.DuplexStreaming());
    }

    [Fact]
    public void Nothing_null_stands_before_an_invoker()
    {
        var invoker = new HostRecorder();
        Assert.Throws<ArgumentNullException>(() => invoker.Intercept((Interceptor)null!));
        Assert.Throws<ArgumentNullException>(() => invoker.Intercept((Func<Metadata, Metadata>)null!));
        Assert.Throws<ArgumentNullException>(() => ((CallInvoker)null!).Intercept(new Silent()));
        Assert.Same(invoker, invoker.Intercept());
    }

    private static async Task CallEveryKindAsync(Echo.EchoClient client)
    {
        Assert.Equal(Hello, await client.UnaryAsync(Hello));
        Assert.Equal(Hello, await Task.Run(() => client.Unary(Hello)));
        using var up = client.ClientStreaming();
        await up.RequestStream.CompleteAsync();
        Assert.Equal("", (await up).Text);
        using var down = client.ServerStreaming(Hello);
        Assert.Equal([Hello], await down.ResponseStream.ReadAllAsync().ToListAsync());
        using var both = client.DuplexStreaming();
        await both.RequestStream.CompleteAsync();
        Assert.Empty(await both.ResponseStream.ReadAllAsync().ToListAsync());
    }

    private sealed class Silent : Interceptor;

    private sealed class Unconnected : Echo.EchoClient;

    private sealed class Recorder(string name, List<string> seen) : Interceptor
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} blocking");
            return continuation(request, context);
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} unary");
            return continuation(request, context);
        }

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} client");
            return continuation(context);
        }

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} server");
            return continuation(request, context);
        }

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} duplex");
            return continuation(context);
        }

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} unary");
            return continuation(request, context);
        }

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} client");
            return continuation(requestStream, context);
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
            ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} server");
            return continuation(request, responseStream, context);
        }

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
            DuplexStreamingServerMethod<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} duplex");
            return continuation(requestStream, responseStream, context);
        }
    }

    private sealed class HostRecorder : CallInvoker
    {
        public List<string?> Hosts { get; } = [];

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            Hosts.Add(host);
            return (TResponse)(object)request;
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();
    }
}
