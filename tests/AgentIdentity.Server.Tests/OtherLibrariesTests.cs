using System.Globalization;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Server.Tests.Fixtures;
using Xunit.Abstractions;
using Repository = AgentIdentity.Interop.Tests.Repository;

namespace AgentIdentity.Server.Tests;

/// <summary>What a running registry issues is checked by libraries that we did not write (tests/interop/credentials): credentials by jose, status lists by @sd-jwt/jwt-status-list and @digitalbazaar/vc-bitstring-status-list.</summary>
public sealed class OtherLibrariesTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests/interop/credentials");

    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [SkippableFact]
    public async Task Jose_verifies_a_credential_and_refuses_every_tampered_copy()
    {
        var agent = await _registry.EnrolAsync();
        var outcomes = (await RunAsync("tamper", agent)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(outcomes.Distinct().Count() >= 60, $"Only {outcomes.Length} variants were tried.");
        Assert.All(outcomes, outcome => Assert.StartsWith("refused ", outcome, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_stop_is_seen_in_both_status_lists_within_their_cadence_and_an_agent_that_is_not_stopped_never_is()
    {
        var (agent, other) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
        await RunAsync("status", agent, "0");
        await _registry.StopAgentAsync(agent.Did);
        var seconds = double.Parse(await RunAsync("status", agent, "1"), CultureInfo.InvariantCulture);
        output.WriteLine($"seen after {seconds} s");
        Assert.InRange(seconds, 0, 17);
        await RunAsync("status", other, "0");
    }

    private async Task<string> RunAsync(string command, TestAgent agent, params string[] more)
    {
        Skip.If(!Directory.Exists(Path.Combine(Folder, "node_modules/jose")), "jose is not installed: run tests/install (or: npm ci --ignore-scripts, in tests/interop/credentials).");
        var run = await Script.RunAsync("node", [Path.Combine(Folder, "credentials.mjs"), command, _registry.HttpUrl, _registry.PublicUrl, TestRegistry.Documents, agent.Credential, .. more]);
        Assert.True((run.ExitCode, run.Errors) == (0, ""), run.Errors);
        return run.Output;
    }
}
