using System.Text.Json;

namespace AgentIdentity.Cli.Tests;

/// <summary>What a run of agentid came to.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    /// <summary>The single JSON object that --json promises.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>The same outcome when it is a good one; a failed test otherwise, with what was said.</summary>
    public Outcome Fine() => ExitCode == 0 ? this : throw new InvalidOperationException($"exit code {ExitCode}: {Error}{Output}");
}

/// <summary>Runs agentid within the test, with a home folder of its own.</summary>
internal sealed class Agentid : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Home => Path.Combine(_folder.Path, "home");

    /// <summary>Options that go before all others, for example where the registry is.</summary>
    public IReadOnlyList<string> Settings { get; set; } = [];

    public string Write(string name, string content) => _folder.Write(name, content);

    public Task<Outcome> RunAsync(params string[] words) => RunAsync("", words);

    public async Task<Outcome> RunAsync(string input, string[] words)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var terminal = new Terminal { Input = new StringReader(input), Output = output, Error = error, EnableDefaultExceptionHandler = false };
        var exitCode = await CommandLine.RunAsync([.. words, "--home", Home, .. Settings], terminal, CancellationToken.None);
        return new Outcome(exitCode, output.ToString(), error.ToString());
    }

    public void Dispose() => _folder.Dispose();
}
