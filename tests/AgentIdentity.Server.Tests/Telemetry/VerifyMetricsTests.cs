using System.Buffers.Text;
using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;

namespace AgentIdentity.Server.Tests.Telemetry;

/// <summary>What operators see of the answers that tools and agents are given.</summary>
public sealed class VerifyMetricsTests : IAsyncLifetime
{
    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task Answers_of_Verify_are_counted_by_reason()
    {
        var agent = await _registry.EnrolAsync();
        Assert.Contains(Verifications("NONE", 0), await MetricsAsync(), StringComparison.Ordinal);
        await VerifyAsync(agent.Presents(), "NONE");
        await VerifyAsync(agent.Presents(), "NONE");
        var shown = agent.Presents();
        shown.Spend.Add(new Budget { Unit = "calls", Amount = 1 });
        await VerifyAsync(shown, "NO_BUDGET");
        await _registry.StopAgentAsync(agent.Did);
        await VerifyAsync(agent.Presents(), "AGENT_FROZEN");

        var metrics = await MetricsAsync();

        Assert.Contains("# TYPE agentidentity_verifications_total counter\n", metrics, StringComparison.Ordinal);
        Assert.Contains(Verifications("NONE", 2) + Verifications("NO_BUDGET", 1), metrics, StringComparison.Ordinal);
        Assert.Contains(Verifications("AGENT_FROZEN", 1), metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_with_a_credential_that_is_none_is_counted_wherever_it_is_shown_and_told_nobody_else()
    {
        var agent = await _registry.EnrolAsync();
        var parts = agent.Credential.Split('.');
        var header = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0]));
        var issuer = _registry.Host.Registry.State.IssuerKeys.Current.KeyId.ToString();
        var otherKey = CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(header.Replace(issuer, agent.Key.PublicKey.KeyId.ToString(), StringComparison.Ordinal)));
        foreach (var shown in new[] { "nothing like it", $"{otherKey}.{parts[1]}.{parts[2]}", $"{parts[0]}.{parts[1]}.{new string('A', parts[2].Length)}" })
            await VerifyAsync(agent.Presents(shown), "CREDENTIAL_INVALID");
        using var beside = _registry.Connect(agent.Key, _ => new("nothing like it"));
        await Refused.BecauseAsync(Refusal.CredentialInvalid, StatusCode.Unauthenticated, beside.Credentials.IssueAsync(new IssueRequest()));
        using var runtime = agent.Connect();
        await Refused.BecauseAsync(Refusal.CredentialInvalid, StatusCode.Unauthenticated, runtime.Credentials.RenewAsync(new RenewRequest { Credential = "nothing like it" }));

        var metrics = await MetricsAsync();

        Assert.Contains(Flaws("claims", 0) + Flaws("form", 3) + Flaws("key", 1) + Flaws("signature", 1), metrics, StringComparison.Ordinal);
        Assert.Contains(Verifications("CREDENTIAL_INVALID", 3), metrics, StringComparison.Ordinal);
        Assert.DoesNotContain(parts[1], metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("nothing like it", metrics, StringComparison.Ordinal);
    }

    private static string Verifications(string reason, int count) => $"agentidentity_verifications_total{{reason=\"{reason}\"}} {count}\n";

    private static string Flaws(string flaw, int count) => $"agentidentity_credentials_invalid_total{{flaw=\"{flaw}\"}} {count}\n";

    private async Task VerifyAsync(VerifyRequest request, string reason) =>
        Assert.Equal(reason, (await _registry.AsOperator.Credentials.VerifyAsync(request)).Reason);

    private async Task<string> MetricsAsync()
    {
        using var response = await Fetch.RespondAsync(_registry.ConsoleUrl + "/metrics");
        return await response.Content.ReadAsStringAsync();
    }
}
