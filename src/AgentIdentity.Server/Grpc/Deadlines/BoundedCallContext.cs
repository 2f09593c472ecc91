using Grpc.AspNetCore.Server;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc.Deadlines;

/// <summary>A call with a deadline of our own; everything else is the official context's.</summary>
internal sealed class BoundedCallContext : ServerCallContext, IDisposable
{
    // Where the official server looks for the HTTP context of a call whose context is not its own.
    private const string HttpContextKey = "__HttpContext";

    private readonly ServerCallContext inner;
    private readonly DateTimeOffset deadline;
    private readonly CancellationTokenSource expiry;
    private readonly CancellationTokenSource either;

    public BoundedCallContext(ServerCallContext inner, DateTimeOffset deadline, TimeProvider time)
    {
        this.inner = inner;
        this.deadline = deadline;
        inner.UserState[HttpContextKey] = inner.GetHttpContext();
        expiry = new CancellationTokenSource(Remaining(deadline - time.GetUtcNow()), time);
        either = CancellationTokenSource.CreateLinkedTokenSource(inner.CancellationToken, expiry.Token);
    }

    public bool HasExpired => expiry.IsCancellationRequested;

    protected override string MethodCore => inner.Method;

    protected override string HostCore => inner.Host;

    protected override string PeerCore => inner.Peer;

    protected override DateTime DeadlineCore => deadline.UtcDateTime;

    protected override Metadata RequestHeadersCore => inner.RequestHeaders;

    protected override CancellationToken CancellationTokenCore => either.Token;

    protected override Metadata ResponseTrailersCore => inner.ResponseTrailers;

    protected override Status StatusCore
    {
        get => inner.Status;
        set => inner.Status = value;
    }

    protected override WriteOptions? WriteOptionsCore
    {
        get => inner.WriteOptions;
        set => inner.WriteOptions = value;
    }

    protected override AuthContext AuthContextCore => inner.AuthContext;

    protected override IDictionary<object, object> UserStateCore => inner.UserState;

    public void Dispose()
    {
        either.Dispose();
        expiry.Dispose();
    }

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => inner.WriteResponseHeadersAsync(responseHeaders);

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => inner.CreatePropagationToken(options);

    // Timers count whole milliseconds and round down, which would end a call before its time, and refuse more than 49 days.
    private static TimeSpan Remaining(TimeSpan remaining) =>
        TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(remaining.TotalMilliseconds), 0, uint.MaxValue - 1));
}
