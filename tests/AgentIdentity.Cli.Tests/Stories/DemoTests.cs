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

    [SkippableFact]
    public async Task With_the_network_unplugged_the_whole_demo_works_and_nobody_tries_to_connect_out()
    {
        Skip.IfNot(await RunAsync("unshare", "--map-root-user", "--net", "true") is (0, _), "this system does not let a process have a network of its own");
        using var folder = new TemporaryFolder();
        var trace = Path.Combine(folder.Path, "connects");
        var agentid = ProgramFile.Own().Start("demo", "--json", "--home", Path.Combine(folder.Path, "home"));
        var (exitCode, output) = await RunAsync(
            "strace", ["-f", "-qq", "--seccomp-bpf", "-e", "trace=connect", "-o", trace, "unshare", "--map-root-user", "--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh", agentid.FileName, .. agentid.ArgumentList]);

        Assert.True(exitCode == 0, output);
        var connects = (await File.ReadAllLinesAsync(trace)).Where(line => line.Contains("sa_family=AF_INET", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(connects);
        Assert.All(connects, line => Assert.True(IsToLoopback(line), line));
    }

    private static bool IsToLoopback(string connect) =>
        connect.Contains("inet_addr(\"127.0.0.1\")", StringComparison.Ordinal) || connect.Contains("AF_INET6, \"::1\"", StringComparison.Ordinal)
        || connect.Contains("AF_INET6, \"::ffff:127.0.0.1\"", StringComparison.Ordinal);

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(LimitOnBusyMachines * 2);
        return (process.ExitCode, await output + await errors);
    }

    private static JsonElement Details(JsonElement[] steps, string name) => Array.Find(steps, step => step.GetProperty("step").GetString() == name).GetProperty("details");

    private static void AssertEnded(int processId) => Assert.Throws<ArgumentException>(() => Process.GetProcessById(processId));
}
