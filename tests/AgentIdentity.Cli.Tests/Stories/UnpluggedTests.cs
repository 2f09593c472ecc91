using System.Diagnostics;
using AgentIdentity.Cli.Demo;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>With the network unplugged (a network namespace that has loopback and nothing else) everything but the chain works, and nobody tries to connect out.</summary>
public sealed class UnpluggedTests
{
    private static readonly TimeSpan LimitOnBusyMachines = TimeSpan.FromMinutes(5);

    [SkippableFact]
    public async Task The_whole_demo_works()
    {
        using var folder = new TemporaryFolder();

        await RunUnpluggedAsync(ProgramFile.Own().Start("demo", "--json", "--home", Path.Combine(folder.Path, "home")));
    }

    [SkippableFact]
    public async Task Two_registries_witness_each_other()
    {
        // The story is told there by a test run of its own.
        var told = await RunUnpluggedAsync(new ProcessStartInfo("dotnet", ["vstest", typeof(UnpluggedTests).Assembly.Location, $"--TestCaseFilter:FullyQualifiedName~{nameof(WitnessStoryTests)}"]));

        Assert.Matches("Passed:\\s+1\\b", told);
    }

    private static async Task<string> RunUnpluggedAsync(ProcessStartInfo command)
    {
        Skip.IfNot(await RunAsync("unshare", "--map-root-user", "--net", "true") is (0, _), "this system does not let a process have a network of its own");
        using var folder = new TemporaryFolder();
        var trace = Path.Combine(folder.Path, "connects");
        var (exitCode, output) = await RunAsync(
            "strace", ["-f", "-qq", "--seccomp-bpf", "-e", "trace=connect", "-o", trace, "unshare", "--map-root-user", "--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh", command.FileName, .. command.ArgumentList]);

        Assert.True(exitCode == 0, output);
        var connects = (await File.ReadAllLinesAsync(trace)).Where(line => line.Contains("sa_family=AF_INET", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(connects);
        Assert.All(connects, line => Assert.True(IsToLoopback(line), line));
        return output;
    }

    private static bool IsToLoopback(string connect) =>
        connect.Contains("inet_addr(\"127.0.0.1\")", StringComparison.Ordinal) || connect.Contains("AF_INET6, \"::1\"", StringComparison.Ordinal)
        || connect.Contains("AF_INET6, \"::ffff:127.0.0.1\"", StringComparison.Ordinal);

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        // The command line of .NET would send its makers a word about its use.
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(LimitOnBusyMachines);
        return (process.ExitCode, await output + await errors);
    }
}
