using AgentIdentity.Credentials;
using AgentIdentity.Registry;
using AgentIdentity.Server.Telemetry;

namespace AgentIdentity.Server.Grpc;

/// <summary>Every refusal of a call passes here: counted, and on the control listener, and where an agent passes on authority, put on the record.</summary>
internal sealed class CallRefusals(RegistryNode registry, CallMetrics metrics)
{
    public void Note(CallState call, Refusal refusal)
    {
        call.Reason = refusal.Name();
        metrics.Refused(call.Row.Method, call.Reason);
        // Asking for a nonce is how a client begins, and no attempt at anything; nor is asking before there is a registry, as each client does that founds one.
        if (IsRecorded(call) && refusal is not (Refusal.UseDpopNonce or Refusal.NotBootstrapped))
            registry.Refusals.Note(call.Row.Method, call.Reason, call.Key);
    }

    // Of agents only those that have proven who they are: whoever else reaches their listener could make the ledger grow each second.
    private static bool IsRecorded(CallState call) => call.Listener == Listeners.Control || (call.Row.RecordsRefusals && call.Agent is not null);
}
