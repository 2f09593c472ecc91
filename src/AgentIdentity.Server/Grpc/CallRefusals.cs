using AgentIdentity.Credentials;
using AgentIdentity.Registry;
using AgentIdentity.Server.Telemetry;

namespace AgentIdentity.Server.Grpc;

/// <summary>Every refusal of a call passes here: counted, and on the control listener put on the record.</summary>
internal sealed class CallRefusals(RegistryNode registry, CallMetrics metrics)
{
    public void Note(CallState call, Refusal refusal)
    {
        call.Reason = refusal.Name();
        metrics.Refused(call.Row.Method, call.Reason);
        // Asking for a nonce is how a client begins, and no attempt at anything.
        if (call.Listener == Listeners.Control && refusal != Refusal.UseDpopNonce)
            registry.Refusals.Note(call.Row.Method, call.Reason, call.Key);
    }
}
