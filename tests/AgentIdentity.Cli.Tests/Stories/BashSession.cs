using System.Diagnostics;
using AgentIdentity.Cli.Demo;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>A bash in a folder of its own with free ports, in which a document's commands run as a reader would type them.</summary>
internal sealed class BashSession : IAsyncDisposable
{
    private const string End = "-- end of the command --";

    private readonly TemporaryFolder _folder = new();
    private readonly ChildProcess _bash;

    public BashSession(IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder.Path };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        start.Environment["HOME"] = _folder.Path;
        _bash = ChildProcess.Start(start, "bash");
    }

    /// <summary>What a command prints, standard error included. A command in the background is not waited for, only its lines are.</summary>
    public async Task<string[]> RunAsync(Step step)
    {
        if (step.IsInBackground)
            return await ReadAsync($"{step.Command}", step.Output.Count);
        var lines = new List<string>();
        var ask = $"{{ {step.Command}\n}} 2>&1; echo '{End}'";
        while (await _bash.AskAsync(lines.Count == 0 ? ask : null, CancellationToken.None) is var line && line != End)
            lines.Add(line);
        return [.. lines];
    }

    public async ValueTask DisposeAsync()
    {
        // Its own children first: bash itself is then ended like any other process.
        await RunAsync(new Step("kill $(jobs -p) && wait", []));
        await _bash.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<string[]> ReadAsync(string command, int count)
    {
        var lines = new string[count];
        for (var i = 0; i < count; i++)
            lines[i] = await _bash.AskAsync(i == 0 ? command : null, CancellationToken.None);
        return lines;
    }
}
