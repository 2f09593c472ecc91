using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>An interceptor that asks something of a call before it goes on.</summary>
internal abstract class GuardInterceptor : CallInterceptor
{
    public override Task<T> InterceptAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next)
    {
        Require(CallState.Of(context), context);
        return next(context);
    }

    /// <summary>Returns, or ends the call with a <see cref="CallRefusedException"/>.</summary>
    protected abstract void Require(CallState call, ServerCallContext context);
}
