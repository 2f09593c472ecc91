using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>Stops of every scope: whom they reach, whom they leave alone, how they stack, and what it takes to lift them.</summary>
public sealed class ScopeTests
{
    private static readonly KeyValuePair<string, string> Eu = new("jurisdiction", "eu");

    public static TheoryData<string, Refusal> ScopesOfAnAgent => new()
    {
        { "agent", Refusal.AgentFrozen },
        { "agent-with-delegates", Refusal.AgentFrozen },
        { "credential", Refusal.CredentialStopped },
        { "key", Refusal.KeyStopped },
        { "blueprint", Refusal.AgentFrozen },
        { "model", Refusal.AgentFrozen },
        { "sponsor", Refusal.AgentFrozen },
        { "audience", Refusal.AudienceStopped },
        { "resource", Refusal.ResourceStopped },
        { "label", Refusal.AgentFrozen },
        { "issuer-key", Refusal.IssuerKeyStopped },
        { "everything", Refusal.AgentFrozen },
    };

    [Theory]
    [MemberData(nameof(ScopesOfAnAgent))]
    public async Task A_stop_reaches_what_its_scope_names_over_restarts_and_ends_with_its_restore(string word, Refusal expected)
    {
        var folder = TestNode.NewFolder();
        TestAgent agent, other;
        LeafIndex stop;
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
        {
            (agent, other) = await EnrolTwoAsync(registry);
            stop = TestNode.Good(await registry.StopAsync(Of(word, registry, agent))).Index;
            RequireReach(registry, agent, other, word, expected);
        }
        for (var restart = 0; restart < 2; restart++)
        {
            await using var again = TestNode.Open(folder);
            RequireReach(again, agent.At(again), other.At(again), word, expected);
            await again.DisposeAsync();
            File.Delete(Path.Combine(folder, "snapshot"));
        }
        await using var last = TestNode.Open(folder);
        last.OperatorKeys = agent.Registry.OperatorKeys;
        TestNode.Good(await last.RestoreAsync(stop));
        Assert.Equal(Refusal.None, last.Verify(agent.At(last).Use()));
        Assert.Equal(Refusal.None, last.Verify(other.At(last).Use()));
        Assert.Empty(last.Node.State.Stops.InForce);
    }

