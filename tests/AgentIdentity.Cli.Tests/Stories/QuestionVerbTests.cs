using System.Text.Json;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>What a responder asks, against a real server process: as text, as JSON, as a graph, as of an entry, and page by page.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class QuestionVerbTests : IAsyncLifetime
{
    private const string Url = "https://tools.example/weather";

    private RunningRegistry _registry = null!;

    private Agentid Agentid => _registry.Agentid;

    public async Task InitializeAsync() => _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task Who_an_agent_was_before_and_after_a_stop_is_told_by_entry()
    {
        var did = await _registry.EnrolAsync("worker");
        var credential = (await JsonAsync("who-is", "worker")).GetProperty("agents")[0].GetProperty("credentials")[0].Text("jti");
        var stop = (await JsonAsync("stop", "worker", "--state", "frozen", "--reason", "odd calls")).GetProperty("ledger_index").GetUInt64();

        foreach (var who in new[] { "worker", did, $"credential:{credential}", $"entry:{stop}" })
        {
            var now = (await JsonAsync("who-is", who)).GetProperty("agents")[0];
            Assert.Equal((did, "frozen"), (now.GetProperty("agent").Text("did"), now.GetProperty("agent").Text("state")));
            Assert.True(now.GetProperty("stops")[0].GetProperty("was_in_force").GetBoolean());
        }
        var before = await JsonAsync("who-is", "worker", "--at", $"{stop - 1}");
        Assert.Equal(("active", stop - 1), (before.GetProperty("agents")[0].GetProperty("agent").Text("state"), before.GetProperty("answered").GetProperty("entry").GetUInt64()));
        var text = (await Agentid.RunAsync("who-is", "worker")).Fine().Output;
        Assert.Contains("odd calls", text, StringComparison.Ordinal);
        Assert.Contains("jurisdiction=eu", text, StringComparison.Ordinal);
        Assert.Contains("sponsor 'Research desk' answers for it", (await Agentid.RunAsync("chain", "worker")).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task How_far_trouble_can_have_come_is_a_table_a_graph_and_pages()
    {
        var (did, other) = (await _registry.EnrolAsync("worker"), await _registry.EnrolAsync("other"));
        await _registry.EnrolAsync("third");

        var radius = await JsonAsync("blast-radius", "worker");
        Assert.Equal([1, 2], radius.GetProperty("by_hops").EnumerateArray().Select(count => count.GetInt32()));
        Assert.Equal((did, "same-blueprint"), (radius.GetProperty("agents")[1].Text("via"), radius.GetProperty("agents")[1].Text("edge")));
        var dot = (await Agentid.RunAsync("blast-radius", "worker", "--dot")).Fine().Output;
        Assert.StartsWith("digraph", dot, StringComparison.Ordinal);
        Assert.Contains($"\"{did}\" -> \"{other}\" [label=\"same-blueprint\"];", dot, StringComparison.Ordinal);
        Assert.Contains("1 agents", (await Agentid.RunAsync("blast-radius", "worker", "--edge", "delegates-to")).Fine().Output, StringComparison.Ordinal);
        Assert.Contains("1 agents", (await Agentid.RunAsync("descendants", "worker")).Fine().Output, StringComparison.Ordinal);
        Assert.Contains("1 agents", (await Agentid.RunAsync("ancestors", "worker")).Fine().Output, StringComparison.Ordinal);

        var first = await JsonAsync("blast-radius", "worker", "--page-size", "2");
        var rest = await JsonAsync("blast-radius", "worker", "--page-size", "2", "--page", first.GetProperty("answered").Text("next_page_token"));
        Assert.Equal(3, Dids(first).Concat(Dids(rest)).Distinct().Count());
        Assert.Equal("", rest.GetProperty("answered").Text("next_page_token"));
        Assert.Equal(first.GetProperty("answered").Text("time"), rest.GetProperty("answered").Text("time"));
        Assert.Equal(3, Dids(await JsonAsync("path-to", Url)).Count());
        Assert.Equal(2, (await JsonAsync("who-else", "worker")).GetProperty("same_blueprint").GetInt32());
    }

    [Fact]
    public async Task What_was_done_could_be_done_lives_and_would_be_refused_is_told()
    {
        await _registry.EnrolAsync("worker");
        (await Agentid.RunAsync("record", Agentid.Write("report", "what it says"), "--agent", "worker")).Fine();
        await VerifyAsync();

        var did = await JsonAsync("what-did", "worker");
        Assert.Equal((1, 1), (did.GetProperty("statements").GetInt32(), did.GetProperty("commitments").GetInt32()));
        Assert.Contains("No enforcer", did.Text("basis"), StringComparison.Ordinal);
        Assert.Empty((await JsonAsync("what-did", "worker", "--to", "2020-01-01T00:00:00Z")).GetProperty("deeds").EnumerateArray());
        var could = (await JsonAsync("could-have", "worker")).GetProperty("authorities")[0];
        Assert.Contains("https://tools.example/*", could.Text("envelope"), StringComparison.Ordinal);
        Assert.True((await JsonAsync("still-alive", "sponsor:Research desk")).GetProperty("credentials").GetInt32() > 0);
        var trial = await JsonAsync("what-if", "audience:https://tools.example");
        Assert.Equal((1, 1, 0), (trial.GetProperty("allowed").GetInt32(), trial.GetProperty("refused").GetInt32(), trial.GetProperty("unsure").GetInt32()));
        Assert.Equal("active", (await JsonAsync("agents", "show", "worker")).Text("state"));
        foreach (var question in new[] { "what-did worker", "could-have worker", "still-alive worker", "what-if worker", "path-to nowhere", "who-else worker" })
            Assert.Contains("As of entry", (await Agentid.RunAsync(question.Split(' '))).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_still_alive_of_a_key_is_told_for_that_key_alone_when_it_was_rotated_away()
    {
        await _registry.EnrolAsync("worker");
        var old = await KeyAsync();
        var before = await CredentialsAsync(old);
        (await Agentid.RunAsync("rotate-key", "--agent", "worker")).Fine();
        (await Agentid.RunAsync("issue", "--agent", "worker")).Fine();

        var next = await KeyAsync();
        Assert.NotEqual(old, next);
        Assert.True(before > 0);
        Assert.Equal(before, await CredentialsAsync(old));
        Assert.True(await CredentialsAsync(next) > 0);

        async Task<string> KeyAsync() => (await JsonAsync("who-is", "worker")).GetProperty("agents")[0].Text("jkt");

        async Task<int> CredentialsAsync(string key)
        {
            var alive = await JsonAsync("still-alive", $"key:{key}");
            var named = alive.GetProperty("agents").EnumerateArray().SelectMany(agent => agent.GetProperty("credentials").EnumerateArray()).ToArray();
            Assert.All(named, credential => Assert.Equal(key, credential.Text("jkt")));
            Assert.Equal(alive.GetProperty("credentials").GetInt32(), named.Length);
            return named.Length;
        }
    }

    [Fact]
    public async Task A_question_about_nobody_or_about_what_is_to_come_is_refused_by_name_and_a_look_is_on_the_record()
    {
        await _registry.EnrolAsync("worker");

        Assert.Equal("AGENT_UNKNOWN", await RefusedAsync("who-is", "0192f0c1-7a00-7def-8123-456789abcdef"));
        Assert.Equal("AGENT_UNKNOWN", await RefusedAsync("who-is", "credential:0192f0c1-7a00-7def-8123-456789abcdef"));
        Assert.Equal("AGENT_UNKNOWN", await RefusedAsync("could-have", "worker", "--at", "0"));
        Assert.Equal("ENTRY_UNKNOWN", await RefusedAsync("who-is", "entry:99999"));
        Assert.Equal("ENTRY_UNKNOWN", await RefusedAsync("who-is", "worker", "--at", "99999"));
        Assert.Equal("MESSAGE_MALFORMED", await RefusedAsync("who-is", "key:x"));
        Assert.Equal("MESSAGE_MALFORMED", await RefusedAsync("blast-radius", "worker", "--hops", "33"));
        Assert.Equal("MESSAGE_MALFORMED", await RefusedAsync("blast-radius", "worker", "--page", "1.2"));
        Assert.Equal("MESSAGE_MALFORMED", await RefusedAsync("blast-radius", "worker", "--page-size", "1001"));
        string[][] wrong = [["who-is", "entry:x"], ["blast-radius", "worker", "--edge", "x"], ["what-did", "worker", "--from", "x"], ["chain", "worker", "--dot", "--json"]];
        foreach (var words in wrong)
            Assert.Equal(ExitCode.Usage, (await Agentid.RunAsync(words)).ExitCode);
        await JsonAsync("could-have", "worker");
        Assert.Contains((await JsonAsync("trail", "worker")).GetProperty("entries").EnumerateArray(), entry => entry.Text("what").Contains("Questions/CouldHave", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Dids(JsonElement answer) => answer.GetProperty("agents").EnumerateArray().Select(agent => agent.GetProperty("agent").Text("did"));

    private async Task VerifyAsync()
    {
        (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "gate", "--audience", "https://tools.example")).Fine();
        var credential = (await Agentid.RunAsync("issue", "--agent", "worker")).Fine().Output.Trim();
        var proof = (await Agentid.RunAsync(credential, ["proof", "--agent", "worker", "--url", Url, "--nonce", "n"])).Fine().Output.Trim();
        (await Agentid.RunAsync(credential, ["verify", "--proof", proof, "--url", Url, "--nonce", "n", "--audience", "https://tools.example"])).Fine();
    }

    private async Task<string> RefusedAsync(params string[] words)
    {
        var outcome = await Agentid.RunAsync([.. words, "--json"]);
        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        return outcome.Json.GetProperty("error").Text("reason");
    }

    private async Task<JsonElement> JsonAsync(params string[] words) => (await Agentid.RunAsync([.. words, "--json"])).Fine().Json;
}
