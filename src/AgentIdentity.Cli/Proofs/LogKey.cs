using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Proofs;

/// <summary>The key that checkpoints are held against, and where it comes from, since a proof is worth as much as that.</summary>
internal sealed record LogKey(NoteVerifierKey Key, string Source, bool IsTrusted)
{
    private const int LengthMax = 1024;

    public static async Task<LogKey> FindAsync(Invocation run, string? given, CancellationToken cancellationToken)
    {
        if (given is not null)
            return Given(given);
        if (run.Home.Registry.LogKey(run.Registry.PublicUrl) is { } pinned)
            return new LogKey(Parse(pinned, "the home folder"), "kept at bootstrap", IsTrusted: true);
        var url = $"{run.Setting(GlobalOptions.Http)}/log-key";
        return new LogKey(Parse(await FetchAsync(url, cancellationToken), url), "the registry's own word", IsTrusted: false);
    }

    /// <summary>The key from the command line: a vkey line, or a file that holds one.</summary>
    public static LogKey Given(string text) =>
        File.Exists(text)
            ? new LogKey(Parse(File.ReadAllText(text), text), $"given with --log-key {text}", IsTrusted: true)
            : new LogKey(Parse(text, "--log-key"), "given with --log-key", IsTrusted: true);

    private static NoteVerifierKey Parse(string text, string source) => NoteVerifierKey.TryParse(text.Trim(), out var key, out var refusal)
        ? key
        : throw Failure.Usage($"The log key from {source} is none: {refusal}.", "A line like localhost:5000+52648c1e+AXqAil… is expected, as /log-key serves it.");

    private static async Task<string> FetchAsync(string url, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out _))
            throw Failure.Usage($"'{url}' is no URL.", $"Say where the registry's HTTP listener is with {GlobalOptions.Http}.");
        using var http = new HttpClient { MaxResponseContentBufferSize = LengthMax, Timeout = TimeSpan.FromSeconds(10) };
        return await http.GetStringAsync(url, cancellationToken);
    }
}
