using AgentIdentity.Credentials;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>What a call may cost: a deadline on unary calls, and a share of the server for each address. Signed calls on the control listener are not counted: an address that floods elsewhere may be the responder's too.</summary>
internal sealed class LimitsInterceptor(Quotas quotas) : GuardInterceptor
{
    protected override void Require(CallState call, ServerCallContext context)
    {
        if (call.Row.NeedsDeadline && context.Deadline == DateTime.MaxValue)
            throw new CallRefusedException(Refusal.DeadlineMissing, "A call needs a deadline (grpc-timeout), so that nobody waits for ever.");
        if (call.Listener != Listeners.Control || !call.Row.IsSigned)
            quotas.RequireFor(CallState.HttpOf(context).Connection.RemoteIpAddress);
    }
}
