using System.Text.Json;
using AgentIdentity.Tests;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>What a sponsor types, with its own key alone, against a real server process: what runs in its name, one of them off, how far that has come.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SponsorVerbTests : IAsyncLifetime
{
    private readonly Agentid _desk = new();
    private RunningRegistry _registry = null!;

    public async Task InitializeAsync()
    {
        _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();
        (await _registry.Agentid.RunAsync("operators", "register", "--role", "sponsor", "--name", "Research desk")).Fine();
        await _registry.EnrolAsync("worker", depth: 1);
        await _registry.EnrolAsync("helper");
        Folders.Copy(_registry.Agentid.Home, _desk.Home);
        Directory.Delete(Path.Combine(_desk.Home, "operators"), recursive: true);
        _desk.Settings = _registry.Agentid.Settings;
    }

    public async Task DisposeAsync()
    {
        _desk.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task A_sponsor_sees_its_agents_and_what_they_pass_on_and_switches_one_off()
    {
        (await _desk.RunAsync("delegate", "helper", "--agent", "worker", "--allow", "tool:read:https://tools.example/*", "--budget", "calls=5")).Fine();
        Assert.Equal(2, (await JsonAsync("agents", "list")).GetProperty("agents").GetArrayLength());
        Assert.Contains("0 of 5 calls", (await _desk.RunAsync("descendants", "worker")).Fine().Output, StringComparison.Ordinal);
        Assert.Equal(2, (await JsonAsync("ancestors", "helper")).GetProperty("agents").GetArrayLength());
        Assert.Contains("would reach 2 agents", (await _desk.RunAsync("stop", "agent-with-delegates:worker", "--state", "frozen", "--reason", "odd calls", "--dry-run")).Fine().Output, StringComparison.Ordinal);

        var stop = await JsonAsync("stop", "worker", "--state", "frozen", "--reason", "odd calls");
        var entry = $"{stop.GetProperty("ledger_index").GetUInt64()}";
        Assert.Equal("RECORDED", stop.Text("level"));
        Assert.Equal(entry, $"{Assert.Single((await JsonAsync("stops")).GetProperty("stops").EnumerateArray()).GetProperty("ledger_index").GetUInt64()}");
        Assert.Equal("ENFORCED", (await JsonAsync("propagation", entry)).Text("level"));
        (await _desk.RunAsync("propagation", entry, "--watch")).Fine();
        Assert.Contains("odd calls", (await _desk.RunAsync("who-is", "worker")).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_a_sponsors_is_refused_with_a_word_on_what_is()
    {
        string[] how = ["--state", "frozen", "--reason", "odd calls"];
        var token = (await _registry.Agentid.RunAsync(
            "token", "create", "--sponsor", "Sales desk", "--blueprint", "b/1", "--audience", "https://tools.example", "--allow", "tool:read:https://tools.example/*")).Fine().Output;
        var other = (await _registry.Agentid.RunAsync(token, ["enrol", "--name", "seller", "--json"])).Fine().Json.Text("did");
        await AssertRefusedAsync("AGENT_UNKNOWN", "No agent of yours", ["stop", other, .. how]);
        await AssertRefusedAsync("AGENT_UNKNOWN", "agentid agents list", ["who-is", other]);
        await AssertRefusedAsync("NOT_PERMITTED", "agent:AGENT", ["stop", "everything", .. how]);
        await AssertRefusedAsync("NOT_PERMITTED", "another", ["blast-radius", "worker"]);
        await AssertRefusedAsync("STOP_UNKNOWN", "no stop", ["propagation", "1"]);
        Assert.Equal(ExitCode.Usage, (await _desk.RunAsync("stop", "worker", "--state", "revoked", "--reason", "odd calls", "--out", _desk.Write("file", ""))).ExitCode);
    }

    private async Task AssertRefusedAsync(string reason, string words, string[] verb)
    {
        var refused = await _desk.RunAsync(verb);
        Assert.Equal(ExitCode.Refused, refused.ExitCode);
        Assert.Contains(reason, refused.Error, StringComparison.Ordinal);
        Assert.Contains(words, refused.Error, StringComparison.OrdinalIgnoreCase);
    }

    private async Task<JsonElement> JsonAsync(params string[] words) => (await _desk.RunAsync([.. words, "--json"])).Fine().Json;
}
