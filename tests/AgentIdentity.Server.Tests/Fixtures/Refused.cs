using AgentIdentity.Client;
using AgentIdentity.Credentials;
using Google.Rpc;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>Says that a call is refused, with which name and which status.</summary>
public static class Refused
{
    public static async Task BecauseAsync<T>(Refusal refusal, StatusCode status, AsyncUnaryCall<T> call)
    {
        using (call)
        {
            var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => call.ResponseAsync);
            Assert.Equal((refusal.Name(), status), (refused.Reason, refused.StatusCode));
        }
    }

    /// <summary>The stable name in an answer that came without a client of ours.</summary>
    public static string NameOf(RpcException answer) => Google.Rpc.Status.Parser.ParseFrom(answer.Trailers.GetValueBytes("grpc-status-details-bin")).Details[0].Unpack<ErrorInfo>().Reason;
}
