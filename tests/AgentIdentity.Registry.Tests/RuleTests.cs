using System.Threading.Channels;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Ruling;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests;

/// <summary>docs/formats.md, "Rule": what stops an agent while nobody looks, what does not, and who says which.</summary>
public sealed class RuleTests
{
    private const string Reason = "nobody is awake at night";

    private static readonly StopRule Probing = new(RuleTrigger.EnvelopeExceeded, 3, 60, StandingState.Frozen);

    // What one call of an agent does that a rule counts.
    private static Dictionary<RuleTrigger, Func<TestNode, TestAgent, Task>> Deeds { get; } = new()
    {
        [RuleTrigger.EnvelopeExceeded] = (registry, agent) => Probe(registry, agent),
        [RuleTrigger.ProofReplayed] = (registry, agent) => Replay(registry, agent),
        [RuleTrigger.DelegationBurst] = async (registry, agent) => TestNode.Good(await registry.DelegateAsync(agent.Credential, (await registry.EnrollAsync()).Id)),
    };

    public static TheoryData<RuleTrigger> Counted => [.. Deeds.Keys];

    [Theory]
    [MemberData(nameof(Counted))]
    public async Task What_is_counted_stops_the_agent_as_often_as_the_rule_says_and_not_before(RuleTrigger trigger)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollDeepAsync();
        var set = await SetAsync(registry, new StopRule(trigger, 3, 60, StandingState.Restricted));
        for (var i = 0; i < 2; i++)
            await Deeds[trigger](registry, agent);
        await SettleAsync(registry);
        Assert.Empty(registry.Node.State.Stops.All);

        await Deeds[trigger](registry, agent);
        await SettleAsync(registry);

        var stop = Assert.Single(registry.Node.State.Stops.All);
        var scope = trigger == RuleTrigger.DelegationBurst ? Scope.AgentWithDelegates(agent.Id) : Scope.Agent(agent.Id);
        Assert.Equal((scope, StandingState.Restricted), (stop.Denial.Scope, stop.Denial.State));
        Assert.Equal((registry.Node.State.Founding!.RegistryId, new StoppingRule(set, trigger)), (stop.Actor, stop.Rule));
        Assert.Equal($"rule-{trigger.Word()}-{stop.Denial.Index}", stop.Incident);
        Assert.StartsWith($"rule {trigger.Word()}:3/60:restricted of entry {set}: 3 times within 60 s", stop.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fork_stops_with_the_entry_that_proves_it()
    {
        var alarms = Channel.CreateUnbounded<string>();
        await using var registry = await TestNode.FoundAsync(with: settings => settings with { Alarmed = line => alarms.Writer.TryWrite(line) });
        var agent = await registry.EnrollAsync();
        await SetAsync(registry, new StopRule(RuleTrigger.Fork, 1, 60, StandingState.Frozen));
        await agent.RecordAsync();
        await agent.RecordAsync();
        await SettleAsync(registry);
        Assert.Empty(registry.Node.State.Stops.All);

        await ForkAsync(agent);

        var fork = registry.Bodies().ToList().FindIndex(body => body is Fork);
        Assert.EndsWith($": once (entries {fork})", Assert.Single(registry.Node.State.Stops.All).Reason, StringComparison.Ordinal);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
        Assert.Equal(
            $"The rule fork:1/60:frozen has stopped agent {agent.Id}: entry {registry.Node.State.Stops.All.Single().Denial.Index}, to be lifted by two people.",
            Assert.Single(await TakeAsync(alarms, 1)));
    }

    [Fact]
    public async Task A_stop_that_is_refused_behind_a_rule_in_its_group_does_not_hold_it_back()
    {
        await using var registry = await TestNode.FoundByTwoAsync(with: settings => settings with { RevokeAloneMax = 1 });
        var (agent, other, third) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await registry.EnrollAsync());
        await SetAsync(registry, Probing with { Count = 1 });
        Task<Outcome<Stopped>>[] asked = [];
        await registry.InOneGroupAsync(third, () =>
        {
            Probe(registry, agent);
            asked = [registry.StopAsync(other, StandingState.Revoked), registry.StopAsync(agent, StandingState.Revoked)];
        });
        Assert.Equal([Refusal.None, Refusal.NeedsTwoOperators], (await Task.WhenAll(asked)).Select(outcome => outcome.Refusal));
        await SettleAsync(registry);
        Assert.Equal(StandingState.Frozen, registry.Node.State.StandingOf(agent.Record));
    }

