using AgentIdentity.Server.Grpc.Deadlines;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Server.Grpc;

/// <summary>An interceptor that does the same around a call of every kind.</summary>
internal abstract class CallInterceptor : Interceptor
{
    /// <summary>Goes on with <paramref name="next"/>, once at most, or ends the call with an exception.</summary>
    public abstract Task<T> InterceptAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next);

    public sealed override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        InterceptAsync(context, inner => continuation(request, inner));

    public sealed override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        InterceptAsync(context, inner => continuation(requestStream, inner));

    public sealed override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        InterceptAsync(context, inner => Done(continuation(request, new UncutStreamWriter<TResponse>(responseStream), inner)));

    public sealed override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        InterceptAsync(context, inner => Done(continuation(requestStream, new UncutStreamWriter<TResponse>(responseStream), inner)));

    // Lets a handler without a result go the way of those that have one.
    private static async Task<bool> Done(Task handled)
    {
        await handled;
        return true;
    }
}
