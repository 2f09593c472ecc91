using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Storage.Tests;

namespace AgentIdentity.Registry.Tests;

/// <summary>With a full disk everything that would give authority is refused, and stops are RECORDED all the same.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task A_stop_is_recorded_with_its_epoch_while_everything_else_is_refused_and_reads_go_on()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var token = await registry.NewTokenAsync();
        registry.Store.OnAppend = Fault.Full;

        var first = TestNode.Good(await registry.StopAsync(agent));
        var second = TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Blueprint, "elsewhere/1")));
        Assert.Equal((1ul, 2ul, true, true), (first.Epoch, second.Epoch, first.IsIndexPending, second.IsIndexPending));
        Assert.Equal(first.Index.Value + 1, second.Index.Value);
        Assert.Equal(Refusal.StorageFull, (await other.TryRecordAsync()).Refusal);
        Assert.Equal(Refusal.StorageFull, (await registry.Node.Issuing.IssueAsync(other.Record, "", [], 0)).Refusal);
        Assert.Equal(Refusal.StorageFull, (await registry.RestoreAsync(first.Index)).Refusal);
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal(Refusal.StorageFull, (await registry.EnrollAsync(key, token)).Refusal);
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (registry.Verify(agent.Use()), registry.Verify(other.Use())));
        Assert.Equal([first.Index, second.Index], registry.Node.State.Stops.InForce.Select(stop => stop.Denial.Index));

        registry.Store.OnAppend = Fault.None;
        var recorded = await other.RecordAsync();
        Assert.True(recorded.Index.Value > second.Index.Value);
        Assert.False(registry.Node.Stopping.IsIndexPending(first.Index));
        Assert.Equal([1ul, 2ul], registry.Bodies().OfType<Stop>().Select(stop => stop.Epoch));
        TestNode.Good(await registry.RestoreAsync(first.Index));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        await AssertSoundAsync(registry);
    }

    [Fact]
    public async Task What_responders_look_at_meanwhile_is_kept_and_is_on_the_record_when_there_is_room()
    {
        await using var registry = await TestNode.FoundAsync();
        var look = new Look(registry.Operator.Id, new PrivateDataRead("/agentidentity.v1.Questions/WhoIs", "agent", 1), null);
        registry.Store.OnAppend = Fault.Full;
        Assert.Equal(Refusal.StorageFull, (await registry.Node.Reads.RecordAsync(look)).Refusal);
        for (var kept = 0; kept < 1024; kept++)
            Assert.Equal(Refusal.None, await registry.Node.Reads.RecordEvenLateAsync(look));
        Assert.Equal(Refusal.StorageFull, await registry.Node.Reads.RecordEvenLateAsync(look));
        await registry.Node.FlushJournalsAsync();
        Assert.Empty(registry.Bodies().OfType<PrivateDataRead>());

        registry.Store.OnAppend = Fault.None;
        await registry.Node.FlushJournalsAsync();
        await registry.Node.FlushJournalsAsync();
        Assert.Equal(1024, registry.Bodies().OfType<PrivateDataRead>().Count());
        await AssertSoundAsync(registry);
    }

    [Fact]
    public async Task Of_a_group_that_finds_no_room_the_stops_are_kept()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var held = registry.Store.HoldAppends();
        var filler = registry.Node.Reads.RecordAsync(new Look(registry.Operator.Id, new PrivateDataRead("/x", "", 0), null));
        await held;
        var issue = registry.Node.Issuing.IssueAsync(other.Record, "", [], 0);
        var record = other.TryRecordAsync();
        Task<Outcome<Stopped>>[] stops = [registry.StopAsync(agent), registry.StopAsync(agent, StandingState.Revoked), registry.StopAsync(agent)];
        registry.Store.FailLater(1, Fault.Full);
        registry.Store.LetAppendsGo();

        TestNode.Good(await filler);
        Assert.Equal((Refusal.StorageFull, Refusal.StorageFull), ((await issue).Refusal, (await record).Refusal));
        Assert.Equal((1ul, 2ul), (TestNode.Good(await stops[0]).Epoch, TestNode.Good(await stops[1]).Epoch));
        Assert.Equal(Refusal.AlreadyRevoked, (await stops[2]).Refusal);
        await other.RecordAsync();
        Assert.Equal(2, registry.Bodies().OfType<Stop>().Count());
        await AssertSoundAsync(registry);
    }

    [Fact]
    public async Task Orders_of_the_sealed_key_and_cuts_are_kept_too()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        TestNode.Good(await registry.Node.People.SetBreakGlassKeyAsync(registry.Operator, key.PublicKey, registry.ApprovalsOf(ApprovedAction.SetBreakGlassKey(key.PublicKey.KeyId))));
        registry.Store.OnAppend = Fault.Full;
        var order = new StopOrder(SubjectId.New(registry.Clock.GetUtcNow()), Scope.Agent(agent.Id), "nobody answers", registry.Clock.GetUtcNow().ToUnixTimeSeconds()).Sign(key, TestNode.Url);
        var obeyed = TestNode.Good(await registry.Node.Stopping.ObeyAsync(order));
        Assert.Equal((obeyed.Index, true), (TestNode.Good(await registry.Node.Stopping.ObeyAsync(order)).Index, registry.Node.Stopping.IsIndexPending(obeyed.Index)));
        var cut = TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(other.Id), new LeafIndex(1), "it was stolen", "", []));
        Assert.Equal((true, obeyed.Epoch + 1, true), (obeyed.IsIndexPending, cut.Epoch, cut.IsIndexPending));
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
        Assert.NotEqual(Refusal.None, registry.Verify(other.Use()));

        registry.Store.OnAppend = Fault.None;
        TestNode.Good(await registry.EnrollAsync(PrivateKey.Generate(KeyAlgorithm.ES256), await registry.NewTokenAsync()));
        Assert.False(TestNode.Good(await registry.Node.Stopping.ObeyAsync(order)).IsIndexPending);
        await AssertSoundAsync(registry);
    }

    [Fact]
    public async Task A_quiet_registry_takes_up_what_waits_as_soon_as_there_is_room()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        registry.Store.OnAppend = Fault.Full;
        var stop = TestNode.Good(await registry.StopAsync(agent));
        registry.Store.OnAppend = Fault.None;
        await registry.WhenSignedAsync(stop.Index);
        Assert.False(registry.Node.Stopping.IsIndexPending(stop.Index));
        TestNode.Good(registry.Node.LeafProofs.Prove(stop.Index));
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task A_journal_that_cannot_be_written_ends_the_process_and_nothing_was_acknowledged(Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var (agent, other) = (await before.EnrollAsync(), await before.EnrollAsync());
        before.Store.OnAppend = Fault.Full;
        before.Store.OnReserve = fault;
        Assert.Equal(Refusal.RegistryHalted, (await before.StopAsync(agent)).Refusal);
        Assert.Equal(Refusal.RegistryHalted, before.Verify(other.Use()));
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(fault == Fault.Lost ? Refusal.None : Refusal.AgentFrozen, after.Verify(agent.At(after).Use()));
        Assert.Equal(Refusal.None, after.Verify(other.At(after).Use()));
    }

    [Fact]
    public async Task A_stop_that_waits_is_in_force_with_its_epoch_after_a_restart()
    {
        await using var before = await TestNode.FoundAsync();
        var (agent, other) = (await before.EnrollAsync(), await before.EnrollAsync());
        before.Store.OnAppend = Fault.Full;
        var stop = TestNode.Good(await before.StopAsync(agent));
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        var record = Assert.Single(after.Node.State.Stops.InForce);
        Assert.Equal((stop.Index, stop.Epoch, stop.At), (record.Denial.Index, record.Denial.Epoch, record.At));
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (after.Verify(agent.At(after).Use()), after.Verify(other.At(after).Use())));
        Assert.Equal(2ul, TestNode.Good(await after.StopAsync(other.At(after))).Epoch);
        await AssertSoundAsync(after);
    }

    [SkippableFact]
    public async Task On_a_disk_that_is_really_full_a_stop_is_recorded_survives_a_restart_and_is_proven_when_there_is_room()
    {
        using var disk = await SmallDisk.TryMountAsync(Path.Combine(TestNode.NewFolder(), "disk"));
        Skip.If(disk is null, "only root may mount a file system");
        var data = Path.Combine(disk.Path, "data");
        var filler = Path.Combine(disk.Path, "filler");
        await File.WriteAllBytesAsync(filler, new byte[2 << 20]);
        await using var before = await TestNode.FoundAsync(data);
        var (agent, other) = (await before.EnrollAsync(), await before.EnrollAsync());
        await FillUpAsync(before);
        var stop = TestNode.Good(await before.StopAsync(agent));
        Assert.True(stop.IsIndexPending);
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (before.Verify(agent.Use()), before.Verify(other.Use())));
        await before.DisposeAsync();

        await using var after = TestNode.Open(data, before.Clock);
        Assert.Equal((stop.Index, stop.Epoch), (Assert.Single(after.Node.State.Stops.InForce).Denial.Index, after.Node.State.Epoch));
        Assert.Equal(Refusal.AgentFrozen, after.Verify(agent.At(after).Use()));
        File.Delete(filler);
        await other.At(after).RecordAsync();
        Assert.False(after.Node.Stopping.IsIndexPending(stop.Index));
        await AssertSoundAsync(after);
    }

    // The journal of the store begins again from its start when it can, which makes room once more: full is what has refused many small writes in a row.
    private static async Task FillUpAsync(TestNode registry)
    {
        for (var count = 128; count > 0; count /= 2)
        {
            while ((await Task.WhenAll(Enumerable.Range(0, count).Select(_ => WriteAsync(registry, 200)))).All(read => !read.IsRefused))
            {
            }
        }
        for (var refused = 0; refused < 16;)
            refused = (await WriteAsync(registry, 1)).IsRefused ? refused + 1 : 0;
    }

    private static Task<Outcome<LeafIndex>> WriteAsync(TestNode registry, int length) =>
        registry.Node.Reads.RecordAsync(new Look(registry.Operator.Id, new PrivateDataRead(new string('x', length), "", 0), null));

    // Signed, and every stored byte follows from the entries.
    private static async Task AssertSoundAsync(TestNode registry)
    {
        await registry.WhenSignedAsync();
        await registry.DisposeAsync();
        using var store = SqliteLedgerStore.OpenExisting(registry.Folder);
        var findings = new List<Finding>();
        await Fsck.RunAsync(store, store, new SnapshotFile(registry.Folder), withSignatures: false, findings.Add, _ => { }, CancellationToken.None);
        Assert.Empty(findings);
    }
}