    [Theory]
    [InlineData(ScopeKind.Agent, StandingState.Restricted, 2)]
    [InlineData(ScopeKind.Agent, StandingState.Frozen, 1)]
    [InlineData(ScopeKind.Sponsor, StandingState.Restricted, 2)]
    [InlineData(ScopeKind.Sponsor, StandingState.Frozen, 1)]
    public async Task A_stop_before_a_rule_in_its_group_holds_it_back_when_it_leaves_as_little(ScopeKind kind, StandingState left, int stops)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await SetAsync(registry, Probing with { Count = 1 });
        var scope = kind == ScopeKind.Agent ? Scope.Agent(agent.Id) : new Scope(kind, "team");
        // Another sponsor's, who is not stopped with them.
        var apart = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("others", "bot/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0)));
        await registry.InOneGroupAsync(apart, () =>
        {
            // Whoever decides was in the middle of it when the stop was asked for.
            _ = registry.StopAsync(scope, left);
            registry.Node.Ruling.Saw(agent.Id, Refusal.EnvelopeExceeded);
        });
        await SettleAsync(registry);
        Assert.Equal(stops, registry.Node.State.Stops.All.Count());
        Assert.Equal(StandingState.Active, registry.Node.State.StandingOf(apart.Record));
    }

    [Fact]
    public async Task The_same_fork_counts_once_however_often_it_is_sent()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await SetAsync(registry, new StopRule(RuleTrigger.Fork, 2, 60, StandingState.Frozen));
        await agent.RecordAsync();
        for (var i = 0; i < 3; i++)
            await ForkAsync(agent);
        Assert.Empty(registry.Node.State.Stops.All);
    }

    [Fact]
    public async Task However_many_forks_come_in_a_minute_each_agent_is_stopped()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync(uses: 12);
        var agents = new List<TestAgent>();
        for (var i = 0; i < 12; i++)
            agents.Add(await registry.EnrollAsync(token));
        await SetAsync(registry, new StopRule(RuleTrigger.Fork, 1, 60, StandingState.Frozen));
        foreach (var agent in agents)
        {
            await agent.RecordAsync();
            await ForkAsync(agent);
        }
        Assert.All(agents, agent => Assert.Equal(StandingState.Frozen, registry.Node.State.StandingOf(agent.Record)));
    }

    [Fact]
    public async Task A_burst_stops_those_who_received_as_well()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, child) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        await SetAsync(registry, new StopRule(RuleTrigger.DelegationBurst, 1, 60, StandingState.Frozen));
        TestNode.Good(await registry.DelegateAsync(agent.Credential, child.Id));
        await SettleAsync(registry);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(child.Use()));
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task What_lies_a_window_back_counts_no_more()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await SetAsync(registry, Probing);
        foreach (var pause in new[] { 0, 30, 30, 31 })
        {
            registry.Clock.Advance(TimeSpan.FromSeconds(pause));
            await Probe(registry, agent);
        }
        await SettleAsync(registry);
        Assert.Empty(registry.Node.State.Stops.All);

        registry.Clock.Advance(TimeSpan.FromSeconds(28));
        await Probe(registry, agent);
        await SettleAsync(registry);
        Assert.Single(registry.Node.State.Stops.All);
    }

    [Fact]
    public async Task Nothing_stops_by_itself_until_two_have_said_so_and_after_they_have_ended_it()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        await ProbeAsync(registry, agent, 50);
        await SetAsync(registry, Probing);
        await ProbeAsync(registry, agent, 2);
        await SetAsync(registry);
        await ProbeAsync(registry, agent, 50);
        Assert.Empty(registry.Node.State.Stops.All);

        // Counts of a rule that was ended do not come back with it.
        await SetAsync(registry, Probing with { Count = 2 });
        await ProbeAsync(registry, agent, 1);
        Assert.Empty(registry.Node.State.Stops.All);
        await ProbeAsync(registry, agent, 1);
        Assert.Single(registry.Node.State.Stops.All);
    }

    [Fact]
    public async Task Rules_take_two_different_people_who_sign_just_these_once()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var approvals = registry.ApprovalsOf(ApprovedAction.SetRules([Probing], Reason));
        var mild = Probing with { Count = 100 };
        Assert.Equal(Refusal.NeedsTwoOperators, (await TrySetAsync(registry, [Probing], approvals[..1])).Refusal);
        Assert.Equal(Refusal.NeedsTwoOperators, (await TrySetAsync(registry, [Probing], [approvals[0], approvals[0]])).Refusal);
        Assert.Equal(Refusal.ApprovalMismatch, (await TrySetAsync(registry, [mild], approvals)).Refusal);
        Assert.Equal(Refusal.ApprovalMismatch, (await TrySetAsync(registry, [], approvals)).Refusal);
        Assert.Equal(Refusal.ApprovalMismatch, (await registry.Node.Ruling.SetAsync(registry.Operator, [Probing], "because", approvals)).Refusal);
        Assert.Same(RulesInForce.None, registry.Node.State.Rules);

        var index = TestNode.Good(await TrySetAsync(registry, [Probing], approvals));
        Assert.Equal(Refusal.ApprovalUsed, (await TrySetAsync(registry, [Probing], approvals)).Refusal);
        Assert.Equal(index, registry.Node.State.Rules.Index);
        Assert.Equal(approvals, Assert.Single(registry.Bodies().OfType<RulesSet>()).Approvals);
    }

    public static TheoryData<string, StopRule[]> Wrong => new()
    {
        { "two for one trigger", [Probing, Probing with { Count = 5 }] },
        { "another order", [Probing, new StopRule(RuleTrigger.Fork, 1, 60, StandingState.Frozen)] },
        { "no count", [Probing with { Count = 0 }] },
        { "too large a count", [Probing with { Count = StopRule.CountMax + 1 }] },
        { "no window", [Probing with { Seconds = 0 }] },
        { "too long a window", [Probing with { Seconds = StopRule.SecondsMax + 1 }] },
        { "for ever", [Probing with { State = StandingState.Revoked }] },
        { "no stop", [Probing with { State = StandingState.Active }] },
        { "an unknown trigger", [Probing with { Trigger = 0 }] },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Rules_out_of_bounds_are_refused_before_anybody_is_asked(string what, StopRule[] rules)
    {
        await using var registry = await TestNode.FoundAsync();
        Assert.True((await TrySetAsync(registry, rules, [])).Refusal == Refusal.MessageMalformed, what);
        Assert.Equal(Refusal.ReasonMissing, (await registry.Node.Ruling.SetAsync(registry.Operator, [Probing], "", [])).Refusal);
    }

    [Theory]
    [InlineData(50_000)]
    [InlineData(1)]
    public async Task A_restart_keeps_rules_and_stops_and_forgets_counts(int snapshotEntries)
    {
        var (folder, clock) = (TestNode.NewFolder(), new ManualClock());
        TestAgent quiet, stopped;
        RulesInForce rules;
        StopRecord stop;
        await using (var registry = await TestNode.FoundAsync(folder, clock, (ulong)snapshotEntries))
        {
            (quiet, stopped) = (await registry.EnrollAsync(), await registry.EnrollAsync());
            await SetAsync(registry, Probing);
            await ProbeAsync(registry, quiet, 2);
            await ProbeAsync(registry, stopped, 3);
            (rules, stop) = (registry.Node.State.Rules, Assert.Single(registry.Node.State.Stops.All));
        }

        await using var again = TestNode.Open(folder, clock);
        Assert.Equal((rules.Index, Probing), (again.Node.State.Rules.Index, Assert.Single(again.Node.State.Rules.Rules)));
        Assert.Equal((stop.Denial.Index, stop.Rule), (again.Node.State.Stops.All.Single().Denial.Index, again.Node.State.Stops.All.Single().Rule));
        await ProbeAsync(again, quiet.At(again), 2);
        Assert.Single(again.Node.State.Stops.All);
        await ProbeAsync(again, quiet.At(again), 1);
        Assert.Equal(2, again.Node.State.Stops.All.Count());
    }

    [Fact]
    public async Task Whoever_is_stopped_is_not_stopped_again_and_counts_anew_when_two_have_lifted_it()
    {
        var alarms = Channel.CreateUnbounded<string>();
        await using var registry = await TestNode.FoundAsync(with: settings => settings with { Alarmed = line => alarms.Writer.TryWrite(line) });
        var agent = await registry.EnrollAsync();
        await SetAsync(registry, new StopRule(RuleTrigger.ProofReplayed, 2, 60, StandingState.Restricted));
        for (var i = 0; i < 9; i++)
            await Replay(registry, agent);
        await SettleAsync(registry);
        await TakeAsync(alarms, 1);
        var stop = Assert.Single(registry.Node.State.Stops.All);

        TestNode.Good(await registry.RestoreAsync(stop.Denial.Index));
        await Replay(registry, agent);
        await SettleAsync(registry);
        Assert.Empty(registry.Node.State.Stops.InForce);
        await Replay(registry, agent);
        await SettleAsync(registry);
        Assert.Single(registry.Node.State.Stops.InForce);
    }

    [Fact]
    public async Task A_freezing_rule_stops_whom_another_has_restricted()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await SetAsync(registry, new StopRule(RuleTrigger.Fork, 1, 60, StandingState.Frozen), new StopRule(RuleTrigger.ProofReplayed, 1, 60, StandingState.Restricted));
        await agent.RecordAsync();
        await Replay(registry, agent);
        await SettleAsync(registry);
        Assert.Equal(StandingState.Restricted, registry.Node.State.StandingOf(agent.Record));
        await ForkAsync(agent);
        Assert.Equal(StandingState.Frozen, registry.Node.State.StandingOf(agent.Record));
    }

    [Fact]
    public async Task Rules_stop_ten_in_a_minute_and_tell_once_of_the_others()
    {
        var fired = Channel.CreateUnbounded<bool>();
        var alarms = Channel.CreateUnbounded<string>();
        await using var registry = await TestNode.FoundAsync(with: settings => settings with { Alarmed = line => alarms.Writer.TryWrite(line) });
        var token = await registry.NewTokenAsync(uses: 12);
        var agents = new List<TestAgent>();
        for (var i = 0; i < 12; i++)
            agents.Add(await registry.EnrollAsync(token));
        registry.Node.Ruling.Fired += (_, stopped) => fired.Writer.TryWrite(stopped);
        await SetAsync(registry, Probing with { Count = 1 });
        foreach (var agent in agents)
            await ProbeAsync(registry, agent, 1);
        Assert.Equal(Ruling.Ruling.StopsMax, registry.Node.State.Stops.All.Count());
        Assert.Equal(StandingState.Active, registry.Node.State.StandingOf(agents[^1].Record));

        registry.Clock.Advance(Ruling.Ruling.RateWindow);
        await ProbeAsync(registry, agents[^1], 1);
        Assert.Equal(StandingState.Frozen, registry.Node.State.StandingOf(agents[^1].Record));
        Assert.Equal(11, (await TakeAsync(fired, 13)).Count(stopped => stopped));
        var lines = await TakeAsync(alarms, 12);
        Assert.Single(lines, line => line.StartsWith("The rule envelope-exceeded:1/60:frozen did not stop agent", StringComparison.Ordinal));
        Assert.Equal(11, lines.Count(line => line.StartsWith("The rule envelope-exceeded:1/60:frozen has stopped agent", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_enforcer_is_told_of_a_rules_stop_as_of_any_other()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        await SetAsync(registry, Probing with { Count = 1 });
        await Probe(registry, agent);
        await enforcer.UntilAsync<Delta>();
        Assert.Equal((Scope.Agent(agent.Id), StandingState.Frozen), (Assert.Single(enforcer.Denials).Scope, enforcer.Denials[0].State));
    }

    [Fact]
    public async Task With_a_full_disk_a_rule_stops_all_the_same()
    {
        var folder = TestNode.NewFolder();
        SubjectId id;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            var agent = await registry.EnrollAsync();
            id = agent.Id;
            await SetAsync(registry, Probing with { Count = 1 });
            registry.Store.OnAppend = Fault.Full;
            await ProbeAsync(registry, agent, 1);
            Assert.True(registry.Node.Sequencer.IsIndexPending(Assert.Single(registry.Node.State.Stops.All).Denial.Index));
        }
        await using var again = TestNode.Open(folder);
        Assert.Equal(StandingState.Frozen, again.Node.State.StandingOf(again.Node.State.FindAgent(id)!));
    }

    [Fact]
    public void Counts_are_kept_of_so_many_agents_and_of_those_who_were_busy_last()
    {
        var counts = new AgentCounts(ticksPerSecond: 1);
        var agents = Enumerable.Range(0, AgentCounts.AgentsMax + 1).Select(_ => SubjectId.New(DateTimeOffset.UnixEpoch)).ToArray();
        var rule = Probing with { Count = 2, Seconds = StopRule.SecondsMax };
        for (var i = 0; i < agents.Length; i++)
            Assert.Null(counts.Add(rule, agents[i], i, null));

        Assert.NotNull(counts.Add(rule, agents[^1], agents.Length, null));
        Assert.NotNull(counts.Add(rule, agents[1], agents.Length, null));
        Assert.Null(counts.Add(rule, agents[0], agents.Length, null));
    }

    private static async Task<List<T>> TakeAsync<T>(Channel<T> told, int count)
    {
        var taken = new List<T>();
        while (taken.Count < count)
            taken.Add(await told.Reader.ReadAsync().AsTask().WaitAsync(TestNode.Patience));
        return taken;
    }

    private static async Task<LeafIndex> SetAsync(TestNode registry, params StopRule[] rules) =>
        TestNode.Good(await TrySetAsync(registry, rules, registry.ApprovalsOf(ApprovedAction.SetRules(rules, Reason))));

    private static Task<Outcome<LeafIndex>> TrySetAsync(TestNode registry, StopRule[] rules, string[] approvals) => registry.Node.Ruling.SetAsync(registry.Operator, rules, Reason, approvals);

    private static async Task ProbeAsync(TestNode registry, TestAgent agent, int times)
    {
        for (var i = 0; i < times; i++)
            await Probe(registry, agent);
        await SettleAsync(registry);
    }

    private static Task Probe(TestNode registry, TestAgent agent)
    {
        registry.Verify(agent.Use(action: "delete"));
        return Task.CompletedTask;
    }

    private static Task Replay(TestNode registry, TestAgent agent)
    {
        var use = agent.Use();
        registry.Verify(use);
        Assert.Equal(Refusal.ProofReplayed, registry.Verify(use));
        return Task.CompletedTask;
    }

    // A second first statement.
    private static async Task ForkAsync(TestAgent agent)
    {
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(0, default, fill: 9))).Refusal);
        await SettleAsync(agent.Registry);
    }

    // What a rule wants has been handed to the writer before the deed is answered, and stops come first: this one comes after it.
    private static async Task SettleAsync(TestNode registry) => await registry.Node.Sequencer.DecideAsync<bool>(Lane.Ordinary, _ => true);
}
