using AgentIdentity.Credentials;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>Turns what ends a call into a gRPC status. A refusal says its name; anything else is a bug, is logged here, and tells the caller nothing.</summary>
internal sealed class ErrorInterceptor(RegistryNode registry, CallRefusals refusals, TimeProvider clock, ILogger<ErrorInterceptor> log) : CallInterceptor
{
    public override async Task<T> InterceptAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception failure)
        {
            throw Translate(failure, context);
        }
    }

    private RpcException Translate(Exception failure, ServerCallContext context)
    {
        switch (failure)
        {
            // The layer's own word about a later message of a stream; CallGate names what it says of a first one.
            case RpcException { StatusCode: StatusCode.ResourceExhausted } large when large.Status.Detail.StartsWith("Received", StringComparison.Ordinal):
                return Translate(CallRefusedException.TooLarge(), context);
            case RpcException word when LayerWord.IsAboutCompression(word.Status):
                return word;
            case InvalidProtocolBufferException or RpcException { StatusCode: StatusCode.Internal }:
                return Translate(CallRefusedException.Unreadable(), context);
            case RpcException status:
                return status;
            case CallRefusedException refused:
                refusals.Note(CallState.Of(context), refused.Refusal);
                return refused.ToRpcException(registry.Nonces.Current());
            case StoreFullException:
                return Translate(new CallRefusedException(Refusal.StorageFull, "There is no room to write; nothing was recorded."), context);
            case KeysRefusedException keys:
                log.LogCritical("{Method}: {Message}", context.Method, keys.Message);
                return Translate(new CallRefusedException(Refusal.KeysUnavailable, "The registry's keys cannot be used now; its log says why."), context);
            case IOException when CallState.Of(context).Row.IsStream:
                log.LogInformation("{Method} ended: {Message}", context.Method, failure.Message);
                return new RpcException(new Status(StatusCode.Cancelled, "The caller went away."));
            case OperationCanceledException when context.CancellationToken.IsCancellationRequested:
                // Not by the clock alone: the timer that ended the call may be a moment ahead of it.
                return new RpcException(context.Deadline <= clock.GetUtcNow().UtcDateTime || !context.GetHttpContext().RequestAborted.IsCancellationRequested
                    ? new Status(StatusCode.DeadlineExceeded, "The deadline passed.")
                    : new Status(StatusCode.Cancelled, "The caller went away."));
            default:
                log.LogError(failure, "{Method} failed.", context.Method);
                return new RpcException(new Status(StatusCode.Internal, "The registry failed; its log says why."));
        }
    }
}
