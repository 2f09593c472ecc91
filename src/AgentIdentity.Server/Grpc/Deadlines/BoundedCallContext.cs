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
    private readonly TimeProvider time;
    private Expiry? expiry;

    public BoundedCallContext(ServerCallContext inner, DateTimeOffset deadline, TimeProvider time)
    {
        this.inner = inner;
        this.deadline = deadline;
        this.time = time;
        Http = inner.GetHttpContext();
    }

    /// <summary>The call's HTTP context, without the table that <see cref="ServerCallContextExtensions.GetHttpContext"/> would have made for it.</summary>
    public HttpContext Http { get; }

    public bool HasExpired => Volatile.Read(ref expiry) is { HasCome: true };

    protected override string MethodCore => inner.Method;

    protected override string HostCore => inner.Host;

    protected override string PeerCore => inner.Peer;

    protected override DateTime DeadlineCore => deadline.UtcDateTime;

    protected override Metadata RequestHeadersCore => inner.RequestHeaders;

    protected override CancellationToken CancellationTokenCore => (Volatile.Read(ref expiry) ?? Begin()).Token;

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

    protected override IDictionary<object, object> UserStateCore
    {
        get
        {
            inner.UserState[HttpContextKey] = Http;
            return inner.UserState;
        }
    }

    public void Dispose() => Volatile.Read(ref expiry)?.Dispose();

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => inner.WriteResponseHeadersAsync(responseHeaders);

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => inner.CreatePropagationToken(options);

    // Two threads of a handler may ask for the first time at once.
    private Expiry Begin()
    {
        var begun = new Expiry(deadline - time.GetUtcNow(), time, inner.CancellationToken);
        if (Interlocked.CompareExchange(ref expiry, begun, null) is not { } first)
            return begun;
        begun.Dispose();
        return first;
    }

    /// <summary>Tells the handler to stop, at the deadline or when the caller goes away. Begun when the handler asks: one that answers at once needs no timer.</summary>
    private sealed class Expiry : IDisposable
    {
        private readonly CancellationTokenSource timer;
        private readonly CancellationTokenSource either;

        public Expiry(TimeSpan remaining, TimeProvider time, CancellationToken abort)
        {
            timer = new CancellationTokenSource(WholeMilliseconds(remaining), time);
            either = CancellationTokenSource.CreateLinkedTokenSource(abort, timer.Token);
        }

        public bool HasCome => timer.IsCancellationRequested;

        public CancellationToken Token => either.Token;

        public void Dispose()
        {
            either.Dispose();
            timer.Dispose();
        }

        // Timers count whole milliseconds and round down, which would end a call before its time, and refuse more than 49 days.
        private static TimeSpan WholeMilliseconds(TimeSpan remaining) =>
            TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(remaining.TotalMilliseconds), 0, uint.MaxValue - 1));
    }
}