    [Theory]
    [MemberData(nameof(ScopesOfAnAgent))]
    public async Task A_stop_of_any_scope_but_a_resource_is_one_bit_until_its_restore(string word, Refusal expected)
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (agent, other) = await EnrolTwoAsync(registry);
        Assert.Equal((false, false), (registry.Status(agent.Claims), registry.Status(other.Claims)));
        var stop = TestNode.Good(await registry.StopAsync(Of(word, registry, agent))).Index;
        registry.NextLists();
        Assert.Equal((expected != Refusal.ResourceStopped, word is "audience" or "everything"), (registry.Status(agent.Claims), registry.Status(other.Claims)));
        TestNode.Good(await registry.RestoreAsync(stop));
        registry.NextLists();
        Assert.Equal((false, false), (registry.Status(agent.Claims), registry.Status(other.Claims)));
    }

    [Fact]
    public async Task Stops_stack_and_a_restore_lifts_only_what_it_names()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var first = TestNode.Good(await registry.StopAsync(agent)).Index;
        var byKey = TestNode.Good(await registry.StopAsync(Scope.Key(agent.KeyId))).Index;
        TestNode.Good(await registry.RestoreAsync(first));
        Assert.Equal(Refusal.KeyStopped, registry.Verify(agent.Use()));
        TestNode.Good(await registry.RestoreAsync(byKey));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.Equal(4ul, registry.Node.State.Epoch);
        Assert.Equal(Refusal.StopUnknown, (await registry.RestoreAsync(first)).Refusal);
    }

    [Fact]
    public async Task A_restore_that_does_not_name_a_newer_stop_of_the_scope_is_refused()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var first = TestNode.Good(await registry.StopAsync(agent)).Index;
        var second = TestNode.Good(await registry.StopAsync(agent)).Index;
        Assert.Equal(Refusal.NewerStop, (await registry.RestoreAsync(first)).Refusal);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
        TestNode.Good(await registry.RestoreAsync(first, second));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task One_person_stops_and_does_not_restore_and_nobody_lifts_a_revocation()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        var approvals = registry.ApprovalsOf(ApprovedAction.Restore([stop], "why"));
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.Node.Stopping.RestoreAsync(registry.Operator, [stop], "why", approvals[..1])).Refusal);
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.Node.Stopping.RestoreAsync(registry.Operator, [stop], "why", [approvals[0], approvals[0]])).Refusal);
        Assert.Equal(Refusal.ApprovalMismatch, (await registry.Node.Stopping.RestoreAsync(registry.Operator, [stop], "another why", approvals)).Refusal);
        TestNode.Good(await registry.Node.Stopping.RestoreAsync(registry.Operator, [stop], "why", approvals));
        var again = TestNode.Good(await registry.StopAsync(agent)).Index;
        Assert.NotEqual(stop, again);
        Assert.Equal(Refusal.StopUnknown, (await registry.Node.Stopping.RestoreAsync(registry.Operator, [stop], "why", approvals)).Refusal);
        var final = TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked)).Index;
        Assert.Equal(Refusal.NotRestorable, (await registry.RestoreAsync(again, final)).Refusal);
    }

    [Fact]
    public async Task Approvals_serve_for_one_restore()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        var action = ApprovedAction.Restore([stop], "why");
        var approvals = registry.ApprovalsOf(action);
        var both = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => registry.Node.Stopping.RestoreAsync(registry.Operator, [stop], "why", approvals)));
        Assert.Single(both, outcome => !outcome.IsRefused);
    }

    [Fact]
    public async Task With_its_delegates_an_agent_is_stopped_down_to_the_last_and_alone_only_what_it_passed_on_is()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agents = new List<TestAgent>();
        for (var i = 0; i < 4; i++)
            agents.Add(await registry.EnrollAsync());
        var (top, middle, leaf, stranger) = (agents[0], agents[1], agents[2], agents[3]);
        // The first link has long expired when the second is made: the walk goes on across it.
        await registry.LinkAsync(top, top.Claims.Jti, middle, TimeSpan.FromSeconds(5));
        registry.Clock.Advance(TimeSpan.FromSeconds(60));
        await registry.LinkAsync(middle, middle.Claims.Jti, leaf);

        var alone = TestNode.Good(await registry.StopAsync(Scope.Agent(top.Id)));
        Assert.Equal((Refusal.AgentFrozen, Refusal.None, Refusal.None), (registry.Verify(top.Use()), registry.Verify(middle.Use()), registry.Verify(leaf.Use(nonce: "n2"))));
        Assert.Equal(1, alone.Reached);

        var all = TestNode.Good(await registry.StopAsync(Scope.AgentWithDelegates(top.Id)));
        Assert.Equal(3, all.Reached);
        foreach (var stopped in new[] { top, middle, leaf })
            Assert.Equal(Refusal.AgentFrozen, registry.Verify(stopped.Use(nonce: "n3")));
        Assert.Equal(Refusal.None, registry.Verify(stranger.Use()));
        Assert.Equal(Refusal.AgentFrozen, (await registry.Node.Issuing.IssueAsync(leaf.Record, "", [], 0)).Refusal);
        TestNode.Good(await registry.RestoreAsync(all.Index));
        Assert.Equal(Refusal.None, registry.Verify(leaf.Use(nonce: "n4")));
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(top.Use(nonce: "n4")));
    }

    [Fact]
    public async Task What_was_delegated_from_a_stopped_credential_key_or_sponsor_is_reached_without_showing_it()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (parent, child) = await EnrolTwoAsync(registry);
        var first = await registry.LinkAsync(parent, parent.Claims.Jti, child);
        var second = await registry.LinkAsync(child, first, parent);
        foreach (var word in new[] { "credential", "key", "blueprint", "model", "sponsor", "label" })
        {
            var stop = TestNode.Good(await registry.StopAsync(Of(word, registry, parent)));
            Assert.Equal(new[] { first, second }.Order(), registry.Node.State.Stops.Find(stop.Index)!.Denial.Credentials);
            Assert.Equal(2, stop.Credentials);
            TestNode.Good(await registry.RestoreAsync(stop.Index));
        }
        registry.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(0, TestNode.Good(await registry.StopAsync(Scope.Key(parent.KeyId))).Credentials);
    }

    [Fact]
    public async Task A_restricted_agent_goes_on_reading_what_its_blueprint_calls_a_read()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        TestNode.Good(await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "bot/1", "", [new TypedAction("notes", "read")]));
        var stop = TestNode.Good(await registry.StopAsync(agent, StandingState.Restricted)).Index;

        Assert.Equal(Refusal.None, registry.Verify(agent.Use(action: "read")));
        Assert.Equal(Refusal.AgentRestricted, registry.Verify(agent.Use(action: "write", nonce: "n2")));
        Assert.Equal(Refusal.AgentRestricted, registry.Verify(agent.Use(nonce: "n3") with { Action = null }));
        TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        Assert.Equal(EntryClass.Activity, (await agent.RecordAsync()).Class);
        TestNode.Good(await registry.StopAsync(agent));
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use(action: "read", nonce: "n4")));
        Assert.Equal(Refusal.NewerStop, (await registry.RestoreAsync(stop)).Refusal);
    }

    [Fact]
    public async Task What_no_blueprint_calls_a_read_is_none_and_nobody_defines_one_for_whom_a_stop_restricts()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        TestNode.Good(await registry.StopAsync(agent, StandingState.Restricted));
        Assert.Equal(Refusal.AgentRestricted, registry.Verify(agent.Use(action: "read")));
        Assert.Equal(Refusal.ScopeStopped, (await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "bot/1", "", [new TypedAction("notes", "read")])).Refusal);
        TestNode.Good(await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "bot/2", "", [new TypedAction("notes", "read")]));
        Assert.Equal(Refusal.AlreadyDefined, (await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "bot/2", "x", [])).Refusal);
    }

    [Fact]
    public async Task A_blueprint_is_not_defined_in_the_group_of_a_stop_that_it_would_loosen()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        Task<Outcome<Stopped>>[] stopping = [];
        Task<Outcome<LeafIndex>>[] defining = [];
        await registry.InOneGroupAsync(agent, () =>
        {
            stopping = [registry.StopAsync(new Scope(ScopeKind.Model, "model-x")), registry.StopAsync(agent, StandingState.Restricted)];
            defining = [DefineAsync("bot/2", "model-x"), DefineAsync("bot/1", ""), DefineAsync("bot/3", "")];
        });
        Assert.All(await Task.WhenAll(stopping), stopped => TestNode.Good(stopped));
        Assert.Equal([Refusal.ScopeStopped, Refusal.ScopeStopped, Refusal.None], (await Task.WhenAll(defining)).Select(defined => defined.Refusal));

        Task<Outcome<LeafIndex>> DefineAsync(string name, string model) =>
            registry.Node.Operating.DefineBlueprintAsync(registry.Operator, name, model, [new TypedAction("notes", "read")]);
    }

    [Theory]
    [InlineData("agent")]
    [InlineData("agent-with-delegates")]
    [InlineData("key")]
    [InlineData("blueprint")]
    [InlineData("model")]
    [InlineData("sponsor")]
    [InlineData("label")]
    public async Task Nobody_calls_an_agent_that_a_stop_covers_by_whatever_name_until_its_restore(string word)
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (callee, _) = await EnrolTwoAsync(registry);
        var did = registry.Node.Settings.Name.AgentDid(callee.Id);
        var caller = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("team", "bot/1", [], TestNode.Envelope, [did, TestNode.Audience], 1, 0)));
        Assert.Equal(Refusal.None, registry.Verify(caller.Use(audience: did)));
        var stop = TestNode.Good(await registry.StopAsync(Of(word, registry, callee))).Index;
        Assert.Equal(Refusal.AudienceStopped, registry.Verify(caller.Use(audience: did, nonce: "n2")));
        Assert.Equal(Refusal.None, registry.Verify(caller.Use(nonce: "n3")));
        TestNode.Good(await registry.RestoreAsync(stop));
        Assert.Equal(Refusal.None, registry.Verify(caller.Use(audience: did, nonce: "n4")));
    }

    [Fact]
    public async Task What_may_still_be_asked_of_a_restricted_agent_is_what_the_caller_reads()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (callee, _) = await EnrolTwoAsync(registry);
        var did = registry.Node.Settings.Name.AgentDid(callee.Id);
        TestNode.Good(await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "bot/1", "", [new TypedAction("notes", "read")]));
        var caller = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("team", "bot/1", [], TestNode.Envelope, [did], 1, 0)));
        TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Sponsor, "first team"), StandingState.Restricted));
        Assert.Equal(Refusal.None, registry.Verify(caller.Use(audience: did)));
        Assert.Equal(Refusal.AudienceStopped, registry.Verify(caller.Use(audience: did, action: "write", nonce: "n2")));
    }

    [Fact]
    public async Task A_cut_refuses_what_was_given_after_its_entry_and_only_two_move_it_later()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var between = new LeafIndex(registry.Node.State.Position - 1);
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        var later = TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        var scope = Scope.Agent(agent.Id);

        TestNode.Good(await CutAsync(registry, scope, between));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.AfterCut, registry.Verify(agent.Use(later.Token, nonce: "n2")));
        Assert.Equal(Refusal.NeedsTwoOperators, (await CutAsync(registry, scope, new LeafIndex(between.Value + 1))).Refusal);

        var earlier = new LeafIndex(agent.Claims.LedgerIndex - 1);
        TestNode.Good(await CutAsync(registry, scope, earlier));
        Assert.Equal(Refusal.AfterCut, registry.Verify(agent.Use(nonce: "n3")));

        var last = new LeafIndex(registry.Node.State.Position - 1);
        TestNode.Good(await CutAsync(registry, scope, last, registry.ApprovalsOf(ApprovedAction.Cut(scope, last, "copied"))));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(nonce: "n4")));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(later.Token, nonce: "n5")));
        Assert.Single(registry.Node.State.Stops.InForce);
        Assert.Equal(Refusal.EntryUnknown, (await CutAsync(registry, scope, new LeafIndex(registry.Node.State.Position))).Refusal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cut_of_a_key_covers_what_the_key_passes_on_after_its_entry(bool isPassedOnBefore)
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync());
        var good = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id));
        var last = new LeafIndex(registry.Node.State.Position - 1);
        var before = isPassedOnBefore ? TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id)) : null;
        TestNode.Good(await CutAsync(registry, Scope.Key(above.KeyId), last));
        Assert.Equal(Refusal.None, registry.Verify(below.Use(good.Token)));
        if (before is not null)
            Assert.Equal(Refusal.CredentialStopped, registry.Verify(below.Use(before.Token, nonce: "n2")));
        Assert.Equal(Refusal.KeyStopped, (await registry.DelegateAsync(above.Credential, below.Id)).Refusal);
    }

    [Fact]
    public async Task A_cut_that_two_move_and_a_restore_of_what_stood_before_in_one_group_leave_a_ledger_that_opens()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var scope = Scope.Agent(agent.Id);
        var stop = TestNode.Good(await registry.StopAsync(scope)).Index;
        var older = TestNode.Good(await CutAsync(registry, scope, new LeafIndex(1))).Index;
        var later = new LeafIndex(registry.Node.State.Position - 1);
        var approvals = registry.ApprovalsOf(ApprovedAction.Cut(scope, later, "copied"));
        var (moving, restoringIt, restoringTheStop) = (Task.FromResult(default(Outcome<Decided>)), Task.FromResult(default(Outcome<Decided>)), Task.FromResult(default(Outcome<Decided>)));
        await registry.InOneGroupAsync(agent, () =>
            (moving, restoringIt, restoringTheStop) = (CutAsync(registry, scope, later, approvals), registry.RestoreAsync(older), registry.RestoreAsync(stop)));
        TestNode.Good(await moving);
        Assert.Equal((Refusal.StopUnknown, Refusal.NewerStop), ((await restoringIt).Refusal, (await restoringTheStop).Refusal));
        await registry.DisposeAsync();
        await using var again = TestNode.Open(registry.Folder, registry.Clock);
        Assert.False(again.Node.State.Stops.Find(older)!.IsInForce);
    }

    [Fact]
    public async Task Of_two_cuts_of_one_scope_in_one_group_the_second_is_held_against_the_first()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var scope = Scope.Agent(agent.Id);
        Task<Outcome<Decided>>[] cuts = [];
        await registry.InOneGroupAsync(agent, () => cuts = [CutAsync(registry, scope, new LeafIndex(1)), CutAsync(registry, scope, new LeafIndex(2))]);
        Assert.Equal([Refusal.None, Refusal.NeedsTwoOperators], (await Task.WhenAll(cuts)).Select(cut => cut.Refusal));

        // And what two have moved away in the group does not stand in the way of an earlier one.
        var last = new LeafIndex(registry.Node.State.Position - 1);
        var approvals = registry.ApprovalsOf(ApprovedAction.Cut(scope, last, "copied"));
        await registry.InOneGroupAsync(agent, () => cuts = [CutAsync(registry, scope, last, approvals), CutAsync(registry, scope, new LeafIndex(2)), CutAsync(registry, scope, new LeafIndex(3))]);
        Assert.Equal([Refusal.None, Refusal.None, Refusal.NeedsTwoOperators], (await Task.WhenAll(cuts)).Select(cut => cut.Refusal));
        Assert.Equal([last, new LeafIndex(2)], registry.Node.State.Stops.InForce.Select(stop => stop.Denial.After!.Value));
    }

    [Fact]
    public async Task A_stopped_scope_is_not_left_by_enrolling_anew()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var token = await registry.NewTokenAsync(new TokenWish("team", "bot/1", [Eu], TestNode.Envelope, [TestNode.Audience], 10, 0));
        foreach (var scope in new[] { new Scope(ScopeKind.Sponsor, "team"), new Scope(ScopeKind.Blueprint, "bot/1"), Scope.Label(Eu.Key, Eu.Value), Scope.Everything })
        {
            var stop = TestNode.Good(await registry.StopAsync(scope)).Index;
            Assert.Equal(Refusal.AgentFrozen, (await registry.EnrollAsync(PrivateKey.Generate(KeyAlgorithm.ES256), token)).Refusal);
            TestNode.Good(await registry.RestoreAsync(stop));
        }
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        TestNode.Good(await registry.StopAsync(Scope.Key(key.PublicKey.KeyId)));
        Assert.Equal(Refusal.KeyStopped, (await registry.EnrollAsync(key, token)).Refusal);
        await registry.EnrollAsync(token);
    }

    [Fact]
    public async Task One_person_revokes_a_few_and_two_revoke_many_or_whoever_comes_later()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var team = new Scope(ScopeKind.Sponsor, "team");
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.StopAsync(team, StandingState.Revoked)).Refusal);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked));
        var wish = new StopWish(team, StandingState.Revoked, "odd calls", "i-7", Approvals: registry.ApprovalsOf(ApprovedAction.Revoke(team, "odd calls", "i-7")));
        Assert.Equal(Refusal.ApprovalMismatch, (await registry.Node.Stopping.StopAsync(registry.Operator, wish with { Incident = "i-8" })).Refusal);
        Assert.Equal(Refusal.ApprovalMismatch, (await registry.Node.Stopping.StopAsync(registry.Operator, wish with { Incident = "" })).Refusal);
        TestNode.Good(await registry.Node.Stopping.StopAsync(registry.Operator, wish));
        Assert.Equal(Refusal.AlreadyRevoked, (await registry.StopAsync(team)).Refusal);
    }

    [Fact]
    public async Task A_stop_that_leaves_nobody_to_restore_asks_for_force()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var mine = Scope.Key(registry.OperatorKeys[1].PublicKey.KeyId);
        Assert.Equal(Refusal.ForceNeeded, (await registry.StopAsync(mine)).Refusal);
        TestNode.Good(await registry.Node.Stopping.StopAsync(registry.Operator, new StopWish(mine, StandingState.Frozen, "stolen", "", Force: true)));
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        Assert.Equal(Refusal.ApproverUnknown, (await registry.RestoreAsync(stop)).Refusal);
    }

    [Fact]
    public async Task A_preview_says_what_a_stop_would_reach_and_stops_nothing()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (agent, other) = await EnrolTwoAsync(registry);
        await registry.LinkAsync(agent, agent.Claims.Jti, other);
        var team = TestNode.Good(registry.Node.Stopping.Preview(new Scope(ScopeKind.Sponsor, "first team")));
        Assert.Equal((1, 1, 1), (team.Agents, team.DelegatedCredentials, team.LiveCredentials));
        Assert.Equal(2, TestNode.Good(registry.Node.Stopping.Preview(Scope.AgentWithDelegates(agent.Id))).Agents);
        Assert.Equal((1, 1), (TestNode.Good(registry.Node.Stopping.Preview(new Scope(ScopeKind.Model, "model-x/5"))).Agents, TestNode.Good(registry.Node.Stopping.Preview(new Scope(ScopeKind.Model, "model-x/5"))).WithoutModel));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
    }

    private static Task<Outcome<Decided>> CutAsync(TestNode registry, Scope scope, LeafIndex after, params string[] approvals) =>
        registry.Node.Stopping.CutAsync(registry.Operator, scope, after, "copied", "", approvals);

    [Theory]
    [InlineData(ScopeKind.Resource, "*")]
    [InlineData(ScopeKind.Resource, "a*b")]
    [InlineData(ScopeKind.Resource, "*/x")]
    [InlineData(ScopeKind.Resource, "https://tools.example*")]
    [InlineData(ScopeKind.Audience, "https://tool.*")]
    [InlineData(ScopeKind.Sponsor, "first*")]
    [InlineData(ScopeKind.Model, "model-x/*")]
    [InlineData(ScopeKind.Blueprint, "*")]
    [InlineData(ScopeKind.Label, "jurisdiction=*")]
    public async Task A_stop_that_could_stop_nothing_is_refused_by_name_and_writes_nothing(ScopeKind kind, string value)
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        await EnrolTwoAsync(registry);
        var before = registry.Node.State.Position;
        Assert.Equal(Refusal.ScopeMalformed, (await registry.StopAsync(new Scope(kind, value))).Refusal);
        Assert.Equal(Refusal.ScopeMalformed, registry.Node.Stopping.Preview(new Scope(kind, value)).Refusal);
        Assert.Equal(before, registry.Node.State.Position);
    }

    [Fact]
    public async Task A_sponsor_whose_name_has_a_star_can_be_stopped()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("five * desk", "first/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0)));
        Assert.Equal(1, TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Sponsor, "five * desk"))).Reached);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
    }

    [Theory]
    [MemberData(nameof(ScopesOfAnAgent))]
    public async Task A_stop_says_from_how_many_agents_it_takes_anything(string word, Refusal expected)
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (agent, _) = await EnrolTwoAsync(registry);
        var both = expected is Refusal.AudienceStopped or Refusal.ResourceStopped || word == "everything";
        // The key of the registry that signed for the first has not signed for the other.
        Assert.Equal(new StopConcern(both ? 2 : 1, IsNobody: false), TestNode.Good(await registry.StopAsync(Of(word, registry, agent))).Concern);
    }

    [Theory]
    [InlineData(ScopeKind.Sponsor, "nobody")]
    [InlineData(ScopeKind.Model, "model-z/1")]
    [InlineData(ScopeKind.Label, "jurisdiction=ch")]
    [InlineData(ScopeKind.Resource, "elsewhere/*")]
    [InlineData(ScopeKind.Audience, "https://unknown.example")]
    [InlineData(ScopeKind.Credential, "0192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData(ScopeKind.Key, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    [InlineData(ScopeKind.IssuerKey, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k@0")]
    public async Task A_stop_that_matches_nobody_now_says_so_and_stands(ScopeKind kind, string value)
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        await EnrolTwoAsync(registry);
        var scope = new Scope(kind, value);
        Assert.Equal(new StopConcern(0, IsNobody: true), TestNode.Good(registry.Node.Stopping.Preview(scope)).Concern);
        Assert.Equal(new StopConcern(0, IsNobody: true), TestNode.Good(await registry.StopAsync(scope)).Concern);
        Assert.Equal(scope, Assert.Single(registry.Node.State.Stops.InForce).Denial.Scope);
    }

    private static async Task<(TestAgent Agent, TestAgent Other)> EnrolTwoAsync(TestNode registry)
    {
        if (!registry.Node.State.Stops.Blueprints.Any())
            TestNode.Good(await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "first/1", "model-x/5", []));
        var agent = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("first team", "first/1", [Eu], TestNode.Envelope, [TestNode.Audience], 1, 0)));
        // Another issuer's key, tool and location as well: all that a scope can tell apart.
        TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        var envelope = TestNode.Envelope.Replace("notes/*", "notes/1", StringComparison.Ordinal);
        var other = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("other team", "other/1", [new("jurisdiction", "us")], envelope, ["https://other.example", TestNode.Audience], 1, 0)));
        return (agent, other);
    }

    private static Scope Of(string word, TestNode registry, TestAgent agent) => word switch
    {
        "agent" => Scope.Agent(agent.Id),
        "agent-with-delegates" => Scope.AgentWithDelegates(agent.Id),
        "credential" => Scope.Credential(agent.Claims.Jti),
        "key" => Scope.Key(agent.KeyId),
        "blueprint" => new Scope(ScopeKind.Blueprint, "first/1"),
        "model" => new Scope(ScopeKind.Model, "model-x/5"),
        "sponsor" => new Scope(ScopeKind.Sponsor, "first team"),
        "audience" => new Scope(ScopeKind.Audience, TestNode.Audience),
        "resource" => new Scope(ScopeKind.Resource, "notes/*"),
        "label" => Scope.Label(Eu.Key, Eu.Value),
        "issuer-key" => Scope.IssuerKey(registry.Node.State.IssuerKeys.All.First().KeyId, new LeafIndex(agent.Claims.LedgerIndex - 1)),
        _ => Scope.Everything,
    };

    private static void RequireReach(TestNode registry, TestAgent agent, TestAgent other, string word, Refusal expected)
    {
        var nonce = SubjectId.New(registry.Clock.GetUtcNow()).ToString();
        Assert.Equal(expected, registry.Verify(agent.Use(nonce: nonce)));
        var reachesAll = word is "audience" or "resource" or "everything";
        Assert.Equal(reachesAll ? expected : Refusal.None, registry.Verify(other.Use(nonce: nonce)));
        if (word == "audience")
            Assert.Equal(Refusal.None, registry.Verify(other.Use(audience: "https://other.example", nonce: nonce + "o")));
    }
}
