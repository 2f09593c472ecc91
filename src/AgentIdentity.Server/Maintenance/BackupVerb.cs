using AgentIdentity.Registry.Recovery;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Storage.Backups;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Maintenance;

/// <summary>Copies a data folder that may be in use, and opens the copy to see that it is whole.</summary>
internal static class BackupVerb
{
    public static Verb Verb { get; } = new(
        "backup", "--data FOLDER --to FOLDER", "copy a data folder, also while it is served; the target must be empty", ["--data", "--to"], [], RunAsync);

    private static Task<int> RunAsync(VerbRun run)
    {
        var target = run.Given.Require("--to");
        FolderCopy.RequireEmpty(target);
        try
        {
            Take(run, target);
        }
        catch
        {
            // Half a backup has all keys in it, and the room that the next one needs.
            FolderCopy.Clear(target);
            throw;
        }
        return Task.FromResult(ExitCodes.Done);
    }

    private static void Take(VerbRun run, string target)
    {
        FolderCopy.TakeLive(run.Data, target);
        using var store = SqliteLedgerStore.OpenExisting(target);
        var ledger = RestingLedger.Read(store, new SnapshotFile(target), run.Errors.WriteLine);
        // Last, so that what has no manifest is known not to be complete.
        BackupManifest.Of(ledger, run.Clock.GetUtcNow()).Write(target);
        run.Output.WriteLine($"{ledger.State.Position} entries, checkpoint of {ledger.Signed.Size}, in {Path.GetFullPath(target)}");
    }
}
