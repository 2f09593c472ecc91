using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Server.Grpc;

/// <summary>An interceptor that asks something of a call before it goes on, whatever its kind.</summary>
internal abstract class GuardInterceptor : Interceptor
{
    /// <summary>Returns, or ends the call with a <see cref="CallRefusedException"/>.</summary>
    protected abstract void Require(CallState call, ServerCallContext context);

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        Require(CallState.Of(context), context);
        return continuation(request, context);
    }

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Require(CallState.Of(context), context);
        return continuation(requestStream, context);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Require(CallState.Of(context), context);
        return continuation(request, responseStream, context);
    }

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Require(CallState.Of(context), context);
        return continuation(requestStream, responseStream, context);
    }
}
