using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recording;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>Each write of a short life fails once, in both ways: entries, heads, checkpoints. Then a restart, everything acknowledged again, and every stored byte checked.</summary>
public sealed class FaultSweepTests
{
    // More writes than the life below makes: the last runs see no fault, and that is asserted.
    private const int WritesMax = 40;

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task Whichever_write_fails_nothing_acknowledged_is_lost_and_every_byte_fits_after_the_restart(Fault fault)
    {
        var faults = 0;
        for (var write = 0; write < WritesMax; write++)
            faults += await LiveAsync(write, fault) ? 1 : 0;
        Assert.InRange(faults, 15, WritesMax - 1);
    }

    private static async Task<bool> LiveAsync(int write, Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var chain = agent.Chain(3);
        before.Store.FailLater(write, fault);
        var acknowledged = new List<(byte[] Statement, Recorded Answer)>();
        var isStopped = false;
        foreach (var statement in chain)
        {
            await StepAsync(before, () => agent.SendAsync(statement), answer => acknowledged.Add((statement, answer)));
            await StepAsync(before, () => agent.SendAsync(agent.Statement(0, default, fill: 9)), _ => Assert.Fail("A fork was taken."));
            await StepAsync(before, () => before.Node.Issuing.IssueAsync(agent.Record, "", [], 0), _ => { });
        }
        await StepAsync(before, () => before.Node.Operating.RotateIssuerKeyAsync(before.Operator), _ => { });
        await StepAsync(before, () => before.StopAsync(agent), _ => isStopped = true);
        var isHalted = before.Node.Standing.IsHalted;
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        foreach (var (statement, answer) in acknowledged)
            Assert.Equal(answer.Index, TestNode.Good(await agent.At(after).SendAsync(statement)).Index);
        if (isStopped)
            Assert.Equal(Refusal.AgentFrozen, after.Node.Standing.Of(agent.Id).Refusal);
        await after.DisposeAsync();
        Assert.Empty(await FindAsync(before.Folder));
        return isHalted;
    }

    // The clock moves on before each step, so that the writer makes a checkpoint right behind it.
    private static async Task StepAsync<T>(TestNode registry, Func<Task<Outcome<T>>> act, Action<T> acknowledged)
    {
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        var outcome = await act().WaitAsync(TestNode.Patience);
        if (!outcome.IsRefused)
            acknowledged(outcome.Value);
    }

    private static async Task<List<Finding>> FindAsync(string folder)
    {
        using var store = SqliteLedgerStore.Open(folder);
        // The index of subjects follows the entries in the background.
        while (store.ReadSubjectIndex((_, _) => { }) != store.Size)
            await Task.Delay(5);
        var findings = new List<Finding>();
        await Fsck.RunAsync(store, store, new SnapshotFile(folder), withSignatures: true, findings.Add, _ => { }, CancellationToken.None);
        return findings;
    }
}
