using Grpc.AspNetCore.Server;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc.Deadlines;

/// <summary>
/// Ends a call at its deadline from the handler's own side: its token is cancelled, and when it has stopped the status goes out.
/// </summary>
/// <remarks>
/// The official server ends the response from a timer while the handler may be writing. Of a quarter of a million streams raced that way one left
/// its connection silent for good, with every other call on it, and one in three thousand got no status. So the official deadline is put off by
/// <see cref="Grace"/>, where it still ends handlers that do not stop and requests that never come in. Must be the outermost interceptor.
/// </remarks>
internal sealed class DeadlineInterceptor(TimeProvider time) : CallInterceptor
{
    /// <summary>What a handler gets to stop in.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Middleware before the gRPC endpoints: takes note of the deadline and puts the official one off.</summary>
    public static RequestDelegate TakeOver(RequestDelegate next, TimeProvider time) => context =>
    {
        if (GrpcTimeout.TryParse(context.Request.Headers[GrpcTimeout.Header], out var timeout))
        {
            context.Items[typeof(CallDeadline)] = new CallDeadline(time.GetUtcNow() + timeout);
            context.Request.Headers[GrpcTimeout.Header] = GrpcTimeout.AtLeast(timeout + Grace);
        }

        return next(context);
    };

    public override Task<T> InterceptAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next) =>
        context.GetHttpContext().Items[typeof(CallDeadline)] is CallDeadline deadline ? WithinAsync(context, deadline, next) : next(context);

    private async Task<T> WithinAsync<T>(ServerCallContext context, CallDeadline deadline, Func<ServerCallContext, Task<T>> handle)
    {
        if (time.GetUtcNow() >= deadline.At)
            throw Exceeded();
        context.CancellationToken.ThrowIfCancellationRequested();
        using var bounded = new BoundedCallContext(context, deadline.At, time);
        try
        {
            return await handle(bounded);
        }
        catch (OperationCanceledException) when (bounded.HasExpired)
        {
            throw Exceeded();
        }
    }

    private static RpcException Exceeded() => new(new Status(StatusCode.DeadlineExceeded, "The deadline passed."));

    private sealed record CallDeadline(DateTimeOffset At);
}
