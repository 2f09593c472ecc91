using System.Diagnostics;
using System.Text.Json;
using AgentIdentity.Cli.Demo;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>The demo, told whole by agentid itself with real processes.</summary>
public sealed class DemoTests
{
    private static readonly TimeSpan LimitOnBusyMachines = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_demo_tells_the_whole_story_and_leaves_nothing_behind()
    {
        using var agentid = new Agentid();
        var start = Stopwatch.GetTimestamp();

        var outcome = (await agentid.RunAsync("demo", "--json")).Fine();

        var steps = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(
            ["start", "bootstrap", "tool", "token", "enrol", "enrol", "call", "call", "record", "record", "stop", "refused", "goes on", "evidence", "trail", "prove", "end"],
            steps.Select(step => step.GetProperty("step").GetString()));
        Assert.Equal("AGENT_FROZEN", Details(steps, "refused").GetProperty("reason").GetString());
        Assert.Equal("quarantined", Details(steps, "evidence").GetProperty("class").GetString());
        Assert.Equal("proven", Details(steps, "prove").GetProperty("verdict").GetString());
        Assert.All(steps[..3].Where(step => step.GetProperty("details").TryGetProperty("pid", out _)), step => AssertEnded(step.GetProperty("details").GetProperty("pid").GetInt32()));
        Assert.True(Stopwatch.GetElapsedTime(start) < LimitOnBusyMachines);
    }

    [Fact]
    public async Task Without_room_for_temporary_files_it_says_which_setting_names_another_folder()
    {
        using var folder = new TemporaryFolder();
        var start = ProgramFile.Own().Start("demo", "--home", Path.Combine(folder.Path, "home"));
        start.Environment["TMPDIR"] = Path.Combine(folder.Write("a-file", ""), "temporary");

        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(ExitCode.Usage, process.ExitCode);
        Assert.Contains("TMPDIR", said, StringComparison.Ordinal);
    }

    private static JsonElement Details(JsonElement[] steps, string name) => Array.Find(steps, step => step.GetProperty("step").GetString() == name).GetProperty("details");

    private static void AssertEnded(int processId) => Assert.Throws<ArgumentException>(() => Process.GetProcessById(processId));
}
