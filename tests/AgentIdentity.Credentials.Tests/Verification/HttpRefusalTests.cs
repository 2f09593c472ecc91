using System.Text.Json;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Credentials.Tests.Verification;

public sealed class HttpRefusalTests
{
    [Theory]
    [InlineData("USE_DPOP_NONCE", 401, "use_dpop_nonce")]
    [InlineData("PROOF_REPLAYED", 401, "invalid_dpop_proof")]
    [InlineData("CREDENTIAL_EXPIRED", 401, "invalid_token")]
    [InlineData("AGENT_FROZEN", 403, null)]
    [InlineData("ENVELOPE_EXCEEDED", 403, null)]
    [InlineData("LEASE_OVER", 503, null)]
    [InlineData("REPLAY_STORE_FULL", 503, null)]
    [InlineData("REGISTRY_HALTED", 503, null)]
    [InlineData("OF_A_LATER_VERSION", 403, null)]
    public void A_reason_has_a_status_and_a_challenge_where_another_credential_or_proof_would_mend_it(string reason, int status, string? error)
    {
        var refusal = HttpRefusal.Of(reason);
        Assert.Equal((status, reason), (refusal.Status, refusal.Reason));
        Assert.Equal(error is null ? null : $"DPoP error=\"{error}\", algs=\"ES256 EdDSA\"", refusal.Challenge);
        var problem = JsonDocument.Parse(refusal.ToProblem()).RootElement;
        Assert.Equal(("about:blank", status, reason), (problem.GetProperty("type").GetString(), problem.GetProperty("status").GetInt32(), problem.GetProperty("reason").GetString()));
    }

    [Fact]
    public void None_of_ours_is_answered_with_success() =>
        Assert.All(Enum.GetValues<Refusal>(), refusal => Assert.InRange(HttpRefusal.Of(refusal.Name()).Status, 401, 503));
}
