using AgentIdentity.Registry.Recovery;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Maintenance;

/// <summary>Replaces the log's key by opening a successor log on a folder that nobody uses.</summary>
internal static class RotateLogKeyVerb
{
    public static Verb Verb { get; } = new(
        "rotate-log-key", $"--data FOLDER {KeySource.Usage}", "replace the log's key: the tree goes on as a successor log", ["--data", .. KeySource.OptionNames], [], RunAsync);

    private static async Task<int> RunAsync(VerbRun run)
    {
        using var store = SqliteLedgerStore.OpenExisting(run.Data);
        using var keys = KeySource.Of(run.Given.Find).Open(run.Data);
        var next = await new Succession(store, new SnapshotFile(run.Data), keys, run.Clock, run.Errors.WriteLine).RotateAsync();
        run.Output.WriteLine($"{next.Origin} goes on from entry {next.From}; its key, for whoever pins it: {next.Verifier}");
        return ExitCodes.Done;
    }
}
