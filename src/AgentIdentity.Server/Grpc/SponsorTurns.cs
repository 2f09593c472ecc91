using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>On the control listener nobody waits for a slot, but sponsors with all that they ask: whoever holds the key of one must not be able to keep operators waiting. Their stops wait for nothing.</summary>
internal sealed class SponsorTurns(WorkSlots slots) : CallInterceptor
{
    public override Task<T> InterceptAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next) =>
        CallState.Of(context) is { Listener: Listeners.Control, Row.IsPrivateRead: true, Caller.Role: CallerRole.Sponsor } ? InTurnAsync(context, next) : next(context);

    private async Task<T> InTurnAsync<T>(ServerCallContext context, Func<ServerCallContext, Task<T>> next)
    {
        Task<T>? answer = null;
        Task Answer(HttpContext http)
        {
            answer = next(context);
            return answer;
        }
        return await slots.TryRunAsync(Answer, CallState.HttpOf(context))
            ? await answer!
            : throw new CallRefusedException(Refusal.Overloaded, "More calls are waiting than can be served soon; try again later.");
    }
}
