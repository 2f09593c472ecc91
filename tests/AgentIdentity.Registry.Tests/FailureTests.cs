using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>Each write fails once lost and once done but reported as failed; then the registry starts again on what is there.</summary>
public sealed class FailureTests
{
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task An_enrolment_whose_write_failed_is_not_acknowledged_and_its_retry_after_the_restart_makes_one_agent(Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var acknowledged = await before.EnrollAsync();
        var token = await before.NewTokenAsync();
        var ledger = before.DescribeLedger();
        before.Store.OnAppend = fault;
        Assert.Equal(Refusal.RegistryHalted, (await before.EnrollAsync(_key, token)).Refusal);
        await AssertHaltedAsync(before, acknowledged, token);
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.StartsWith(ledger, after.DescribeLedger(), StringComparison.Ordinal);
        Assert.Equal(fault == Fault.Lost ? 1 : 2, after.Node.State.AgentCount);
        Assert.Equal(Refusal.None, after.Verify(acknowledged.At(after).Use()));
        var retried = TestNode.Good(await after.EnrollAsync(_key, token));
        Assert.Equal(2, after.Node.State.AgentCount);
        Assert.Equal(2, after.Bodies().OfType<AgentEnrolled>().Count());
        Assert.Equal(1u, after.Node.State.FindToken(Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)))!.UsesMade);
        Assert.Equal(_key.PublicKey.KeyId, retried.Agent.Key.KeyId);
        await AssertProvenAsync(after);
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task A_record_whose_write_failed_is_recorded_once_when_it_is_tried_again(Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var chain = agent.Chain(2);
        var first = TestNode.Good(await agent.SendAsync(chain[0]));
        before.Store.OnAppend = fault;
        Assert.Equal(Refusal.RegistryHalted, (await agent.SendAsync(chain[1])).Refusal);
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(fault == Fault.Lost ? 1ul : 2ul, after.Node.State.FindAgent(agent.Id)!.Chain(agent.KeyId).Next);
        Assert.Equal(first.Index, TestNode.Good(await agent.At(after).SendAsync(chain[0])).Index);
        Assert.True(first.Index.Value < TestNode.Good(await agent.At(after).SendAsync(chain[1])).Index.Value);
        Assert.Equal(2, after.Bodies().OfType<Activity>().Count());
        await AssertProvenAsync(after);
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task A_stop_whose_write_failed_denies_everything_until_the_ledger_has_been_read_again(Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var other = await before.EnrollAsync();
        before.Store.OnAppend = fault;
        Assert.Equal(Refusal.RegistryHalted, (await before.StopAsync(agent)).Refusal);
        Assert.Equal(Refusal.RegistryHalted, before.Verify(agent.Use()));
        Assert.Equal(Refusal.RegistryHalted, before.Verify(other.Use()));
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(fault == Fault.Lost ? Refusal.None : Refusal.AgentFrozen, after.Verify(agent.At(after).Use()));
        Assert.Equal(Refusal.None, after.Verify(other.At(after).Use()));
        Assert.Equal(fault == Fault.Lost ? 0ul : 1ul, after.Node.State.Epoch);
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task A_checkpoint_whose_write_failed_halts_and_what_was_acknowledged_is_proven_after_the_restart(Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var recorded = await agent.RecordAsync();
        before.Store.OnPublish = fault;
        before.Clock.Advance(TimeSpan.FromSeconds(1));
        await before.Node.Halted.WaitAsync(TestNode.Patience);
        await AssertHaltedAsync(before, agent, "");
        var ledger = before.DescribeLedger();
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(ledger, after.DescribeLedger());
        Assert.True(recorded.Index.Value < (await agent.At(after).RecordAsync()).Index.Value);
        await AssertProvenAsync(after);
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task A_key_rotation_whose_write_failed_leaves_a_registry_that_starts_and_issues(Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var old = before.Node.State.IssuerKeys.Current.KeyId;
        before.Store.OnAppend = fault;
        Assert.Equal(Refusal.RegistryHalted, (await before.Node.Operating.RotateIssuerKeyAsync(before.Operator)).Refusal);
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(fault == Fault.Lost, after.Node.State.IssuerKeys.Current.KeyId == old);
        var returned = agent.At(after);
        var renewed = TestNode.Good(await after.Node.Issuing.RenewAsync(returned.Record, agent.Credential));
        Assert.Equal(Refusal.None, after.Verify(returned.Use(renewed.Token)));
        Assert.Equal(Refusal.None, after.Verify(returned.Use()));
    }

    [Fact]
    public async Task An_entry_that_no_start_could_read_halts_the_writer_and_is_not_written()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var ledger = before.DescribeLedger();
        var tooMany = Enumerable.Range(0, LeasesGranted.ClassesMax + 1).Select(number => new ClassLease($"class-{number:00}", 1)).ToArray();
        var staged = await before.Node.Sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => draft.Stage(draft.RegistryId, new LeasesGranted(tooMany), draft.RegistryId));
        Assert.Equal(Refusal.RegistryHalted, staged.Refusal);
        Assert.Contains("could not be read again", (await before.Node.Halted).Message, StringComparison.Ordinal);
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(ledger, after.DescribeLedger());
        await agent.At(after).RecordAsync();
    }

    [Fact]
    public async Task Without_room_nothing_is_applied_and_with_room_everything_works_again()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var token = await registry.NewTokenAsync();
        var (position, ledger, keys) = (registry.Node.State.Position, registry.DescribeLedger(), Directory.GetFiles(Path.Combine(registry.Folder, "keys")));
        registry.Store.OnAppend = Fault.Full;
        Assert.Equal(Refusal.StorageFull, (await registry.EnrollAsync(_key, token)).Refusal);
        Assert.Equal(Refusal.StorageFull, (await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Refusal);
        Assert.Equal(Refusal.StorageFull, (await agent.TryRecordAsync()).Refusal);
        Assert.Equal(Refusal.StorageFull, (await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator)).Refusal);
        Assert.Equal((position, ledger), (registry.Node.State.Position, registry.DescribeLedger()));
        Assert.Equal(keys, Directory.GetFiles(Path.Combine(registry.Folder, "keys")));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.Single(agent.Record.Credentials);

        registry.Store.OnAppend = Fault.None;
        TestNode.Good(await registry.EnrollAsync(_key, token));
        TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        await agent.RecordAsync();
        await AssertProvenAsync(registry);
    }

    [Fact]
    public async Task A_checkpoint_that_finds_no_room_comes_later()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var before = registry.Node.Checkpoints.Last;
        registry.Store.OnPublish = Fault.Full;
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        var recorded = await agent.RecordAsync();
        await agent.RecordAsync();
        Assert.Equal(before, registry.Node.Checkpoints.Last);
        Assert.Equal(Refusal.NotIntegrated, registry.Node.LeafProofs.Prove(recorded.Index).Refusal);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));

        registry.Store.OnPublish = Fault.None;
        await AssertProvenAsync(registry);
    }

    [Fact]
    public async Task Whoever_waits_behind_a_write_that_failed_is_answered_in_each_lane()
    {
        await using var before = await TestNode.FoundAsync();
        var look = new Look(before.Operator.Id, new PrivateDataRead("/x", "", 0), null);
        var held = before.Store.HoldAppends();
        var first = before.Node.Reads.RecordAsync(look);
        await held;
        var waiting = new[] { Lane.Stop, Lane.Control, Lane.Ordinary, Lane.Issuance }
            .Select(lane => before.Node.Sequencer.DecideAsync<LeafIndex>(lane, draft => draft.Stage(look.Actor, look.Read, draft.RegistryId))).ToArray();
        before.Store.FailLater(0, Fault.Lost);
        before.Store.LetAppendsGo();
        Assert.All(await Task.WhenAll([first, .. waiting]), answer => Assert.Equal(Refusal.RegistryHalted, answer.Refusal));
    }

    [Fact]
    public async Task When_the_queue_is_full_writers_are_turned_away_and_a_stop_and_a_look_are_not()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var look = new Look(registry.Operator.Id, new PrivateDataRead("/x", "", 0), null);
        Task<Outcome<LeafIndex>> Write() => registry.Node.Sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => draft.Stage(look.Actor, look.Read, draft.RegistryId));
        var held = registry.Store.HoldAppends();
        var first = Write();
        await held;
        var queued = Enumerable.Range(0, 8192).Select(_ => Write()).ToArray();
        Assert.DoesNotContain(queued, write => write.IsCompleted);
        Assert.Equal(Refusal.Overloaded, (await Write()).Refusal);
        Assert.Equal(Refusal.Overloaded, (await agent.TryRecordAsync()).Refusal);
        var seen = registry.Node.Reads.RecordEvenLateAsync(look);
        var stop = registry.StopAsync(agent);
        registry.Store.LetAppendsGo();

        TestNode.Good(await first);
        var stopped = TestNode.Good(await stop);
        // Who looks while he stops waits for nobody else.
        Assert.Equal(Refusal.None, await seen);
        Assert.All(await Task.WhenAll(queued), write => Assert.True(TestNode.Good(write).Value > stopped.Index.Value + 1));
        TestNode.Good(await Write());
    }

    [Fact]
    public async Task A_clock_that_goes_back_takes_neither_the_ledgers_time_nor_the_checkpoints_with_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        registry.Clock.Advance(TimeSpan.FromSeconds(10));
        var before = await agent.RecordAsync();
        registry.Clock.SetBack(TimeSpan.FromHours(1));
        var after = await agent.RecordAsync();
        Assert.Equal(before.At, after.At);
        await registry.WhenSignedAsync(after.Index);
    }

    [Fact]
    public async Task A_clock_that_was_ahead_is_told_once_until_it_is_right_again()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        registry.Clock.SetForward(TimeSpan.FromHours(1));
        await agent.RecordAsync();
        await registry.Node.FlushJournalsAsync();
        Assert.Equal(TimeSpan.Zero, registry.Node.ClockBehind);
        registry.Clock.SetBack(TimeSpan.FromHours(1));
        for (var i = 0; i < 3; i++)
            await registry.Node.FlushJournalsAsync();
        Assert.InRange(registry.Node.ClockBehind, TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
        Assert.Contains("the clock is behind, or was ahead", Assert.Single(registry.Log), StringComparison.Ordinal);

        registry.Clock.Advance(TimeSpan.FromHours(1));
        await registry.Node.FlushJournalsAsync();
        registry.Clock.SetBack(TimeSpan.FromMinutes(2));
        await registry.Node.FlushJournalsAsync();
        Assert.Equal(2, registry.Log.Count);
    }

    private static async Task AssertHaltedAsync(TestNode node, TestAgent agent, string token)
    {
        node.Store.OnAppend = node.Store.OnPublish = Fault.None;
        await node.Node.Halted.WaitAsync(TestNode.Patience);
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal(Refusal.RegistryHalted, node.Verify(agent.Use()));
        Assert.Equal(Refusal.RegistryHalted, (await agent.TryRecordAsync()).Refusal);
        Assert.Equal(Refusal.RegistryHalted, (await node.StopAsync(agent)).Refusal);
        Assert.Equal(Refusal.RegistryHalted, (await node.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Refusal);
        Assert.Equal(Refusal.RegistryHalted, (await node.Node.Issuing.RenewAsync(agent.Record, agent.Credential)).Refusal);
        Assert.Equal(Refusal.RegistryHalted, (await node.Node.Operating.RotateIssuerKeyAsync(node.Operator)).Refusal);
        if (token.Length > 0)
            Assert.Equal(Refusal.RegistryHalted, (await node.EnrollAsync(key, token)).Refusal);
    }

    private static async Task AssertProvenAsync(TestNode node)
    {
        var last = new LeafIndex(node.Node.State.Position - 1);
        await node.WhenSignedAsync(last);
        for (var i = 0ul; i <= last.Value; i++)
            TestNode.Good(node.Node.LeafProofs.Prove(new LeafIndex(i)));
    }
}
