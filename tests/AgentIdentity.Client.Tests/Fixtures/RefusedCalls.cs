using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace AgentIdentity.Client.Tests.Fixtures;

/// <summary>Refusals as a registry sends them.</summary>
internal static class RefusedCalls
{
    public static RpcException Make(StatusCode code, string reason, string detail, TimeSpan? retryAfter = null, string? nonce = null, string domain = "agentidentity.v1")
    {
        var status = new Google.Rpc.Status { Code = (int)code, Message = detail };
        status.Details.Add(Any.Pack(new ErrorInfo { Reason = reason, Domain = domain }));
        if (retryAfter is { } delay)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }));
        var trailers = new Metadata { { "grpc-status-details-bin", status.ToByteArray() } };
        if (nonce is not null)
            trailers.Add("dpop-nonce", nonce);
        return new RpcException(new Grpc.Core.Status(code, detail), trailers);
    }
}
