using Grpc.Core;

namespace Grpc.StandIns.Tests;

/// <summary>The call objects that a transport, or a test of somebody's own, makes by hand.</summary>
public sealed class CallObjectTests
{
    private static readonly Metadata Headers = [];
    private static readonly Metadata Trailers = [];
    private static readonly Status Outcome = new(StatusCode.Aborted, "lost");

    private readonly object state = new();
    private object? disposedWith;

    [Fact]
    public async Task A_unary_call_is_awaited_for_its_response()
    {
        using var plain = new AsyncUnaryCall<string>(Task.FromResult("a"), Task.FromResult(Headers), () => Outcome, () => Trailers, () => disposedWith = "nothing");
        Assert.Equal("a", await plain);
        Assert.Equal("a", await plain.ConfigureAwait(false));
        Assert.Equal("a", await plain.ResponseAsync);
        await AssertHandleAsync(plain.ResponseHeadersAsync, plain.GetStatus(), plain.GetTrailers(), plain, "nothing");

        using var stateful = new AsyncUnaryCall<string>(Task.FromResult("a"), HeadersOf, StatusOf, TrailersOf, Dispose, state);
        await AssertHandleAsync(stateful.ResponseHeadersAsync, stateful.GetStatus(), stateful.GetTrailers(), stateful, state);
    }

    [Fact]
    public async Task A_server_streaming_call_has_its_responses()
    {
        var responses = new Reader();
        using var plain = new AsyncServerStreamingCall<string>(responses, Task.FromResult(Headers), () => Outcome, () => Trailers, () => disposedWith = "nothing");
        Assert.Same(responses, plain.ResponseStream);
        await AssertHandleAsync(plain.ResponseHeadersAsync, plain.GetStatus(), plain.GetTrailers(), plain, "nothing");

        using var stateful = new AsyncServerStreamingCall<string>(responses, HeadersOf, StatusOf, TrailersOf, Dispose, state);
        await AssertHandleAsync(stateful.ResponseHeadersAsync, stateful.GetStatus(), stateful.GetTrailers(), stateful, state);
    }

    [Fact]
    public async Task A_client_streaming_call_has_its_requests_and_is_awaited_for_its_response()
    {
        var requests = new Writer();
        using var plain = new AsyncClientStreamingCall<string, string>(
            requests, Task.FromResult("a"), Task.FromResult(Headers), () => Outcome, () => Trailers, () => disposedWith = "nothing");
        Assert.Same(requests, plain.RequestStream);
        Assert.Equal("a", await plain);
        Assert.Equal("a", await plain.ConfigureAwait(false));
        await AssertHandleAsync(plain.ResponseHeadersAsync, plain.GetStatus(), plain.GetTrailers(), plain, "nothing");

        using var stateful = new AsyncClientStreamingCall<string, string>(requests, Task.FromResult("a"), HeadersOf, StatusOf, TrailersOf, Dispose, state);
        await AssertHandleAsync(stateful.ResponseHeadersAsync, stateful.GetStatus(), stateful.GetTrailers(), stateful, state);
    }

    [Fact]
    public async Task A_duplex_streaming_call_has_both()
    {
        var (requests, responses) = (new Writer(), new Reader());
        using var plain = new AsyncDuplexStreamingCall<string, string>(
            requests, responses, Task.FromResult(Headers), () => Outcome, () => Trailers, () => disposedWith = "nothing");
        Assert.Same(requests, plain.RequestStream);
        Assert.Same(responses, plain.ResponseStream);
        await AssertHandleAsync(plain.ResponseHeadersAsync, plain.GetStatus(), plain.GetTrailers(), plain, "nothing");

        using var stateful = new AsyncDuplexStreamingCall<string, string>(requests, responses, HeadersOf, StatusOf, TrailersOf, Dispose, state);
        await AssertHandleAsync(stateful.ResponseHeadersAsync, stateful.GetStatus(), stateful.GetTrailers(), stateful, state);
    }

    [Fact]
    public async Task A_writer_that_cannot_cancel_takes_tokens_that_cannot_either()
    {
        using var source = new CancellationTokenSource();
        IAsyncStreamWriter<string> writer = new Writer();
        await writer.WriteAsync("a", CancellationToken.None);
        await Assert.ThrowsAsync<NotSupportedException>(() => writer.WriteAsync("b", source.Token));
        Assert.Equal(["a"], ((Writer)writer).Written);
    }

    [Fact]
    public void A_definition_binds_each_method_once_in_order()
    {
        var binder = new NameBinder();
        Echo.BindService(new Derived()).BindService(binder);
        Assert.Equal(["unary Unary", "client ClientStreaming", "server ServerStreaming", "duplex DuplexStreaming"], binder.Bound);
    }

    [Fact]
    public void A_definition_refuses_a_method_that_it_has()
    {
        UnaryServerMethod<string, string> handler = (request, _) => Task.FromResult(request);
        var method = new Method<string, string>(MethodType.Unary, "service", "name", Marshallers.StringMarshaller, Marshallers.StringMarshaller);
        var builder = ServerServiceDefinition.CreateBuilder().AddMethod(method, handler);
        Assert.Throws<ArgumentException>(() => builder.AddMethod(method, handler));
    }

    [Fact]
    public void A_binder_that_overrides_nothing_takes_nothing() =>
        Assert.Throws<NotImplementedException>(() => Echo.BindService(new ServiceBinderBase(), null!));

    [Fact]
    public void A_generated_service_says_how_it_is_bound()
    {
        var attribute = (BindServiceMethodAttribute)Attribute.GetCustomAttribute(typeof(Derived), typeof(BindServiceMethodAttribute))!;
        Assert.Equal((typeof(Echo), "BindService"), (attribute.BindType, attribute.BindMethodName));
    }

    private Task<Metadata> HeadersOf(object given) => Given(given, Task.FromResult(Headers));

    private Status StatusOf(object given) => Given(given, Outcome);

    private Metadata TrailersOf(object given) => Given(given, Trailers);

    private void Dispose(object given) => disposedWith = given;

    private T Given<T>(object given, T answer)
    {
        Assert.Same(state, given);
        return answer;
    }

    private async Task AssertHandleAsync(Task<Metadata> headers, Status status, Metadata trailers, IDisposable call, object expected)
    {
        Assert.Same(Headers, await headers);
        Assert.Equal(Outcome, status);
        Assert.Same(Trailers, trailers);
        call.Dispose();
        Assert.Same(expected, disposedWith);
    }

    private sealed class Derived : Echo.EchoBase;

    private sealed class Reader : IAsyncStreamReader<string>
    {
        public string Current => "";

        public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(false);
    }

    private sealed class Writer : IClientStreamWriter<string>
    {
        public List<string> Written { get; } = [];

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message)
        {
            Written.Add(message);
            return Task.CompletedTask;
        }

        public Task CompleteAsync() => Task.CompletedTask;
    }

    private sealed class NameBinder : ServiceBinderBase
    {
        public List<string> Bound { get; } = [];

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            Bound.Add($"unary {method.Name}");

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
            Bound.Add($"client {method.Name}");

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
            Bound.Add($"server {method.Name}");

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            Bound.Add($"duplex {method.Name}");
    }
}
