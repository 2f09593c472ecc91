using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Maintenance;

/// <summary>Checks a data folder that nobody uses. A line for each finding on standard output; 0 when there is none.</summary>
internal static class FsckVerb
{
    // Whoever checks ten million entries wants to know how far it is; whoever checks a thousand does not.
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    public static Verb Verb { get; } = new(
        "fsck", "--data FOLDER [--signatures]", "rebuild everything from the entries and compare every stored byte", ["--data"], ["--signatures"], RunAsync);

    private static async Task<int> RunAsync(VerbRun run)
    {
        try
        {
            using var store = SqliteLedgerStore.OpenExisting(run.Data);
            var (started, told) = (run.Clock.GetTimestamp(), run.Clock.GetTimestamp());
            void Tell(TreeSize at)
            {
                if (run.Clock.GetElapsedTime(told) < ProgressInterval)
                    return;
                told = run.Clock.GetTimestamp();
                run.Errors.WriteLine($"{at.Value:N0} of {store.Size.Value:N0} entries, {at.Value / run.Clock.GetElapsedTime(started).TotalSeconds:N0} a second");
            }
            var report = await Fsck.RunAsync(store, store, new SnapshotFile(run.Data), run.Given.Has("--signatures"), run.Output.WriteLine, Tell, CancellationToken.None);
            run.Errors.WriteLine(Summary(report));
            if (store.FirstReserved is { } first)
                run.Errors.WriteLine($"entries {first} to {store.Size.Value - 1} wait in the control journal for room on the disk; they are checked like the others");
            run.Errors.WriteLine(NotChecked(run.Given.Has("--signatures")));
            return report.Findings == 0 ? ExitCodes.Done : ExitCodes.Refused;
        }
        catch (StoreRefusedException refused) when (refused.IsDamage)
        {
            // So damaged that it does not open is a finding, and not a reason why nothing was looked for.
            run.Output.WriteLine(refused.Message);
            return ExitCodes.Refused;
        }
    }

    private static string NotChecked(bool withSignatures) => (withSignatures
        ? "not checked: when enrolment proofs came, and the signatures of operators' bootstrap proofs and approvals"
        : "not checked: signatures of statements, of enrolment proofs (--signatures checks both), and of operators' bootstrap proofs and approvals")
        + $"; the folder {SqliteLedgerStore.CommitmentsFolder}, a cache that is made again from the entries when it is deleted";

    private static string Summary(FsckReport report)
    {
        var checkedText = $"{report.Entries:N0} entries, {report.Tiles:N0} tiles, {report.Signatures:N0} signatures: ";
        var folded = report.Folded == report.Entries ? "" : $"; from entry {report.Folded} on, entries were held against the tree only";
        return checkedText + (report.Findings == 0 ? "nothing to object to" : $"{report.Findings:N0} findings") + folded;
    }
}
