using AgentIdentity.Server.Telemetry;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>Measures each call, and opens its span, in the caller's trace, when somebody listens.</summary>
internal sealed class TelemetryInterceptor(CallMetrics metrics) : CallInterceptor
{
    public override async Task<T> InterceptAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next)
    {
        using var watch = Begin(context);
        try
        {
            return await next(context);
        }
        catch (RpcException status)
        {
            watch.EndedWith(status.StatusCode);
            throw;
        }
    }

    private CallWatch Begin(ServerCallContext context)
    {
        var call = CallState.Of(context);
        // An interceptor runs only once the message has been read.
        call.WasRead = true;
        return metrics.Begin(call, CallState.HttpOf(context).Request.Headers);
    }
}
