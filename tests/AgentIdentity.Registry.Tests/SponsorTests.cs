using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>A sponsor stops its own agents and nobody else, on the way of every stop, and sees nothing of others.</summary>
public sealed class SponsorTests
{
    private static readonly Page All = new(0, 1000);

    public static TheoryData<Scope> ScopesBeyondOneAgent => new(
        Scope.Everything, new Scope(ScopeKind.Blueprint, "bot/1"), new Scope(ScopeKind.Blueprint, "bot/*"), new Scope(ScopeKind.Model, "model-x/5"), Scope.Label("region", "eu"), new Scope(ScopeKind.Sponsor, "team"),
        new Scope(ScopeKind.Sponsor, "other team"), new Scope(ScopeKind.Audience, TestNode.Audience), new Scope(ScopeKind.Resource, "notes/*"));

    [Theory]
    [InlineData(StandingState.Restricted, Refusal.AgentRestricted)]
    [InlineData(StandingState.Frozen, Refusal.AgentFrozen)]
    [InlineData(StandingState.Revoked, Refusal.AgentRevoked)]
    public async Task A_sponsor_stops_its_own_agent_and_stands_on_the_record_as_who_ordered_it(StandingState state, Refusal expected)
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, sponsor) = (await registry.EnrollAsync(), await RegisterAsync(registry));
        var stopped = TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id), state));

        Assert.Equal(expected, registry.Verify(agent.Use(action: "write")));
        Assert.Equal((sponsor.Id, 1ul, state), (registry.Node.State.Stops.Find(stopped.Index)!.Actor, stopped.Epoch, stopped.State));
        Assert.True(Entry.TryDecode(registry.Store.Read(stopped.Index, 1)[0].Entry, out var entry));
        Assert.Equal((sponsor.Id, agent.Id), (entry.Actor, Assert.Single(entry.Subjects).Id));
    }

    [Theory]
    [MemberData(nameof(ScopesBeyondOneAgent))]
    public async Task Nothing_wider_than_an_agent_by_its_name_is_a_sponsors_to_stop(Scope scope)
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, sponsor) = (await registry.EnrollAsync(), await RegisterAsync(registry));
        Scope[] scopes = [scope, Scope.Key(agent.KeyId), Scope.Credential(agent.Claims.Jti), Scope.Key(registry.OperatorKeys[0].PublicKey.KeyId)];
        foreach (var wide in scopes)
        {
            Assert.Equal(Refusal.NotPermitted, (await StopAsync(registry, sponsor, wide)).Refusal);
            Assert.Equal(Refusal.NotPermitted, registry.Node.Stopping.Preview(wide, sponsor).Refusal);
        }
        Assert.Equal((Refusal.None, 0ul), (registry.Verify(agent.Use()), registry.Node.State.Epoch));
    }

    [Fact]
    public async Task The_agent_of_another_sponsor_and_one_that_does_not_exist_are_refused_alike()
    {
        await using var registry = await TestNode.FoundAsync();
        var sponsor = await RegisterAsync(registry);
        var (active, revoked) = (await registry.EnrollDeepAsync("other team"), await registry.EnrollDeepAsync("Team"));
        TestNode.Good(await registry.StopAsync(revoked, StandingState.Revoked));
        var nobody = SubjectId.New(registry.Clock.GetUtcNow());

        var answers = new HashSet<(Refusal, string?)>();
        foreach (var id in new[] { nobody, active.Id, revoked.Id })
        {
            foreach (var scope in new[] { Scope.Agent(id), Scope.AgentWithDelegates(id) })
            {
                var (stop, preview) = (await StopAsync(registry, sponsor, scope, StandingState.Revoked), registry.Node.Stopping.Preview(scope, sponsor));
                answers.UnionWith([(stop.Refusal, stop.Detail), (preview.Refusal, preview.Detail)]);
            }
        }
        Assert.Equal(Refusal.AgentUnknown, Assert.Single(answers).Item1);
        Assert.Equal(Refusal.None, registry.Verify(active.Use()));
    }

    [Fact]
    public async Task With_its_delegates_a_sponsor_stops_an_agent_as_long_as_all_of_them_are_its_own()
    {
        await using var registry = await TestNode.FoundAsync();
        var sponsor = await RegisterAsync(registry);
        var (above, own, other) = (await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync("other team"));
        var below = TestNode.Good(await registry.DelegateAsync(above.Credential, own.Id, Delegations.Deep(1)));
        TestNode.Good(await StopAsync(registry, sponsor, Scope.AgentWithDelegates(above.Id), StandingState.Restricted));
        Assert.Equal(Refusal.AgentRestricted, registry.Verify(own.Use(action: "write")));
        TestNode.Good(await registry.RestoreAsync(registry.Node.State.Stops.InForce.Single().Denial.Index));

        var given = TestNode.Good(await registry.DelegateAsync(below.Token, other.Id));
        Assert.Equal(Refusal.NotPermitted, (await StopAsync(registry, sponsor, Scope.AgentWithDelegates(above.Id))).Refusal);
        Assert.Equal(Refusal.None, registry.Verify(other.Use(given.Token)));
        TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(above.Id)));
        Assert.Equal((Refusal.ChainStopped, Refusal.None), (registry.Verify(other.Use(given.Token)), registry.Verify(other.Use())));
    }

    [Fact]
    public async Task What_its_agent_passes_on_to_others_before_the_writer_decides_is_held_against_the_stop()
    {
        await using var registry = await TestNode.FoundAsync();
        var sponsor = await RegisterAsync(registry);
        var (above, other) = (await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync("other team"));
        var held = registry.Store.HoldAppends();
        var passing = registry.DelegateAsync(above.Credential, other.Id);
        await held;
        var stop = StopAsync(registry, sponsor, Scope.AgentWithDelegates(above.Id));
        registry.Store.LetAppendsGo();

        TestNode.Good(await passing);
        Assert.Equal(Refusal.NotPermitted, (await stop).Refusal);
        Assert.Equal((Refusal.None, Refusal.None), (registry.Verify(other.Use()), registry.Verify(above.Use())));
    }

    [Fact]
    public async Task A_sponsor_whose_key_is_stopped_in_that_very_group_stops_nobody()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other, sponsor) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await RegisterAsync(registry));
        Task<Outcome<Stopped>>[] stops = [];
        await registry.InOneGroupAsync(other, () => stops = [StopAsync(registry, sponsor, Scope.Agent(agent.Id)), registry.StopAsync(Scope.Key(sponsor.Key.KeyId))]);

        Assert.Equal([Refusal.KeyStopped, Refusal.None], (await Task.WhenAll(stops)).Select(stop => stop.Refusal));
        Assert.Equal(Refusal.KeyStopped, (await StopAsync(registry, sponsor, Scope.Agent(agent.Id))).Refusal);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task A_sponsor_who_is_removed_stops_nobody_and_what_was_asked_with_the_removal_stands_before_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other, sponsor) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await RegisterAsync(registry));
        var removed = Task.FromResult(default(Outcome<Ledger.LeafIndex>));
        var stopped = Task.FromResult(default(Outcome<Stopped>));
        await registry.InOneGroupAsync(other, () =>
        {
            removed = registry.Node.People.RemoveCallerAsync(registry.Operator, sponsor.Id, "left", registry.ApprovalsOf(ApprovedAction.RemoveCaller(sponsor.Id, "left")));
            stopped = StopAsync(registry, sponsor, Scope.Agent(agent.Id));
        });

        Assert.True(TestNode.Good(await stopped).Index.Value < TestNode.Good(await removed).Value);
        Assert.Equal(Refusal.CallerUnknown, (await StopAsync(registry, sponsor, Scope.Agent(other.Id))).Refusal);
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (registry.Verify(agent.Use()), registry.Verify(other.Use())));
        // Who comes after it under its name has its agents, and a key of its own.
        TestNode.Good(await StopAsync(registry, await RegisterAsync(registry), Scope.Agent(other.Id)));
    }

    [Fact]
    public async Task A_stop_that_a_sponsor_repeats_is_answered_with_its_entry_until_it_is_lifted()
    {
        var folder = TestNode.NewFolder();
        await using var registry = await TestNode.FoundAsync(folder);
        var (agent, other, sponsor) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await RegisterAsync(registry));
        TestNode.Good(await registry.StopAsync(agent));
        Task<Outcome<Stopped>>[] both = [];
        await registry.InOneGroupAsync(other, () => both = [StopAsync(registry, sponsor, Scope.Agent(agent.Id)), StopAsync(registry, sponsor, Scope.Agent(agent.Id))]);
        var first = TestNode.Good(await both[0]);
        Assert.Equal((first.Index, first.Epoch, first.At), Place(TestNode.Good(await both[1])));
        Assert.Equal((first.Index, first.Epoch, first.At), Place(TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id)))));
        Assert.Equal(2, registry.Bodies().OfType<Stop>().Count());

        TestNode.Good(await registry.RestoreAsync([.. registry.Node.State.Stops.InForce.Select(stop => stop.Denial.Index)]));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.NotEqual(first.Index, TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id))).Index);
        var revoked = TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id), StandingState.Revoked));
        Assert.Equal(Refusal.AlreadyRevoked, (await registry.StopAsync(agent)).Refusal);
        await registry.DisposeAsync();

        await using var again = TestNode.Open(folder, registry.Clock);
        Assert.Equal(revoked.Index, TestNode.Good(await StopAsync(again, sponsor, Scope.Agent(agent.Id), StandingState.Revoked)).Index);
        Assert.Equal(Refusal.AlreadyRevoked, (await StopAsync(again, sponsor, Scope.Agent(agent.Id), StandingState.Restricted)).Refusal);
    }

    [Fact]
    public async Task On_a_full_disk_a_sponsors_stop_is_recorded_and_its_looks_wait()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other, sponsor) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await RegisterAsync(registry));
        registry.Store.OnAppend = Fault.Full;
        var stopped = TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id)));
        Assert.Equal((true, stopped.Index), (stopped.IsIndexPending, TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id))).Index));
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (registry.Verify(agent.Use()), registry.Verify(other.Use())));

        registry.Store.OnAppend = Fault.None;
        await other.RecordAsync();
        Assert.False(registry.Node.Stopping.IsIndexPending(stopped.Index));
        Assert.True(Entry.TryDecode(registry.Store.Read(stopped.Index, 1)[0].Entry, out var entry));
        Assert.Equal(sponsor.Id, entry.Actor);
    }

    [Fact]
    public async Task What_a_sponsor_revokes_counts_for_itself_and_takes_nothing_from_what_an_operator_may()
    {
        await using var registry = await TestNode.FoundByTwoAsync(with: settings => settings with { RevokeAloneMax = 2 });
        var (sponsor, second) = (await RegisterAsync(registry), await RegisterAsync(registry, "other team"));
        var agents = new TestAgent[6];
        for (var i = 0; i < agents.Length; i++)
            agents[i] = await registry.EnrollDeepAsync(i == 3 ? "other team" : "team");
        Task<Outcome<Stopped>>[] stops = [];
        await registry.InOneGroupAsync(agents[5], () => stops =
        [
            .. agents[..3].Select(agent => StopAsync(registry, sponsor, Scope.Agent(agent.Id), StandingState.Revoked)),
            StopAsync(registry, second, Scope.Agent(agents[3].Id), StandingState.Revoked), registry.StopAsync(agents[4], StandingState.Revoked),
        ]);

        Assert.Equal([Refusal.None, Refusal.None, Refusal.NeedsTwoOperators, Refusal.None, Refusal.None], (await Task.WhenAll(stops)).Select(stop => stop.Refusal));
        Assert.Equal(Refusal.NeedsTwoOperators, (await StopAsync(registry, sponsor, Scope.Agent(agents[2].Id), StandingState.Revoked)).Refusal);
        TestNode.Good(await registry.StopAsync(agents[2], StandingState.Revoked));
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.StopAsync(agents[5], StandingState.Revoked)).Refusal);
        TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agents[5].Id)));
    }

    [Fact]
    public async Task What_a_sponsor_had_revoked_before_it_was_removed_takes_nothing_from_what_an_operator_may()
    {
        await using var registry = await TestNode.FoundByTwoAsync(with: settings => settings with { RevokeAloneMax = 1 });
        var (sponsor, agent, other) = (await RegisterAsync(registry), await registry.EnrollAsync(), await registry.EnrollAsync());
        TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id), StandingState.Revoked));
        TestNode.Good(await registry.Node.People.RemoveCallerAsync(registry.Operator, sponsor.Id, "its key was stolen", registry.ApprovalsOf(ApprovedAction.RemoveCaller(sponsor.Id, "its key was stolen"))));
        TestNode.Good(await registry.StopAsync(other, StandingState.Revoked));
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.StopAsync(await registry.EnrollAsync(), StandingState.Revoked)).Refusal);
    }

    [Fact]
    public async Task On_a_full_disk_sponsors_leave_operators_room_for_their_stops()
    {
        await using var registry = await TestNode.FoundAsync();
        var (sponsor, other) = (await RegisterAsync(registry), await registry.EnrollAsync());
        var token = await registry.NewTokenAsync(uses: 150);
        var agents = new TestAgent[150];
        for (var i = 0; i < agents.Length; i++)
            agents[i] = await registry.EnrollAsync(token);
        registry.Store.OnAppend = Fault.Full;
        Scope[] scopes = [.. agents.Select(agent => Scope.Agent(agent.Id)), .. agents.Select(agent => Scope.AgentWithDelegates(agent.Id))];
        var stops = await Task.WhenAll(scopes.SelectMany(scope => new[] { StandingState.Restricted, StandingState.Frozen }, (scope, state) =>
            registry.Node.Stopping.StopAsync(sponsor, new StopWish(scope, state, new string('\u20ac', 500), new string('\u20ac', 100)))));
        Assert.Equal([Refusal.None, Refusal.StorageFull], stops.Select(stop => stop.Refusal).Distinct().Order());
        Assert.Equal(Refusal.StorageFull, (await StopAsync(registry, sponsor, Scope.Agent(agents[149].Id), StandingState.Revoked)).Refusal);
        // None of them is let in, durable or not.
        Assert.All(agents, agent => Assert.NotEqual(Refusal.None, registry.Verify(agent.Use())));
        for (var i = 0; i < 200; i++)
            Assert.True(TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Resource, $"notes/{i}"))).IsIndexPending);

        registry.Store.OnAppend = Fault.None;
        await other.RecordAsync();
        Assert.Equal(stops.Count(stop => !stop.IsRefused) + 200, registry.Bodies().OfType<Stop>().Count());
        TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agents[149].Id), StandingState.Revoked));
    }

    [Fact]
    public async Task Of_a_group_that_finds_no_room_operators_stops_come_first_and_those_of_sponsors_as_far_as_they_fit()
    {
        await using var registry = await TestNode.FoundAsync();
        var (sponsor, other) = (await RegisterAsync(registry), await registry.EnrollAsync());
        var token = await registry.NewTokenAsync(uses: 200);
        var agents = new TestAgent[200];
        for (var i = 0; i < agents.Length; i++)
            agents[i] = await registry.EnrollAsync(token);
        Task<Outcome<Stopped>>[] theirs = [];
        var operators = Task.FromResult(default(Outcome<Stopped>));
        registry.Store.FailLater(1, Fault.Full);
        await registry.InOneGroupAsync(other, () =>
        {
            theirs = [.. agents.Select(agent => StopAsync(registry, sponsor, Scope.Agent(agent.Id)))];
            operators = registry.StopAsync(agents[0], StandingState.Restricted);
        });

        var stops = await Task.WhenAll(theirs);
        var first = TestNode.Good(await operators).Index;
        Assert.Equal((191, Refusal.StorageFull), (stops.Count(stop => !stop.IsRefused), stops[191].Refusal));
        Assert.All(stops[..191], stop => Assert.True(stop.Value.Index.Value > first.Value));
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agents[199].Use()));
        await other.RecordAsync();
        Assert.Equal(192, registry.Bodies().OfType<Stop>().Count());
    }

    [Fact]
    public async Task A_sponsors_name_is_one_callers_alone_and_is_compared_exactly()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await RegisterAsync(registry);
        Assert.Equal(Refusal.NameTaken, (await registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Sponsor, "team", PrivateKey.Generate(KeyAlgorithm.ES256).PublicKey, [])).Refusal);
        foreach (var name in new[] { "Team", "tea", "team*", "team\u00ad" })
            Assert.Equal(Refusal.AgentUnknown, (await StopAsync(registry, await RegisterAsync(registry, name), Scope.Agent(agent.Id))).Refusal);
    }

    [Fact]
    public async Task A_sponsor_sees_whom_its_agents_pass_on_to_what_of_it_was_spent_and_nothing_behind_others()
    {
        await using var registry = await TestNode.FoundAsync();
        var sponsor = await RegisterAsync(registry);
        var (first, second, other, behind) = (await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync("other team"), await registry.EnrollDeepAsync());
        var own = TestNode.Good(await registry.DelegateAsync(first.Credential, second.Id, Delegations.Deep(3), budgets: new Budget("calls", 10))).Token;
        var given = TestNode.Good(await registry.DelegateAsync(own, other.Id, Delegations.Deep(2), budgets: new Budget("calls", 5))).Token;
        TestNode.Good(await registry.DelegateAsync(first.Credential, second.Id, Delegations.Deep(3), budgets: [new Budget("calls", ulong.MaxValue), new Budget("euro", 1)]));
        TestNode.Good(await registry.DelegateAsync(given, behind.Id, budgets: new Budget("calls", 1)));
        await registry.SpendAsync(other, given, new Budget("calls", 3));

        var (graphs, now) = (registry.Node.Responding.Graphs, registry.Node.Responding.Now());
        var down = graphs.Descendants(first.Record, now, All, sponsor).Reached.Items;
        Assert.Equal([first.Id, second.Id, other.Id], down.Select(reached => reached.Agent.Id));
        Assert.Equal([new BudgetUse("calls", ulong.MaxValue, 3), new BudgetUse("euro", 1, 0)], down[1].Budgets);
        Assert.Equal([new BudgetUse("calls", 5, 3)], down[2].Budgets);
        Assert.Equal(4, graphs.Descendants(first.Record, now, All).Reached.Items.Count);
        Assert.Equal([behind.Id, other.Id], graphs.Ancestors(behind.Record, now, All, sponsor).Reached.Items.Select(reached => reached.Agent.Id));
        Assert.Equal([second.Id, first.Id], graphs.Ancestors(second.Record, now, All, sponsor).Reached.Items.Select(reached => reached.Agent.Id));
        var before = TestNode.Good(registry.Node.Responding.At(now.Entry));
        Assert.All(graphs.Descendants(first.Record, before, All, sponsor).Reached.Items, reached => Assert.Empty(reached.Budgets));
    }

    [Fact]
    public async Task A_sponsor_is_told_how_far_its_own_stops_have_come_and_of_nobody_elses()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, sponsor) = (await registry.EnrollAsync(), await RegisterAsync(registry));
        var (theirs, mine) = (TestNode.Good(await registry.StopAsync(agent)).Index, TestNode.Good(await StopAsync(registry, sponsor, Scope.Agent(agent.Id))).Index);
        var propagation = registry.Node.Propagation;
        Assert.Equal(mine, Assert.Single(TestNode.Good(propagation.Of(mine, sponsor)).Stops).Stop.Denial.Index);
        var (another, none) = (propagation.Of(theirs, sponsor), propagation.Of(new Ledger.LeafIndex(0), sponsor));
        Assert.Equal((Refusal.StopUnknown, Refusal.StopUnknown), (another.Refusal, none.Refusal));
        Assert.Equal(another.Detail!.Replace($"{theirs}", "0", StringComparison.Ordinal), none.Detail);
        Assert.Equal(mine, Assert.Single(TestNode.Good(propagation.Of("i-1", sponsor)).Stops).Stop.Denial.Index);
    }

    private static (Ledger.LeafIndex, ulong, long) Place(Stopped stopped) => (stopped.Index, stopped.Epoch, stopped.At);

    private static async Task<CallerRecord> RegisterAsync(TestNode registry, string name = "team") =>
        TestNode.Good(await registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Sponsor, name, PrivateKey.Generate(KeyAlgorithm.Ed25519).PublicKey, [])).Caller;

    private static Task<Outcome<Stopped>> StopAsync(TestNode registry, CallerRecord sponsor, Scope scope, StandingState state = StandingState.Frozen) =>
        registry.Node.Stopping.StopAsync(sponsor, new StopWish(scope, state, "odd calls", "i-1"));
}
