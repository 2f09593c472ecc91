using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Mirrors;
using AgentIdentity.Cli.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Copies the public log into a folder of static files, checked, for mirrors.</summary>
internal static class ExportLogVerb
{
    private static readonly Argument<string> Folder = new("folder") { Description = "Where the files go. A folder with an earlier export is brought up to date." };

    private static readonly Option<string> Url = new("--url") { HelpName = "URL", Description = "Where the log is served, for example by another mirror. Without it: --http." };

    private static readonly Option<string> LogKeyOption = new("--log-key")
    {
        HelpName = "VKEY",
        Description = "The log's key, from where you trust it. Without it: the one that bootstrap kept in the home folder, else the registry's own word.",
    };

    public static Command Create() =>
        new Command("export-log", "Copy the public log into a folder, checked, so that any web server can mirror it.") { Folder, Url, LogKeyOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var url = run.Find(Url) is { } given ? HttpUrl.ReadBase(Url.Name, given) : run.HttpListener;
        var logKey = await LogKey.FindAsync(run, run.Find(LogKeyOption), () => LogKey.FetchAsync(run, cancellationToken));
        using var http = run.OpenHttp(LogSource.BytesMax, TimeSpan.FromSeconds(30));
        var source = new LogSource(url, http);
        var folder = new LogFolder(run.Get(Folder));
        var note = await source.CheckpointAsync(cancellationToken);
        // Each log of the registry is served by itself, those that were succeeded too.
        if (!Checkpoint.TryOpen(note, logKey.Key, out _, out _))
            logKey = logKey.Following(run);
        var checkpoint = Open(note, logKey, "that is served");
        var before = folder.ReadCheckpoint() is { } held ? Open(held, logKey, $"in {run.Get(Folder)}") : null;
        if (before is not null && before.Size.Value > checkpoint.Size.Value)
            throw Failure.Refused($"The log has {checkpoint.Size} entries; this folder has {before.Size} of it.", "The log was put back to an older state. Keep the folder: its checkpoint is the evidence.");
        var mirror = new LogMirror(source, folder, checkpoint, before);
        await Progress.ShowAsync(run, "Exporting", mirror.Bundles, async report =>
        {
            await mirror.CopyAsync(report, cancellationToken);
            return true;
        });
        folder.WriteCheckpoint(note);
        var successor = SuccessionNote.TryOpen(note, logKey.Key, out var succession) ? succession.Next : null;
        run.Answer(ToJson(run, folder, checkpoint, logKey, successor), text => Write(text, run, folder, checkpoint, logKey, successor));
        return logKey.IsTrusted ? ExitCode.Fine : ExitCode.Refused;
    }

    private static Checkpoint Open(byte[] note, LogKey logKey, string where) => Checkpoint.TryOpen(note, logKey.Key, out var checkpoint, out var refusal)
        ? checkpoint
        : throw Failure.Refused($"The checkpoint {where} is not one that {logKey.Key} has signed: {refusal}.");

    private static JsonObject ToJson(Invocation run, LogFolder folder, Checkpoint checkpoint, LogKey logKey, NoteVerifierKey? successor) => new()
    {
        ["origin"] = checkpoint.Origin,
        ["tree_size"] = checkpoint.Size.Value,
        ["root"] = checkpoint.Root.ToString(),
        ["folder"] = run.Get(Folder),
        ["files_written"] = folder.Written,
        ["verdict"] = Verdict(logKey),
        ["log_key"] = logKey.Key.ToString(),
        ["successor"] = successor?.ToString(),
    };

    private static void Write(TextWriter text, Invocation run, LogFolder folder, Checkpoint checkpoint, LogKey logKey, NoteVerifierKey? successor)
    {
        text.WriteLine($"{checkpoint.Size} entries of {checkpoint.Origin} are in {run.Get(Folder)}; {folder.Written} files were written");
        text.WriteLine($"{Verdict(logKey)}: every tile and entry leads to the signed root; the log key is {logKey.Source}");
        if (successor is not null)
            text.WriteLine($"the log ended here, and its last checkpoint names {successor}: export that log into a folder of its own, with --url and --log-key");
    }

    private static string Verdict(LogKey logKey) => logKey.IsTrusted ? "verified" : "self-consistent only";
}
