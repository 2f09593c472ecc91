using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>For responders.</summary>
internal sealed class ControlService(RegistryNode registry) : Wire.Control.ControlBase
{
    public override async Task<Wire.StopResponse> Stop(Wire.StopRequest request, ServerCallContext context)
    {
        var agent = registry.Agent(Scope(request.Scope));
        var stopped = (await registry.Stopping.StopAsync(CallState.Of(context).Caller!, agent.Id, State(request.State), request.Reason, request.Incident)).OrRefuse();
        return new Wire.StopResponse
        {
            Level = Wire.StopLevel.Recorded,
            LedgerIndex = stopped.Index.Value,
            State = ToWire.State(stopped.State),
            StoppedAt = stopped.At,
            At = registry.At(),
        };
    }

    private static string Scope(Wire.Scope? scope) => scope is { OfCase: Wire.Scope.OfOneofCase.Agent }
        ? scope.Agent
        : throw CallRefusedException.Malformed("A stop has a scope: an agent's DID or UUID.");

    private static StandingState State(Wire.AgentState state) => state switch
    {
        Wire.AgentState.Frozen => StandingState.Frozen,
        Wire.AgentState.Revoked => StandingState.Revoked,
        _ => throw new CallRefusedException(Refusal.StopStateUnsupported, "A stop is FROZEN or REVOKED."),
    };
}
