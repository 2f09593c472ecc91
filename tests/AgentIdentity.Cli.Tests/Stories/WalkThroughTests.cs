using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>
/// Keeps the README true: its walk-through is run in bash, command by command, with free ports in place of the usual ones, and what each prints
/// is compared with what the README says that it prints.
/// </summary>
public sealed partial class WalkThroughTests
{
    private static readonly string[] Listeners = ["5001", "5002", "5000", "5003", "8080"];

    [Fact]
    public async Task The_walk_through_of_the_readme_prints_what_the_readme_says()
    {
        var steps = WalkThrough.Read(await File.ReadAllTextAsync(Path.Combine(RepositoryRoot(), "README.md")));
        var ports = Listeners.Zip(FreePorts(Listeners.Length)).ToDictionary(pair => pair.First, pair => pair.Second);
        await using var bash = new BashSession(Environment(ports));
        var (stopIndex, stopInDocument) = ("", "");

        Assert.NotEmpty(steps);
        foreach (var step in steps)
        {
            var command = ports.Aggregate(step.Command, (text, port) => text.Replace($"127.0.0.1:{port.Key}", $"127.0.0.1:{port.Value}", StringComparison.Ordinal));
            // The document proves the stop by the number that it got, which depends on how much was put on the record meanwhile. So it says which number that is.
            if (ProvenIndex().IsMatch(command))
                Assert.Equal($"agentid prove {stopInDocument} # the number that stop printed", command);
            var printed = await bash.RunAsync(step with { Command = ProvenIndex().Replace(command, $"agentid prove {stopIndex}") });
            if (command.StartsWith("agentid stop", StringComparison.Ordinal))
                (stopIndex, stopInDocument) = (IndexIn(printed), IndexIn(step.Output));

            Assert.Equal(Readable(step, step.Output), Readable(step, printed));
        }
    }

    private static string IndexIn(IEnumerable<string> lines) => EntryIndex().Match(string.Join(' ', lines)).Groups[1].Value;

    private static string Readable(Step step, IEnumerable<string> lines) => string.Join('\n', lines.Select(WalkThrough.Normalise).Prepend($"$ {step.Command}"));

    private static Dictionary<string, string> Environment(Dictionary<string, int> ports) => new()
    {
        ["PATH"] = $"{AppContext.BaseDirectory}:{System.Environment.GetEnvironmentVariable("PATH")}",
        ["AGENTIDENTITY_GRPC"] = $"127.0.0.1:{ports["5001"]}",
        ["AGENTIDENTITY_CONTROL"] = $"127.0.0.1:{ports["5002"]}",
        ["AGENTIDENTITY_HTTP"] = $"127.0.0.1:{ports["5000"]}",
        ["AGENTIDENTITY_CONSOLE"] = $"127.0.0.1:{ports["5003"]}",
        ["AGENTID_REGISTRY"] = $"http://127.0.0.1:{ports["5001"]}",
        ["AGENTID_CONTROL"] = $"http://127.0.0.1:{ports["5002"]}",
        ["AGENTID_HTTP"] = $"http://127.0.0.1:{ports["5000"]}",
    };

    // All held at once, so that they differ.
    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners)
            listener.Start();
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners)
            listener.Dispose();
        return ports;
    }

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AgentIdentity.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("AgentIdentity.sln is in no folder above the tests.");
        return folder;
    }

    [GeneratedRegex(@"agentid prove \d+")]
    private static partial Regex ProvenIndex();

    [GeneratedRegex(@"entry +(\d+)")]
    private static partial Regex EntryIndex();
}
