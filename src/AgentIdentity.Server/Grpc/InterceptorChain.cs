using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>Interceptors as one, the outermost first. Those that are registered one by one are each looked up, awaited and released for each call by the gRPC layer.</summary>
internal sealed class InterceptorChain(params CallInterceptor[] interceptors) : CallInterceptor
{
    public override Task<T> InterceptAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next) => new Walk<T>(interceptors, next).NextAsync(context);

    /// <summary>How far one call has come.</summary>
    private sealed class Walk<T>(CallInterceptor[] interceptors, Func<ServerCallContext, Task<T>> handle)
    {
        private Func<ServerCallContext, Task<T>>? _next;
        private int _passed;

        public Task<T> NextAsync(ServerCallContext context) =>
            _passed == interceptors.Length ? handle(context) : interceptors[_passed++].InterceptAsync(context, _next ??= NextAsync);
    }
}
