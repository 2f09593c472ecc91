using AgentIdentity.Client;
using AgentIdentity.Credentials;
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
}
