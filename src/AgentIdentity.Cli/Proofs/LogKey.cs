using AgentIdentity.Client;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Proofs;

/// <summary>The key that checkpoints are held against, and where it comes from, since a proof is worth as much as that.</summary>
internal sealed record LogKey(NoteVerifierKey Key, string Source, bool IsTrusted)
{
    private const int LengthMax = 1024;

    /// <summary>The key that is given, or the one that the home folder keeps, or else what the registry says of itself.</summary>
    public static async Task<LogKey> FindAsync(Invocation run, string? given, Func<Task<string>> askRegistry)
    {
        if (given is not null)
            return Given(given);
        if (run.Home.Registry.LogKey(run.Registry.PublicUrl) is { } pinned)
            return new LogKey(Parse(pinned, "the home folder"), "kept at bootstrap", IsTrusted: true);
        return new LogKey(Parse(await askRegistry(), "the registry"), "the registry's own word", IsTrusted: false);
    }

    /// <summary>The key that signs now, as far as the rotations lead that were followed from this one.</summary>
    public LogKey Following(Invocation run)
    {
        var next = new FollowedSuccessions(run.Home.CheckpointFolder).Lead(Key);
        return next == Key ? this : this with { Key = next, Source = $"which {Key} has named as its successor; that one was {Source}" };
    }

    /// <summary>The key from the command line: a vkey line, or a file that holds one.</summary>
    public static LogKey Given(string text) =>
        File.Exists(text)
            ? new LogKey(Parse(File.ReadAllText(text), text), $"given with --log-key {text}", IsTrusted: true)
            : text.Contains('+', StringComparison.Ordinal)
                ? new LogKey(Parse(text, "--log-key"), "given with --log-key", IsTrusted: true)
                : throw Failure.Usage($"--log-key takes a key or a file that holds one: there is no file {text}, and a key has a '+'.");

    private static NoteVerifierKey Parse(string text, string source) => NoteVerifierKey.TryParse(text.Trim(), out var key, out var refusal)
        ? key
        : throw Failure.Usage($"The log key from {source} is none: {refusal}.", "A line like localhost:5000+52648c1e+AXqAil… is expected, as /log-key serves it.");

    /// <summary>What the HTTP listener names: the key of the first log.</summary>
    public static async Task<string> FetchAsync(Invocation run, CancellationToken cancellationToken)
    {
        var url = $"{run.HttpListener}/log-key";
        using var http = run.OpenHttp(LengthMax, TimeSpan.FromSeconds(10));
        return await http.GetStringAsync(url, cancellationToken);
    }
}
