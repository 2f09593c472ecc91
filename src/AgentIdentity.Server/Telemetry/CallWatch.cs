using System.Diagnostics;
using AgentIdentity.Server.Grpc;
using Grpc.Core;

namespace AgentIdentity.Server.Telemetry;

/// <summary>Measures one call from its beginning until it is disposed of.</summary>
internal struct CallWatch(CallMetrics metrics, CallState call, long begun, Activity? activity) : IDisposable
{
    // Written once: the text of a status never changes, and Enum.ToString allocates.
    private static readonly string[] Names = [.. Enum.GetValues<StatusCode>().Order().Select(code => code.ToString())];

    private StatusCode _status = StatusCode.OK;

    public void EndedWith(StatusCode status) => _status = status;

    public readonly void Dispose()
    {
        var status = Names[(int)_status];
        metrics.End(call, begun, status);
        activity?.SetTag("rpc.grpc.status_code", (int)_status);
        activity?.SetTag("agentidentity.reason", call.Reason);
        activity?.Dispose();
    }
}
