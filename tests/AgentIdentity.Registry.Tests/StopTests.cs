using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>A stop denies before it is durable, is acknowledged when it is, and from then on nothing of the agent's succeeds.</summary>
public sealed class StopTests
{
    [Theory]
    [InlineData(StandingState.Frozen, Refusal.AgentFrozen)]
    [InlineData(StandingState.Revoked, Refusal.AgentRevoked)]
    public async Task Whatever_begins_after_a_stop_was_acknowledged_is_refused_and_evidence_is_quarantined(StandingState state, Refusal expected)
    {
        await using var registry = await TestNode.FoundAsync();
        for (var round = 0; round < 6; round++)
        {
            var race = new Race(registry, await registry.EnrollAsync());
            await race.RunAsync(state);
            Assert.All(race.Late, late => Assert.Equal(expected, late));
            Assert.All(race.LateRecords, late => Assert.Equal(EntryClass.Quarantined, late));
            Assert.True(race.Late.Count >= 3 * Race.CallsAfterTheStop && race.LateRecords.Count >= Race.CallsAfterTheStop);
            Assert.Contains(Refusal.None, race.Early);
        }
    }

    [Fact]
    public async Task An_agent_that_was_refused_once_is_not_let_in_again_while_its_stop_becomes_durable()
    {
        await using var registry = await TestNode.FoundAsync();
        var standing = registry.Node.Standing;
        for (var round = 0; round < 40; round++)
        {
            var agent = await registry.EnrollAsync();
            using var end = new CancellationTokenSource();
            var watchers = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                var refusedBefore = false;
                while (!end.IsCancellationRequested)
                {
                    var isRefused = standing.Of(agent.Id).Refusal != Refusal.None;
                    if (refusedBefore && !isRefused)
                        return false;
                    refusedBefore = isRefused;
                }
                return true;
            })).ToArray();
            TestNode.Good(await registry.StopAsync(agent));
            await end.CancelAsync();
            Assert.All(await Task.WhenAll(watchers), Assert.True);
        }
    }

    [Fact]
    public async Task A_stop_denies_before_it_is_durable()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var other = await registry.EnrollAsync();
        var held = registry.Store.HoldAppends();
        var stop = registry.StopAsync(agent);
        await held;

        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.None, registry.Verify(other.Use()));
        Assert.False(stop.IsCompleted);

        registry.Store.LetAppendsGo();
        TestNode.Good(await stop);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task How_long_the_oldest_write_has_been_waiting_is_known_while_the_disk_stalls()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var held = registry.Store.HoldAppends();
        var record = other.TryRecordAsync();
        await held;
        registry.Clock.Advance(TimeSpan.FromSeconds(3));
        var stop = registry.StopAsync(agent);
        registry.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(TimeSpan.FromSeconds(7), registry.Node.OldestWrite);

        registry.Store.LetAppendsGo();
        TestNode.Good(await record);
        TestNode.Good(await stop);
        Assert.True(SpinWait.SpinUntil(() => registry.Node.OldestWrite == TimeSpan.Zero, TestNode.Patience));
    }

    [Fact]
    public async Task A_stop_that_found_no_room_anywhere_goes_on_denying_and_can_be_tried_again()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        registry.Store.OnAppend = registry.Store.OnReserve = Fault.Full;
        Assert.Equal(Refusal.StorageFull, (await registry.StopAsync(agent)).Refusal);
        Assert.Empty(registry.Node.State.Stops.All);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));

        registry.Store.OnAppend = registry.Store.OnReserve = Fault.None;
        Assert.Equal(Refusal.AgentFrozen, (await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Refusal);
        Assert.Equal(1ul, TestNode.Good(await registry.StopAsync(agent)).Epoch);
        Assert.Equal(StandingState.Frozen, Assert.Single(registry.Node.State.Stops.InForce).Denial.State);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
    }

    [Theory]
    [InlineData(StandingState.Frozen)]
    [InlineData(StandingState.Revoked)]
    public async Task A_revoked_agent_cannot_be_stopped_again_and_stays_revoked(StandingState second)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked));
        Assert.Equal(Refusal.AlreadyRevoked, (await registry.StopAsync(agent, second)).Refusal);
        Assert.Equal(Refusal.AgentRevoked, registry.Verify(agent.Use()));
        Assert.Equal(1ul, registry.Node.State.Epoch);
    }

    [Fact]
    public async Task A_frozen_agent_can_be_revoked_and_stops_stack()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        Assert.Equal(1ul, TestNode.Good(await registry.StopAsync(agent)).Epoch);
        Assert.Equal(2ul, TestNode.Good(await registry.StopAsync(agent)).Epoch);
        Assert.Equal(3ul, TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked)).Epoch);
        Assert.Equal(Refusal.AgentRevoked, registry.Verify(agent.Use()));
        Assert.Equal([1ul, 2ul, 3ul], registry.Bodies().OfType<Stop>().Select(stop => stop.Epoch));
    }

    [Fact]
    public async Task Stops_are_decided_first_in_their_group_and_in_the_order_in_which_they_came()
    {
        await using var registry = await TestNode.FoundAsync();
        var first = await registry.EnrollAsync();
        var second = await registry.EnrollAsync();
        var held = registry.Store.HoldAppends();
        var filler = registry.Node.Reads.RecordAsync(new Look(registry.Operator.Id, new PrivateDataRead("/x", "", 0), null));
        await held;
        var issue = registry.Node.Issuing.IssueAsync(first.Record, "", [], 0);
        var record = first.TryRecordAsync();
        var freeze = registry.StopAsync(first);
        var revoke = registry.StopAsync(second, StandingState.Revoked);
        var tooLate = registry.StopAsync(second);
        registry.Store.LetAppendsGo();

        TestNode.Good(await filler);
        Assert.Equal(Refusal.AgentFrozen, (await issue).Refusal);
        Assert.Equal(1ul, TestNode.Good(await freeze).Epoch);
        Assert.Equal(2ul, TestNode.Good(await revoke).Epoch);
        Assert.Equal(Refusal.AlreadyRevoked, (await tooLate).Refusal);
        var evidence = TestNode.Good(await record);
        Assert.Equal(EntryClass.Quarantined, evidence.Class);
        Assert.True((await freeze).Value.Index.Value < (await revoke).Value.Index.Value && (await revoke).Value.Index.Value < evidence.Index.Value);
        Assert.Equal(2ul, registry.Node.State.Epoch);
        Assert.Equal(3, registry.Store.Groups[^1]);
    }

    [Theory]
    [InlineData(StandingState.Active, "why", "", Refusal.StopStateUnsupported)]
    [InlineData(StandingState.Frozen, "", "", Refusal.ReasonMissing)]
    public async Task A_stop_that_is_not_one_denies_nothing(StandingState state, string reason, string incident, Refusal expected)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        Assert.Equal(expected, (await registry.Node.Stopping.StopAsync(registry.Operator, new StopWish(Scope.Agent(agent.Id), state, reason, incident))).Refusal);
        Assert.Equal(Refusal.AgentUnknown,
            (await registry.StopAsync(Scope.Agent(registry.Operator.Id))).Refusal);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
    }

    /// <summary>One agent, used from many threads while it is stopped.</summary>
    private sealed class Race(TestNode registry, TestAgent agent)
    {
        public const int CallsAfterTheStop = 10;
        private const int CallsBeforeTheStop = 30;

        private readonly TaskCompletionSource _warm = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isAcknowledged;
        private int _calls;

        /// <summary>Answers to calls that began before the stop was acknowledged.</summary>
        public ConcurrentBag<Refusal> Early { get; } = [];

        public ConcurrentBag<Refusal> Late { get; } = [];

        public ConcurrentBag<EntryClass> LateRecords { get; } = [];

        public async Task RunAsync(StandingState state)
        {
            Task[] callers =
            [
                CallAsync(() => Task.FromResult(registry.Verify(agent.Use()))), CallAsync(() => Task.FromResult(registry.Verify(agent.Use()))),
                CallAsync(() => Task.FromResult(registry.Verify(agent.Use()))),
                CallAsync(async () => (await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Refusal),
                CallAsync(async () => (await registry.Node.Issuing.RenewAsync(agent.Record, agent.Credential)).Refusal),
                Task.Run(RecordAsync),
            ];
            await _warm.Task.WaitAsync(TestNode.Patience);
            TestNode.Good(await registry.StopAsync(agent, state));
            _isAcknowledged = true;
            await Task.WhenAll(callers).WaitAsync(TestNode.Patience);
        }

        private Task CallAsync(Func<Task<Refusal>> call) => Task.Run(async () =>
        {
            for (var late = 0; late < CallsAfterTheStop;)
            {
                var beganLate = _isAcknowledged;
                var refusal = await call();
                (beganLate ? Late : Early).Add(refusal);
                late += beganLate ? 1 : 0;
                Count();
            }
        });

        private async Task RecordAsync()
        {
            while (LateRecords.Count < CallsAfterTheStop)
            {
                var beganLate = _isAcknowledged;
                var recorded = await agent.RecordAsync();
                if (beganLate)
                    LateRecords.Add(recorded.Class);
                Count();
            }
        }

        private void Count()
        {
            if (Interlocked.Increment(ref _calls) == CallsBeforeTheStop)
                _warm.TrySetResult();
        }
    }
}
