using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Options;
using AgentIdentity.Storage.Backups;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Maintenance;

/// <summary>The recovery ceremony, docs/operations.md: a registry that holds less than somebody has seen goes on as a successor log that says so.</summary>
internal static class RecoverVerb
{
    public static Verb Verb { get; } = new(
        "recover", $"--data FOLDER [--from BACKUP] --seen FILE… [--stops FILE…] {KeySource.Usage} [--yes]",
        "go on from less than others have seen, as a successor log that names what was lost", ["--data", "--from", "--seen", "--stops", .. KeySource.OptionNames], ["--yes"], RunAsync);

    private static async Task<int> RunAsync(VerbRun run)
    {
        if (run.Given.All("--seen").Count == 0)
            throw new OptionsRefusedException("--seen is missing: a recovery names the checkpoints that others have seen and this registry does not hold.");
        if (run.Given.Find("--from") is not { } backup)
            return await RecoverAsync(run, run.Data);

        // Beside its final place, as a restore does: an unfinished recovery is never served.
        FolderCopy.RequireEmpty(run.Data);
        var draft = FolderCopy.DraftOf(run.Data, ".recovering");
        FolderCopy.TakeResting(backup, draft);
        var exitCode = ExitCodes.NotDone;
        try
        {
            exitCode = await RecoverAsync(run, draft);
        }
        finally
        {
            if (exitCode == ExitCodes.Done)
                FolderCopy.Rename(draft, Path.GetFullPath(run.Data));
            else
                Directory.Delete(draft, recursive: true);
        }
        return exitCode;
    }

    private static async Task<int> RecoverAsync(VerbRun run, string folder)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        var snapshots = new SnapshotFile(folder);
        var ledger = RestingLedger.Read(store, snapshots, run.Errors.WriteLine);
        var lost = Lost(run, ledger);
        var stops = Stops(run, ledger);
        if (!run.Given.Has("--yes"))
        {
            run.Errors.WriteLine("Nothing was changed. What is lost stays lost: look for a newer backup first. Run it again with --yes to go on without it.");
            return ExitCodes.NotDone;
        }
        using var keys = KeySource.Of(run.Given.Find).Open(folder);
        var next = await new Succession(store, snapshots, keys, run.Clock, run.Errors.WriteLine).RecoverAsync(lost, stops);
        run.Output.WriteLine($"{next.Origin} goes on from entry {next.From}; its key, for whoever pins it: {next.Verifier}");
        return ExitCodes.Done;
    }

    private static List<string> Lost(VerbRun run, RestingLedger ledger)
    {
        var lost = new List<string>();
        run.Output.WriteLine($"held: {ledger.State.Position} entries of {ledger.State.Log.Origin}, under a checkpoint of {ledger.Signed.Size}");
        foreach (var file in run.Given.All("--seen"))
        {
            var note = File.ReadAllBytes(file);
            switch (ledger.Compare(note, out var seen))
            {
                case SeenVerdict.Held:
                    run.Output.WriteLine($"{file}: {seen!.Size} entries, all held");
                    break;
                case SeenVerdict.Larger:
                    run.Output.WriteLine($"{file}: {seen!.Size} entries; those from {ledger.Signed.Size} on are lost, or stand here without having been signed");
                    lost.Add(Encoding.UTF8.GetString(note));
                    break;
                case SeenVerdict.Contradicts:
                    run.Output.WriteLine($"{file}: another history of {seen!.Size} entries");
                    lost.Add(Encoding.UTF8.GetString(note));
                    break;
                case SeenVerdict.Foreign:
                    throw new StoreRefusedException($"{file} is no checkpoint that this log's key has signed.");
                default:
                    throw new InvalidOperationException($"No rule for a checkpoint that was compared with {file}.");
            }
        }
        return lost.Count > 0 ? lost : throw new StoreRefusedException("Everything that was seen is held here, so that nothing has to be recovered: start the server.");
    }

    // A trail file holds every stop of its agent, under a checkpoint of the lost log.
    private static List<KnownStop> Stops(VerbRun run, RestingLedger ledger)
    {
        var stops = new List<KnownStop>();
        foreach (var file in run.Given.All("--stops"))
        {
            var verdict = ledger.State.Logs.Select(log => TrailVerifier.Verify(File.ReadAllBytes(file), log.Verifier)).FirstOrDefault(verdict => verdict.IsConsistent)
                ?? throw new StoreRefusedException($"{file} is no trail file that holds under this log's key.");
            var agent = ledger.State.FindAgent(verdict.File!.Header.AgentId);
            var worst = verdict.Entries.Select(entry => entry.Entry?.Body).OfType<Stop>().Where(stop => stop.Scope.IsAgent).MaxBy(stop => stop.State);
            if (worst is null || agent is null || ledger.State.StandingOf(agent) >= worst.State)
            {
                run.Output.WriteLine($"{file}: nothing to stop again{(agent is null ? ", since the agent's enrolment is lost with it" : "")}");
                continue;
            }
            run.Output.WriteLine($"{file}: {agent.Id} will be {worst.State.ToString().ToLowerInvariant()} again");
            stops.Add(new KnownStop(agent.Id, worst.State, worst.Reason));
        }
        return stops;
    }
}
