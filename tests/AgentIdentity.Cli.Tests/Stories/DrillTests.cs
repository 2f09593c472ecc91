using System.Text.Json;
using AgentIdentity.Cli.Demo;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>
/// A drill at a real server process, told by its own lines: that it says PASS where it must, that what it enrolled is gone afterwards, and that it says FAIL
/// and ends with 1 where something does not hold.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class DrillTests : IAsyncLifetime
{
    private RunningRegistry _registry = null!;

    private Agentid Agentid => _registry.Agentid;

    public async Task InitializeAsync() => _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task A_drill_stops_what_it_compromised_sees_it_refused_and_leaves_nothing_usable()
    {
        var own = await _registry.EnrolAsync("worker");
        var lines = await DrillAsync(0, "--delegates", "3");
        Assert.All(lines.Where(line => line.TryGetProperty("passed", out _)), line => Assert.True(line.GetProperty("passed").GetBoolean(), line.GetRawText()));
        Assert.Equal(
            ["enrol", "enforcer", "act", "stolen", "replayed", "probing", "burst", "stop", "level", "reach", "probe", "leak", "refused", "goes on", "evidence", "who-is", "chain", "descend", "what-did", "blast", "level", "retire", "end"],
            Steps(lines));
        Assert.Equal(["RECORDED", "NODES", "ENFORCED"], lines.Where(line => Step(line) == "level").Select(line => line.GetProperty("details")).Where(details => details.ValueKind == JsonValueKind.Object).Select(details => details.GetProperty("level").GetString()));
        Assert.All(Leaks(lines), leaked => Assert.True(leaked > 0, "Whoever has stolen a key is let in until it is stopped."));
        Assert.Contains("refused, CREDENTIAL_STOPPED", Text(lines, "probe"), StringComparison.Ordinal);

        var agents = (await Agentid.RunAsync("agents", "list", "--probes", "--json")).Fine().Json.GetProperty("agents").EnumerateArray().ToArray();
        Assert.Equal(5, agents.Count(agent => agent.Text("sponsor") == "drill" && agent.Text("state") == "revoked"));
        Assert.Equal(["active"], agents.Where(agent => agent.Text("did") == own).Select(agent => agent.Text("state")));
        // The registry's own, which rides along, is visible as what it is.
        Assert.Equal("probe", Assert.Single(agents, agent => agent.Text("sponsor") != "drill" && agent.Text("did") != own).Text("blueprint"));
    }

    [Fact]
    public async Task A_drill_that_waits_for_the_last_credential_sees_the_stop_exhausted()
    {
        var clock = new AdvancedClock();
        using var data = new TemporaryFolder();
        using var agentid = new Agentid();
        string[] flags = ["--dev", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0", "--control=127.0.0.1:0", "--console=127.0.0.1:0", $"--data={data.Path}"];
        await using var server = await ServerHost.StartAsync(AgentIdentity.Server.Options.CommandLine.Read(flags, _ => null), NullLoggerFactory.Instance, clock);
        agentid.Settings = ["--registry", $"http://{server.Bound.Grpc}", "--control", $"http://{server.Bound.Control}", "--http", $"http://{server.Bound.Http}"];
        (await agentid.RunAsync("bootstrap", "--secret-file", server.BootstrapFile, "--operator", "operator-1")).Fine();

        // The last question is asked, and from then on only time has to pass: for the drill and the registry alike.
        using var output = new HeardWriter(line => clock.Ahead = line.Contains("\"step\":\"blast\"", StringComparison.Ordinal) ? TimeSpan.FromMinutes(16) : clock.Ahead);
        using var error = new StringWriter();
        var terminal = new Terminal { Input = TextReader.Null, Output = output, Error = error, Clock = clock, EnableDefaultExceptionHandler = false };
        var exitCode = await CommandLine.RunAsync(["drill", "--delegates", "2", "--until", "exhausted", "--json", "--home", agentid.Home, .. agentid.Settings], terminal, CancellationToken.None);

        Assert.True(exitCode == 0, $"{output}{error}");
        Assert.Contains("EXHAUSTED was reached", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_drill_takes_the_enforcer_of_the_first()
    {
        Assert.Contains("stays registered", Text(await DrillAsync(0, "--delegates", "2"), "enforcer"), StringComparison.Ordinal);
        Assert.DoesNotContain("stays registered", Text(await DrillAsync(0, "--delegates", "2"), "enforcer"), StringComparison.Ordinal);
        var callers = (await Agentid.RunAsync("operators", "list", "--json")).Fine().Json.GetProperty("callers").EnumerateArray();
        Assert.Single(callers, caller => caller.Text("role") == "enforcer");
    }

    [Fact]
    public async Task A_drill_that_no_probe_rides_along_with_fails_and_still_revokes_what_it_enrolled()
    {
        (await Agentid.RunAsync("stop", "blueprint:probe", "--state", "frozen", "--reason", "a test")).Fine();
        var lines = await DrillAsync(1, "--delegates", "2");
        Assert.Equal(["probe", "end"], lines.Where(line => line.TryGetProperty("passed", out var passed) && !passed.GetBoolean()).Select(Step));
        Assert.Contains("all 4 agents are revoked", Text(lines, "retire"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_drill_goes_on_to_revoke_the_others_when_the_answer_to_one_is_lost()
    {
        // The freeze, and of the two calls for the first revocation the one that revokes.
        using var relay = new LosingRelay(Agentid.Settings[3], "Control/Stop", lost: 3);
        Agentid.Settings = relay.Before(Agentid.Settings);
        var lines = await DrillAsync(0, "--delegates", "2");
        var retired = lines.Where(line => Step(line) == "retire").Select(line => line.Text("text")!).ToArray();
        Assert.Contains("No answer came", retired[0], StringComparison.Ordinal);
        Assert.Contains("all 4 agents are revoked", retired[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tool_that_is_named_is_called_waited_for_and_seen_to_refuse()
    {
        const string audience = "https://tools.example";
        var key = (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "weather", "--audience", audience, "--json")).Fine().Json.Text("key_file")!;
        var tool = ProgramFile.Find(null, "AgentIdentity.SampleTool", "--tool");
        await using var process = ChildProcess.Start(tool.Start("--registry", Agentid.Settings[1], "--public-url", "https://localhost:5000", "--audience", audience, "--key", key, "--urls", "http://127.0.0.1:0"), "the tool");
        var url = ReadyLine.Parse(await process.AskAsync(null, CancellationToken.None)).Http;

        var lines = await DrillAsync(0, "--delegates", "2", "--tool", $"{url}/weather", "--audience", audience, "--allow", $"tool:read:{audience}/*");

        Assert.Equal(["enforcer", "registry", "tool"], lines.Where(line => Step(line) == "goes on").Select(line => line.Text("text")!.Split(':')[0]));
        Assert.Equal(3, Leaks(lines).Count());
        Assert.All(Leaks(lines), leaked => Assert.True(leaked > 0));
    }

    [Fact]
    public async Task A_tool_is_named_with_its_audience_and_what_the_call_takes()
    {
        Assert.Equal(ExitCode.Usage, (await Agentid.RunAsync("drill", "--tool", "http://127.0.0.1:1/weather")).ExitCode);
        Assert.Equal(ExitCode.Usage, (await Agentid.RunAsync("drill", "--delegates", "1")).ExitCode);
    }

    private async Task<JsonElement[]> DrillAsync(int exitCode, params string[] options)
    {
        var outcome = await Agentid.RunAsync(["drill", .. options, "--json"]);
        Assert.True(outcome.ExitCode == exitCode, outcome.Output + outcome.Error);
        return [.. outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    // Each step once, in the order in which they began.
    private static IEnumerable<string> Steps(JsonElement[] lines)
    {
        var last = "";
        foreach (var step in lines.Select(Step).Where(step => step != last))
            yield return last = step;
    }

    private static string Step(JsonElement line) => line.Text("step")!;

    private static string Text(JsonElement[] lines, string step) => Array.Find(lines, line => Step(line) == step).Text("text")!;

    /// <summary>Tells of each line that is written.</summary>
    private sealed class HeardWriter(Action<string> heard) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            heard(value ?? "");
        }
    }

    private static IEnumerable<int> Leaks(JsonElement[] lines) =>
        lines.Where(line => Step(line) == "leak" && !line.TryGetProperty("passed", out _)).Select(line => line.GetProperty("details").GetProperty("allowed").GetInt32());
}
