using AgentIdentity.Server.Telemetry;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Server.Grpc;

/// <summary>Outermost: measures each call, and opens its trace when somebody listens.</summary>
internal sealed class TelemetryInterceptor(CallMetrics metrics) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        using var watch = Begin(context);
        try
        {
            return await continuation(request, context);
        }
        catch (RpcException status)
        {
            watch.EndedWith(status.StatusCode);
            throw;
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        using var watch = Begin(context);
        try
        {
            return await continuation(requestStream, context);
        }
        catch (RpcException status)
        {
            watch.EndedWith(status.StatusCode);
            throw;
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        using var watch = Begin(context);
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (RpcException status)
        {
            watch.EndedWith(status.StatusCode);
            throw;
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        using var watch = Begin(context);
        try
        {
            await continuation(requestStream, responseStream, context);
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
        return metrics.Begin(call);
    }
}
