using AgentIdentity.Credentials.Dids;
namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>An agent's key is rotated by the agent, and replaced after somebody copied it, from the command line; then its trail is proven.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class KeyRotationTests : IAsyncLifetime
{
    private RunningRegistry _registry = null!;

    private Agentid Agentid => _registry.Agentid;

    public async Task InitializeAsync() => _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task An_agent_goes_on_under_another_key_and_what_it_did_under_each_is_proven()
    {
        var did = await _registry.EnrolAsync("turner");
        var report = Agentid.Write("report", "under the first key");
        (await Agentid.RunAsync("record", report, "--agent", "turner")).Fine();
        var rotated = (await Agentid.RunAsync("rotate-key", "--agent", "turner", "--json")).Fine().Json;
        (await Agentid.RunAsync("record", report, "--agent", "turner")).Fine();

        var refused = await Agentid.RunAsync("rotate-key", "--agent", "turner", "--token-file", Agentid.Write("token", "air_AAAA"), "--json");
        AssertRefused(refused, "TOKEN_INVALID");
        var order = (await Agentid.RunAsync("replace-key", did, "--reason", "the key was copied", "--incident", "incident-7", "--json")).Fine().Json;
        AssertRefused(await Agentid.RunAsync("issue", "--agent", "turner", "--json"), "KEY_STOPPED");
        AssertRefused(await Agentid.RunAsync("rotate-key", "--agent", "turner", "--json"), "KEY_STOPPED");
        var replaced = (await Agentid.RunAsync(order.GetProperty("token").GetString()!, ["rotate-key", "--agent", "turner", "--token-file", "-", "--json"])).Fine().Json;

        Assert.Equal(rotated.GetProperty("key_id").GetString(), replaced.GetProperty("retired_key_id").GetString());
        (await Agentid.RunAsync("issue", "--agent", "turner")).Fine();
        (await Agentid.RunAsync("record", report, "--agent", "turner", "--wait", "integrated")).Fine();
        var shown = (await Agentid.RunAsync("agents", "show", did, "--json")).Fine().Json;
        Assert.Equal(("ACTIVE", System.Text.Json.JsonValueKind.Null), (shown.GetProperty("state").GetString()!.ToUpperInvariant(), shown.GetProperty("session_ends_at").ValueKind));
        Assert.DoesNotContain("FAILED", (await Agentid.RunAsync("trail", did)).Fine().Output, StringComparison.Ordinal);
        await AssertProvenAsync(did);
    }

    [Fact]
    public async Task The_update_key_of_one_agents_log_is_rotated_and_after_the_registrys_all_that_are_behind()
    {
        var did = await _registry.EnrolAsync("turner");
        await _registry.EnrolAsync("other");
        Assert.Equal(ExitCode.Usage, (await Agentid.RunAsync("rotate-did-key")).ExitCode);
        (await Agentid.RunAsync("operators", "register", "--role", "auditor", "--name", "looker")).Fine();
        AssertRefused(await Agentid.RunAsync("rotate-did-key", "--all", "--key", Path.Combine(Agentid.Home, "auditors", "looker.jwk"), "--json"), "NOT_PERMITTED");
        Assert.Equal(did, (await Agentid.RunAsync("rotate-did-key", "turner", "--json")).Fine().Json.GetProperty("did").GetString());
        (await Agentid.RunAsync("rotate-issuer-key", "--did-key")).Fine();
        foreach (var _ in Enumerable.Range(0, 2))
            Assert.Equal(2, (await Agentid.RunAsync("rotate-did-key", "--all", "--json")).Fine().Json.GetProperty("agents").GetInt32());
        var log = await _registry.GetAsync($"/agents/{did.Split(':')[^1]}/did.jsonl");
        Assert.Equal(3, log.Count(letter => letter == '\n'));
    }

    [Fact]
    public async Task Rotating_all_logs_says_how_far_it_came_when_an_answer_is_lost()
    {
        foreach (var name in new[] { "first", "second", "third" })
            await _registry.EnrolAsync(name);
        (await Agentid.RunAsync("rotate-issuer-key", "--did-key")).Fine();
        var direct = Agentid.Settings;
        // The first call takes a nonce.
        using var relay = new LosingRelay(direct[3], "Admin/RotateDidKey", lost: 3);
        Agentid.Settings = relay.Before(direct);
        var lost = await Agentid.RunAsync("rotate-did-key", "--all");
        Assert.Equal(ExitCode.Unreachable, lost.ExitCode);
        Assert.Contains("1 log was done before", lost.Error, StringComparison.Ordinal);
        Assert.Contains("agentid rotate-did-key --all again", lost.Error, StringComparison.Ordinal);

        Agentid.Settings = direct;
        Assert.Equal(3, (await Agentid.RunAsync("rotate-did-key", "--all", "--json")).Fine().Json.GetProperty("agents").GetInt32());
    }

    [Fact]
    public async Task A_sponsor_signs_offline_what_the_registry_asks_for()
    {
        var (first, second, change) = (Agentid.Write("first.jwk", ""), Agentid.Write("second.jwk", ""), Agentid.Write("change.json", ""));
        File.Delete(first);
        File.Delete(second);
        var hash = (await Agentid.RunAsync("sponsor-key", "new", first)).Fine().Output.Trim();
        (await Agentid.RunAsync("sponsor-key", "new", second)).Fine();
        var token = (await Agentid.RunAsync(
            "token", "create", "--sponsor", "desk", "--blueprint", "b/1", "--audience", "https://tools.example", "--allow", "tool:read:https://tools.example/*", "--next-did-key", hash, "--session", "3600")).Fine().Output;
        var did = (await Agentid.RunAsync(token, ["enrol", "--name", "held", "--json"])).Fine().Json.GetProperty("did").GetString()!;
        var shown = (await Agentid.RunAsync("agents", "show", did, "--json")).Fine().Json;
        Assert.Equal(TimeSpan.FromHours(1), shown.GetProperty("session_ends_at").GetDateTimeOffset() - shown.GetProperty("enrolled_at").GetDateTimeOffset());
        AssertRefused(await Agentid.RunAsync("sponsor-key", "change", did, "--out", change, "--json"), "DID_UNCHANGED");
        var left = await Agentid.RunAsync("rotate-did-key", "--all", "--json");
        Assert.Equal((ExitCode.Refused, 0), (left.ExitCode, left.Json.GetProperty("agents").GetInt32()));
        var held = Assert.Single(left.Json.GetProperty("left").EnumerateArray());
        Assert.Equal((did, "DID_HELD"), (held.GetProperty("did").GetString(), held.GetProperty("reason").GetString()));
        (await Agentid.RunAsync("rotate-key", "--agent", "held")).Fine();

        (await Agentid.RunAsync("sponsor-key", "change", did, "--out", change)).Fine();
        Assert.Equal(ExitCode.Usage, (await Agentid.RunAsync("sponsor-key", "send", change)).ExitCode);
        Assert.Equal(ExitCode.Refused, (await Agentid.RunAsync("sponsor-key", "sign", change, "--sponsor-key", second, "--next", first)).ExitCode);
        Assert.True((await Agentid.RunAsync("sponsor-key", "sign", change, "--sponsor-key", first, "--next", second, "--json")).Fine().Json.GetProperty("signed").GetBoolean());
        (await Agentid.RunAsync("sponsor-key", "send", change)).Fine();

        using var http = new HttpClient();
        var log = await http.GetStringAsync(new Uri($"{Agentid.Settings[^1]}/agents/{did.Split(':')[^1]}/did.jsonl"));
        Assert.Equal(2, log.Count(letter => letter == '\n'));

        var (third, old) = (Agentid.Write("third.jwk", ""), WebvhLog.DidOf(log.Split('\n')[1]));
        File.Delete(third);
        (await Agentid.RunAsync("sponsor-key", "new", third)).Fine();
        AssertRefused(await Agentid.RunAsync("sponsor-key", "change", did, "--out", change, "--move-to", "https://agents.example", "--json"), "MESSAGE_MALFORMED");
        (await Agentid.RunAsync("sponsor-key", "change", did, "--out", change, "--move-to", "agents.example:held")).Fine();
        foreach (var place in new[] { "", "elsewhere.example:held" })
            Assert.Contains("takes the DID to agents.example:held, for good", (await Agentid.RunAsync(["sponsor-key", "sign", change, "--sponsor-key", second, "--next", third, .. place.Length > 0 ? new[] { "--move-to", place } : []])).Error, StringComparison.Ordinal);
        Assert.Contains(":agents.example:held, signed", (await Agentid.RunAsync("sponsor-key", "sign", change, "--sponsor-key", second, "--next", third, "--move-to", "agents.example:held")).Fine().Output, StringComparison.Ordinal);
        (await Agentid.RunAsync("sponsor-key", "send", change)).Fine();
        var moved = Agentid.Write("did.jsonl", await http.GetStringAsync(new Uri($"{Agentid.Settings[^1]}/agents/{did.Split(':')[^1]}/did.jsonl")));
        foreach (var name in new[] { old, $"did:webvh:{old.Split(':')[2]}:agents.example:held" })
            Assert.EndsWith(":agents.example:held", (await Agentid.RunAsync("resolve-log", moved, "--did", name, "--json")).Fine().Json.GetProperty("didDocumentMetadata").GetProperty("canonicalId").GetString(), StringComparison.Ordinal);
        AssertRefused(await Agentid.RunAsync("sponsor-key", "change", did, "--out", change, "--json"), "DID_UNCHANGED");
    }

    private async Task AssertProvenAsync(string did)
    {
        var trail = Agentid.Write("turner.trail", "");
        File.Delete(trail);
        (await Agentid.RunAsync("trail", did, "--out", trail)).Fine();
        using var http = new HttpClient();
        var address = Agentid.Settings[^1];
        var logKey = (await http.GetStringAsync(new Uri($"{address}/log-key"))).Trim();
        var log = Agentid.Write("did.jsonl", await http.GetStringAsync(new Uri($"{address}/agents/{did.Split(':')[^1]}/did.jsonl")));

        var audited = (await Agentid.RunAsync("audit", trail, "--log-key", logKey, "--did-log", log, "--json")).Fine().Json;

        Assert.Equal("proven", audited.GetProperty("verdict").GetString());
        Assert.Equal(3, File.ReadLines(log).Count());
        Assert.Equal(0, audited.GetProperty("did_log").GetProperty("not_in_the_ledger").GetArrayLength());
    }

    private static void AssertRefused(Outcome outcome, string reason)
    {
        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.Equal(reason, outcome.Json.GetProperty("error").GetProperty("reason").GetString());
    }
}
