using AgentIdentity.Server.Grpc.Deadlines;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace AgentIdentity.Server.Tests.Grpc.Deadlines;

public sealed class DeadlineInterceptorTests
{
    private readonly DeadlineInterceptor interceptor = new(TimeProvider.System);

    [Fact]
    public async Task A_handler_is_stopped_at_the_deadline_and_the_status_says_so()
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => CallAsync("20m", WaitAsync));
        Assert.Equal(StatusCode.DeadlineExceeded, refusal.StatusCode);
    }

    [Fact]
    public async Task A_handler_is_not_started_after_the_deadline()
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => CallAsync("0m", _ => throw new InvalidOperationException("It was started.")));
        Assert.Equal(StatusCode.DeadlineExceeded, refusal.StatusCode);
    }

    [Fact]
    public async Task A_handler_in_time_answers_and_knows_its_deadline()
    {
        var before = TimeProvider.System.GetUtcNow().UtcDateTime;
        var answer = await CallAsync("30S", context => Task.FromResult($"{context.Deadline - before < TimeSpan.FromSeconds(40)} {context.Deadline > before}"));
        Assert.Equal("True True", answer);
    }

    [Fact]
    public async Task A_client_that_gives_up_is_not_a_deadline_that_passed()
    {
        var call = new OfficialContext("30S");
        var answer = interceptor.UnaryServerHandler("request", call, (_, context) => WaitAsync(context));
        await call.GiveUpAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact]
    public async Task A_refusal_of_the_handler_is_left_as_it_is()
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => CallAsync("30S", _ => throw new RpcException(new Status(StatusCode.NotFound, "why"))));
        Assert.Equal((StatusCode.NotFound, "why"), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("soon")]
    public async Task A_call_without_a_deadline_is_left_as_it_is(string? header)
    {
        var call = new OfficialContext(header);
        await interceptor.UnaryServerHandler("request", call, (request, context) =>
        {
            Assert.Same(call, context);
            return Task.FromResult(request);
        });
        Assert.Equal(header, (string?)call.Http.Request.Headers["grpc-timeout"]);
    }

    [Theory]
    [InlineData("300u", "6S")]
    [InlineData("10S", "15S")]
    public void The_official_deadline_is_put_off(string header, string later) =>
        Assert.Equal(later, new OfficialContext(header).Http.Request.Headers["grpc-timeout"]);

    [Fact]
    public async Task A_stream_is_not_written_to_after_the_deadline_and_no_write_is_cut()
    {
        var writer = new Writer();
        var refusal = await Assert.ThrowsAsync<RpcException>(() => interceptor.ServerStreamingServerHandler<string, string>(
            "request", writer, new OfficialContext("50m"), async (_, responses, context) =>
            {
                await responses.WriteAsync("early", context.CancellationToken);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => WaitAsync(context));
                await responses.WriteAsync("late", context.CancellationToken);
            }));
        Assert.Equal(StatusCode.DeadlineExceeded, refusal.StatusCode);
        Assert.Equal(["early, cancellable: False"], writer.Written);
    }

    [Fact]
    public async Task Client_and_duplex_streams_end_at_the_deadline_too()
    {
        await AssertExpiresAsync(interceptor.ClientStreamingServerHandler<string, string>(null!, new OfficialContext("20m"), (_, context) => WaitAsync(context)));
        await AssertExpiresAsync(interceptor.DuplexStreamingServerHandler<string, string>(
            null!, new Writer(), new OfficialContext("20m"), (_, _, context) => WaitAsync(context)));
    }

    [Fact]
    public async Task The_handler_reads_and_changes_the_official_context()
    {
        var call = new OfficialContext("30S");
        await interceptor.UnaryServerHandler("request", call, async (request, context) =>
        {
            context.Status = new Status(StatusCode.Aborted, "mine");
            context.WriteOptions = WriteOptions.Default;
            context.ResponseTrailers.Add("k", "v");
            await context.WriteResponseHeadersAsync([]);
            Assert.Equal((call.Method, call.Host, call.Peer), (context.Method, context.Host, context.Peer));
            Assert.Same(call.RequestHeaders, context.RequestHeaders);
            Assert.Same(call.AuthContext, context.AuthContext);
            Assert.Same(call.Http, context.GetHttpContext());
            return request;
        });
        Assert.Equal("mine", call.Status.Detail);
        Assert.Same(WriteOptions.Default, call.WriteOptions);
        Assert.Single(call.ResponseTrailers);
        Assert.True(call.HeadersWritten);
    }

    private static async Task AssertExpiresAsync(Task call) =>
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);

    private static async Task<string> WaitAsync(ServerCallContext context)
    {
        await Task.Delay(TimeSpan.FromSeconds(30), context.CancellationToken);
        return "waited in vain";
    }

    private Task<string> CallAsync(string header, Func<ServerCallContext, Task<string>> handler) =>
        interceptor.UnaryServerHandler("request", new OfficialContext(header), (_, context) => handler(context));

    /// <summary>What the official server would hand to its first interceptor.</summary>
    internal sealed class OfficialContext : ServerCallContext
    {
        private readonly CancellationTokenSource aborted = new();

        public OfficialContext(string? timeout)
        {
            if (timeout is not null)
                Http.Request.Headers["grpc-timeout"] = timeout;
            DeadlineInterceptor.TakeOver(_ => Task.CompletedTask, TimeProvider.System)(Http);
            Http.Items["__HttpContext"] = Http;
        }

        public DefaultHttpContext Http { get; } = new();

        public bool HeadersWritten { get; private set; }

        protected override string MethodCore => "/package.Service/Method";

        protected override string HostCore => "host";

        protected override string PeerCore => "peer";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore { get; } = [];

        protected override CancellationToken CancellationTokenCore => aborted.Token;

        protected override Metadata ResponseTrailersCore { get; } = [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore { get; } = new(null, []);

        protected override IDictionary<object, object> UserStateCore => Http.Items!;

        public Task GiveUpAsync() => aborted.CancelAsync();

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
        {
            HeadersWritten = true;
            return Task.CompletedTask;
        }

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => throw new NotSupportedException();
    }

    private sealed class Writer : IServerStreamWriter<string>
    {
        public List<string> Written { get; } = [];

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(string message, CancellationToken cancellationToken)
        {
            Written.Add($"{message}, cancellable: {cancellationToken.CanBeCanceled}");
            return Task.CompletedTask;
        }
    }
}
