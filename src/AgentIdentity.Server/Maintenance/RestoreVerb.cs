using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Options;
using AgentIdentity.Storage.Backups;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Maintenance;

/// <summary>Makes a data folder from a backup, unless that would make the log sign two histories.</summary>
internal static class RestoreVerb
{
    public static Verb Verb { get; } = new(
        "restore", "--from FOLDER --data FOLDER (--seen FILE | --nothing-newer)", "make a data folder from a backup that is as new as all that was ever shown",
        ["--from", "--data", "--seen"], ["--nothing-newer"], RunAsync);

    private static Task<int> RunAsync(VerbRun run)
    {
        var (from, seen) = (run.Given.Require("--from"), run.Given.All("--seen"));
        RequireWord(seen, run.Given.Has("--nothing-newer"));
        var manifest = BackupManifest.Read(from);
        FolderCopy.RequireEmpty(run.Data);
        // Beside its final place: a folder of that name is there when it may be served, and not before.
        var draft = FolderCopy.DraftOf(run.Data, ".restoring");
        FolderCopy.TakeResting(from, draft);
        try
        {
            var summary = Check(draft, manifest, seen, run.Errors.WriteLine);
            FolderCopy.Rename(draft, Path.GetFullPath(run.Data));
            run.Output.WriteLine(summary);
            return Task.FromResult(ExitCodes.Done);
        }
        catch
        {
            Directory.Delete(draft, recursive: true);
            throw;
        }
    }

    private static void RequireWord(IReadOnlyList<string> seen, bool nothingNewer)
    {
        if (seen.Count > 0 && nothingNewer)
            throw new OptionsRefusedException("--seen and --nothing-newer exclude each other: a checkpoint that was seen is what the backup is held against.");
        if (seen.Count == 0 && !nothingNewer)
            throw new StoreRefusedException(
                "A log that goes on from a backup signs a second history if anybody has seen a newer checkpoint than the backup's: name the newest known one with --seen "
                + "(a client's or mirror's file), or say --nothing-newer if none was ever shown.");
    }

    private static string Check(string folder, BackupManifest manifest, IReadOnlyList<string> seen, Action<string> log)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        var ledger = RestingLedger.Read(store, new SnapshotFile(folder), log);
        if (!manifest.IsOf(ledger))
            throw new StoreRefusedException($"The backup holds a checkpoint of {ledger.Signed.Size} entries and its manifest names one of {manifest.Size}: it was put together from two; take another one.");
        foreach (var file in seen)
            RequireHeld(ledger, file);
        return $"{ledger.State.Position} entries, checkpoint of {ledger.Signed.Size}, as of {manifest.At:u}";
    }

    private static void RequireHeld(RestingLedger ledger, string file)
    {
        const string WhatNow = "the log must not go on from here; recover --from opens a successor log, which says what was lost";
        var verdict = ledger.Compare(File.ReadAllBytes(file), out var seen);
        if (verdict == SeenVerdict.Held)
            return;
        throw new StoreRefusedException(verdict switch
        {
            SeenVerdict.Larger => $"{file} shows {seen!.Size} entries and the backup's newest checkpoint {ledger.Signed.Size}, so {seen.Size.Value - ledger.Signed.Size.Value} entries are lost: {WhatNow}.",
            SeenVerdict.Contradicts => $"{file} shows another history of {seen!.Size} entries than the backup: {WhatNow}.",
            SeenVerdict.Foreign => $"{file} is no checkpoint that this log's key has signed.",
            _ => throw new InvalidOperationException($"No sentence for {verdict}."),
        });
    }
}
