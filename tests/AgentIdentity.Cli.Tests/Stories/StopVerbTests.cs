using System.Text.Json;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>What a responder types, against a real server process: stop by whatever is known, look at what is stopped, restore, cut, recall, and the sealed key.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class StopVerbTests : IAsyncLifetime
{
    private RunningRegistry _registry = null!;

    private Agentid Agentid => _registry.Agentid;

    public async Task InitializeAsync() => _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task An_agent_is_frozen_listed_and_restored_by_approval()
    {
        var did = await _registry.EnrolAsync("worker");
        var stop = await JsonAsync("stop", "worker", "--state", "frozen", "--reason", "odd calls", "--incident", "i-1");
        Assert.Equal(("RECORDED", 1, did), (stop.Text("level"), stop.GetProperty("agents_reached").GetInt32(), stop.Text("agent")));
        var entry = stop.GetProperty("ledger_index").GetUInt64();
        var listed = Assert.Single((await JsonAsync("stops", "--incident", "i-1")).GetProperty("stops").EnumerateArray());
        Assert.Equal((entry, "frozen"), (listed.GetProperty("ledger_index").GetUInt64(), listed.Text("state")));
        Assert.Equal("frozen", (await JsonAsync("agents", "show", did)).Text("state"));
        Assert.Contains("No stop of the incident i-11 is in force", (await Agentid.RunAsync("stops", "--incident", "i-11")).Fine().Output, StringComparison.Ordinal);

        await ApprovedAsync("restore", $"{entry}", "--reason", "a false alarm");

        Assert.Equal("active", (await JsonAsync("agents", "show", did)).Text("state"));
        Assert.Empty((await JsonAsync("stops")).GetProperty("stops").EnumerateArray());
        Assert.Single((await JsonAsync("stops", "--lifted")).GetProperty("stops").EnumerateArray());
        Assert.Contains("No stop is in force", (await Agentid.RunAsync("stops")).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_one_person_may_lift_a_stop_every_report_of_it_says_so()
    {
        const string Note = "single-operator mode: one person may lift";
        await _registry.EnrolAsync("worker");
        Assert.Contains(Note, (await Agentid.RunAsync("stop", "worker", "--state", "frozen", "--reason", "odd calls")).Fine().Output, StringComparison.Ordinal);
        Assert.Contains(Note, (await Agentid.RunAsync("stops")).Fine().Output, StringComparison.Ordinal);
        Assert.True((await JsonAsync("stop", "worker", "--state", "frozen", "--reason", "odd calls")).GetProperty("single_operator").GetBoolean());
        Assert.True((await JsonAsync("stops")).GetProperty("single_operator").GetBoolean());
        Assert.DoesNotContain(Note, (await Agentid.RunAsync("stop", "worker", "--state", "revoked", "--reason", "gone bad")).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_is_stopped_by_the_DID_that_a_strangers_library_resolved_and_not_by_one_with_another_SCID()
    {
        var did = await _registry.EnrolAsync("worker");
        var document = JsonDocument.Parse(await _registry.GetAsync($"/agents/{did.Split(':')[^1]}/did.json")).RootElement;
        var webvh = document.GetProperty("alsoKnownAs")[0].GetString()!;
        var scid = webvh.Split(':')[2];

        var other = await Agentid.RunAsync("stop", webvh.Replace(scid, "QmXrEwqsv8iSqN2WKqLWz6GgMTLR3mQD2yAWD3VbLmFef7", StringComparison.Ordinal), "--state", "frozen", "--reason", "odd calls");
        Assert.Equal(ExitCode.Refused, other.ExitCode);
        Assert.Contains("SCID_MISMATCH", other.Error, StringComparison.Ordinal);
        Assert.Equal("active", (await JsonAsync("agents", "show", webvh)).Text("state"));

        Assert.Equal(did, (await JsonAsync("stop", webvh, "--state", "frozen", "--reason", "odd calls")).Text("agent"));
        Assert.Equal("frozen", (await JsonAsync("agents", "show", did)).Text("state"));
        Assert.Equal(did, (await JsonAsync("trail", webvh)).Text("agent"));
        (await Agentid.RunAsync("who-is", webvh)).Fine();
    }

    [Fact]
    public async Task A_fleet_is_recalled_by_model_and_label_after_a_look()
    {
        var did = await _registry.EnrolAsync("worker");
        (await Agentid.RunAsync("blueprint", "define", "summariser/1", "--model", "model-x/5", "--read", "tool:read")).Fine();
        string[] recall = ["recall", "--model", "model-x/5", "--label", "jurisdiction=eu", "--state", "restricted", "--reason", "it leaks"];

        var reach = (await JsonAsync([.. recall, "--dry-run"])).GetProperty("reach").EnumerateArray().ToArray();
        Assert.Equal([1, 1], reach.Select(one => one.GetProperty("agents_reached").GetInt32()));
        Assert.Equal([did], reach[0].GetProperty("agents").EnumerateArray().Select(agent => agent.GetString()));
        Assert.Equal("active", (await JsonAsync("agents", "show", did)).Text("state"));

        var stops = (await JsonAsync(recall)).GetProperty("stops").EnumerateArray().ToArray();
        Assert.Equal(["model:model-x/5", "label:jurisdiction=eu"], stops.Select(stop => stop.Text("scope")));
        Assert.Equal("restricted", (await JsonAsync("agents", "show", did)).Text("state"));
        Assert.Equal(did, Assert.Single((await JsonAsync("agents", "list", "--state", "restricted")).GetProperty("agents").EnumerateArray()).Text("did"));
    }

    [Fact]
    public async Task A_recall_goes_on_behind_a_name_that_is_refused_and_tells_of_both()
    {
        var did = await _registry.EnrolAsync("worker");
        string[] recall = ["recall", "--blueprint", "summariser/*", "--blueprint", "summariser/1", "--state", "frozen", "--reason", "it leaks"];

        var told = await Agentid.RunAsync([.. recall, "--json"]);
        Assert.Equal(ExitCode.Refused, told.ExitCode);
        Assert.Equal("blueprint:summariser/1", Assert.Single(told.Json.GetProperty("stops").EnumerateArray()).Text("scope"));
        var refused = Assert.Single(told.Json.GetProperty("refused").EnumerateArray());
        Assert.Equal(("blueprint:summariser/*", "SCOPE_MALFORMED"), (refused.Text("scope"), refused.Text("reason")));
        Assert.Equal("frozen", (await JsonAsync("agents", "show", did)).Text("state"));

        var shown = await Agentid.RunAsync(recall);
        Assert.Equal(ExitCode.Refused, shown.ExitCode);
        Assert.Contains("SCOPE_MALFORMED: blueprint:summariser/*: ", shown.Error, StringComparison.Ordinal);
        Assert.Contains("blueprint:summariser/1", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recall_goes_on_behind_an_answer_that_is_lost_and_says_that_its_outcome_is_unknown()
    {
        // The nonce's call and the stop for each, and of the second stop nobody hears.
        using var relay = new LosingRelay(Agentid.Settings[3], "Control/Stop", lost: 4);
        var direct = Agentid.Settings;
        Agentid.Settings = relay.Before(direct);
        string[] recall = ["recall", "--label", "y=1", "--label", "y=2", "--label", "y=3", "--state", "frozen", "--reason", "it leaks"];

        var told = await Agentid.RunAsync([.. recall, "--json"]);

        Assert.Equal(ExitCode.Unreachable, told.ExitCode);
        Assert.Equal(["label:y=1", "label:y=3"], told.Json.GetProperty("stops").EnumerateArray().Select(stop => stop.Text("scope")));
        Assert.Equal("label:y=2", Assert.Single(told.Json.GetProperty("unknown").EnumerateArray()).Text("scope"));
        Assert.Empty(told.Json.GetProperty("refused").EnumerateArray());
        Assert.Contains("label:y=2: No answer came", told.Error, StringComparison.Ordinal);
        Agentid.Settings = direct;
        Assert.Equal(["label:y=1", "label:y=2", "label:y=3"], (await JsonAsync("stops")).GetProperty("stops").EnumerateArray().Select(stop => stop.Text("scope")));
    }

    [Fact]
    public async Task A_recall_whose_answer_is_lost_says_where_to_look()
    {
        using var relay = new LosingRelay(Agentid.Settings[3], "Control/Stop", lost: 2);
        Agentid.Settings = relay.Before(Agentid.Settings);
        var lost = await Agentid.RunAsync("recall", "--blueprint", "a", "--label", "y=*", "--state", "frozen", "--reason", "it leaks");

        Assert.Equal(ExitCode.Unreachable, lost.ExitCode);
        Assert.Contains("The outcome is unknown of blueprint:a.", lost.Error, StringComparison.Ordinal);
        Assert.Contains("agentid stops", lost.Error, StringComparison.Ordinal);
        Assert.Contains("SCOPE_MALFORMED: label:y=*", lost.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_that_is_cut_off_on_its_way_goes_on_and_one_that_nobody_answers_any_more_ends()
    {
        await _registry.EnrolAsync("worker");
        // As a proxy does with what is silent for a minute.
        using var relay = new LosingRelay(Agentid.Settings[3], "Control/WatchPropagation", lost: 1);
        Agentid.Settings = relay.Before(Agentid.Settings);

        var watched = (await Agentid.RunAsync("stop", "worker", "--state", "frozen", "--reason", "odd calls", "--watch", "--until", "recorded", "--json")).Fine();
        Assert.Equal(2, watched.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        var watching = Agentid.RunAsync("propagation", $"{JsonDocument.Parse(watched.Output.Split('\n')[0]).RootElement.GetProperty("ledger_index").GetUInt64()}", "--watch", "--until", "exhausted", "--timeout", "600");
        await Task.Delay(TimeSpan.FromSeconds(2));
        await _registry.StopAsync();
        Assert.Equal(ExitCode.Unreachable, (await watching).ExitCode);
    }

    [Fact]
    public async Task What_an_agent_says_of_itself_is_shown_as_its_word_and_can_be_recalled()
    {
        var did = await _registry.EnrolAsync("worker", labels: "version=2.1.7");
        var shown = await JsonAsync("agents", "show", did);
        Assert.Equal(("eu", "2.1.7"), (shown.GetProperty("labels").Text("jurisdiction"), shown.GetProperty("labels").Text("version")));
        Assert.Equal(("sponsor", "self"), (shown.GetProperty("label_provenance").Text("jurisdiction"), shown.GetProperty("label_provenance").Text("version")));
        Assert.Contains("labels      jurisdiction=eu version=2.1.7 (by self)", (await Agentid.RunAsync("agents", "show", did)).Fine().Output, StringComparison.Ordinal);
        Assert.Contains("version=2.1.7 (by self)", (await Agentid.RunAsync("who-is", did)).Fine().Output, StringComparison.Ordinal);
        await JsonAsync("recall", "--label", "version=2.1.7", "--state", "frozen", "--reason", "it leaks");
        Assert.Equal("frozen", (await JsonAsync("agents", "show", did)).Text("state"));
    }

    [Fact]
    public async Task A_cut_is_set_at_once_and_moved_later_by_approval()
    {
        var did = await _registry.EnrolAsync("worker");
        Assert.Equal(2, (await JsonAsync("cut", did, "--after", "2", "--reason", "copied")).GetProperty("after").GetInt32());
        var refused = await Agentid.RunAsync("cut", did, "--after", "3", "--reason", "copied", "--json");
        Assert.Contains("NEEDS_TWO_OPERATORS", refused.Error + refused.Output, StringComparison.Ordinal);
        var moved = await ApprovedAsync("cut", did, "--after", "3", "--reason", "copied");
        Assert.Equal(3, moved.GetProperty("after").GetInt32());
        var only = Assert.Single((await JsonAsync("stops")).GetProperty("stops").EnumerateArray());
        Assert.Equal(3, only.GetProperty("after").GetInt32());
    }

    [Fact]
    public async Task The_sealed_key_is_named_by_approval_and_freezes_once()
    {
        var did = await _registry.EnrolAsync("worker");
        var (sealedKey, publicKey, order) = (NewPath("sealed"), NewPath("public"), NewPath("order"));
        var made = await JsonAsync("break-glass", "make", "--out", sealedKey);
        await File.WriteAllTextAsync(publicKey, made.GetProperty("public_key").GetRawText());
        (await Agentid.RunAsync("break-glass", "order", did, "--key-file", sealedKey, "--reason", "nobody answers", "--out", order)).Fine();
        var early = await Agentid.RunAsync("break-glass", "obey", order, "--json");
        Assert.Contains("ORDER_INVALID", early.Error + early.Output, StringComparison.Ordinal);

        await ApprovedAsync("break-glass", "name", "--public-key-file", publicKey);
        var first = await JsonAsync("break-glass", "obey", order);
        Assert.Equal(first.GetProperty("ledger_index").GetUInt64(), (await JsonAsync("break-glass", "obey", order)).GetProperty("ledger_index").GetUInt64());
        Assert.Equal("frozen", (await JsonAsync("agents", "show", did)).Text("state"));
    }

    [Fact]
    public async Task An_operator_applies_is_added_by_approval_and_removed_again()
    {
        var proof = NewPath("proof");
        var applied = await JsonAsync("operators", "apply", "--name", "second", "--out", proof);
        var added = await ApprovedAsync("operators", "add", proof);
        Assert.Equal(applied.Text("jkt"), added.Text("jkt"));
        var callers = (await JsonAsync("operators", "list", "--key", FirstOperatorKey)).GetProperty("callers").EnumerateArray();
        var id = callers.Single(caller => caller.Text("name") == "second").Text("id");
        await ApprovedAsync("operators", "remove", id, "--reason", "left");
        Assert.Single((await JsonAsync("operators", "list", "--key", FirstOperatorKey)).GetProperty("callers").EnumerateArray());
    }

    [Fact]
    public async Task What_is_no_scope_is_refused_before_anything_is_sent()
    {
        foreach (var scope in new[] { "nobody", "label:eu", "key:abc", "agent-with-delegates:nobody" })
            Assert.Equal(2, (await Agentid.RunAsync("stop", scope, "--state", "frozen", "--reason", "x")).ExitCode);
        Assert.Equal(2, (await Agentid.RunAsync("recall", "--state", "frozen", "--reason", "x")).ExitCode);
    }

    [Theory]
    [InlineData("resource:*")]
    [InlineData("resource:a*b")]
    [InlineData("resource:*/x")]
    [InlineData("resource:https://tools.example*")]
    [InlineData("audience:https://*")]
    public async Task A_stop_that_would_stop_nothing_is_refused_by_name(string scope)
    {
        await _registry.EnrolAsync("worker");
        foreach (var words in (string[][])[["stop", scope, "--state", "frozen", "--reason", "x"], ["stop", scope, "--state", "frozen", "--reason", "x", "--dry-run"], ["what-if", scope]])
        {
            var refused = await Agentid.RunAsync([.. words, "--json"]);
            Assert.Equal((ExitCode.Refused, "SCOPE_MALFORMED"), (refused.ExitCode, refused.Json.GetProperty("error").Text("reason")));
        }
        Assert.Empty((await JsonAsync("stops")).GetProperty("stops").EnumerateArray());
    }

    [Fact]
    public async Task A_stop_says_whom_it_takes_something_from_or_that_it_matches_nobody_now()
    {
        await _registry.EnrolAsync("worker");
        string[] how = ["--state", "frozen", "--reason", "x"];
        Assert.Contains("1 agent, with 1 unexpired credential, lose it", (await Agentid.RunAsync(["stop", "resource:https://tools.example/*", .. how])).Fine().Output, StringComparison.Ordinal);
        Assert.Contains("1 agent, with 1 unexpired credential, lose it", (await Agentid.RunAsync(["stop", "audience:https://tools.example", .. how])).Fine().Output, StringComparison.Ordinal);
        Assert.Contains("matches nobody now", (await Agentid.RunAsync(["stop", "sponsor:nobody", .. how])).Fine().Output, StringComparison.Ordinal);
        Assert.Contains("matches nobody now", (await Agentid.RunAsync(["stop", "sponsor:nobody", .. how, "--dry-run"])).Fine().Output, StringComparison.Ordinal);
        Assert.True((await JsonAsync(["stop", "model:unknown", .. how])).GetProperty("matches_nobody").GetBoolean());
    }

    [Fact]
    public async Task An_agent_is_named_with_and_without_its_word_and_levels_stand_apart_from_their_times()
    {
        var did = await _registry.EnrolAsync("worker");
        foreach (var words in (string[][])[["what-if", "agent:worker"], ["blast-radius", "agent:worker"], ["still-alive", "agent:worker"]])
            (await Agentid.RunAsync(words)).Fine();
        var stop = await JsonAsync("stop", "agent:worker", "--state", "frozen", "--reason", "x");
        Assert.Equal(did, stop.Text("agent"));
        Assert.Contains("EXHAUSTED  not yet", (await Agentid.RunAsync("propagation", stop.GetProperty("ledger_index").GetRawText())).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_if_says_what_it_does_not_count()
    {
        await _registry.EnrolAsync("worker");
        var answer = (await Agentid.RunAsync("what-if", "worker")).Fine().Output;
        Assert.Contains("0 of 0 enforcers let a credential in", answer, StringComparison.Ordinal);
        Assert.Contains("Not counted:", answer, StringComparison.Ordinal);
    }

    private string FirstOperatorKey => Path.Combine(Agentid.Home, "operators", "operator-1.jwk");

    private string NewPath(string name)
    {
        var path = Agentid.Write(name, "");
        File.Delete(path);
        return path;
    }

    private async Task<JsonElement> JsonAsync(params string[] words) => (await Agentid.RunAsync([.. words, "--json"])).Fine().Json;

    // The registry has a single operator, who signs and sends at once.
    private async Task<JsonElement> ApprovedAsync(params string[] words)
    {
        var file = NewPath("approval");
        (await Agentid.RunAsync([.. words, "--out", file, "--key", FirstOperatorKey])).Fine();
        return await JsonAsync("approve", file, "--send", "--key", FirstOperatorKey);
    }
}

internal static class JsonText
{
    public static string Text(this JsonElement owner, string name) => owner.GetProperty(name).GetString()!;
}
