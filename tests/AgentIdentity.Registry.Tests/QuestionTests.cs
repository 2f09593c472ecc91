using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests;

/// <summary>What responders ask, in small worlds whose answers are known.</summary>
public sealed class QuestionTests
{
    private static readonly Page All = new(0, Page.SizeMax);

    [Fact]
    public async Task Who_somebody_was_is_found_by_agent_key_credential_and_entry_also_when_the_credential_has_expired()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var recorded = await agent.RecordAsync();
        registry.Clock.Advance(TimeSpan.FromHours(1));
        var later = await registry.EnrollAsync();
        Asked[] ways = [new AskedAgent(agent.Id), new AskedKey(agent.KeyId), new AskedCredential(agent.Claims.Jti), new AskedEntry(recorded.Index)];
        foreach (var asked in ways)
        {
            var who = Assert.Single(TestNode.Good(Ask(registry).Identities.WhoIs(asked, Now(registry), All)).Agents.Items);
            Assert.Equal((agent.Id, StandingState.Active), (who.Agent.Id, who.State));
            Assert.Empty(who.Credentials);
        }
        var then = TestNode.Good(Ask(registry).Identities.WhoIs(new AskedAgent(agent.Id), At(registry, recorded.Index), All));
        Assert.Equal(agent.Claims.Jti, Assert.Single(Assert.Single(then.Agents.Items).Credentials).Item.Jti);
        Assert.Equal(Refusal.AgentUnknown, Ask(registry).Identities.WhoIs(new AskedAgent(later.Id), At(registry, recorded.Index), All).Refusal);
        Assert.Equal(Refusal.AgentUnknown, Ask(registry).Identities.WhoIs(new AskedCredential(SubjectId.New(registry.Clock.GetUtcNow())), Now(registry), All).Refusal);
        Assert.Equal(Refusal.EntryUnknown, Ask(registry).At(new LeafIndex(registry.Node.State.Position)).Refusal);
        Assert.Equal("first", TestNode.Good(Ask(registry).Identities.WhoIs(new AskedKey(registry.OperatorKeys[0].PublicKey.KeyId), Now(registry), All)).Caller!.Name);
    }

    [Fact]
    public async Task A_credential_that_was_issued_after_a_clock_that_was_ahead_had_been_set_back_leads_to_its_agent()
    {
        await using var registry = await TestNode.FoundAsync();
        registry.Clock.SetForward(TimeSpan.FromMinutes(5));
        await registry.EnrollAsync();
        registry.Clock.SetBack(TimeSpan.FromMinutes(5));
        var agent = await registry.EnrollAsync();

        var who = TestNode.Good(Ask(registry).Identities.WhoIs(new AskedCredential(agent.Claims.Jti), Now(registry), All));

        Assert.Equal(agent.Id, Assert.Single(who.Agents.Items).Agent.Id);
    }

    [Fact]
    public async Task What_an_agent_was_given_behind_however_much_it_has_done_in_a_quarter_of_an_hour_is_in_the_answer()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, above, registryId) = (await registry.EnrollAsync(), await registry.EnrollAsync(), registry.Node.State.Founding!.RegistryId);
        TestNode.Good(await registry.Node.Sequencer.DecideAsync<bool>(Sequencing.Lane.Ordinary, draft =>
        {
            for (var i = 0; i < 21_000; i++)
                draft.Stage(registryId, new PrivateDataRead("/a", "b", 1), agent.Id);
            return true;
        }));
        var later = TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        var passedOn = await registry.LinkAsync(above, above.Claims.Jti, agent);

        var could = Ask(registry).Conduct.CouldHave(agent.Record, At(registry, Ask(registry).Now().Entry));

        Assert.Equal([agent.Claims.Jti, later.Claims.Jti], could.Credentials.Select(credential => credential.Item.Jti));
        Assert.Equal(passedOn, could.Authorities[^1].Link?.Body.ChildJti);
    }

    [Fact]
    public async Task What_is_asked_of_an_earlier_entry_reads_no_further_when_nobody_waits_for_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var gone = new CancellationTokenSource();
        var then = At(registry, (await agent.RecordAsync()).Index);
        var asked = Ask(registry).Until(gone.Token);
        Assert.Single(asked.Conduct.CouldHave(agent.Record, then).Credentials);

        await gone.CancelAsync();
        Assert.Throws<OperationCanceledException>(() => asked.Conduct.CouldHave(agent.Record, then));
        Assert.Throws<OperationCanceledException>(() => asked.Identities.WhoIs(new AskedAgent(agent.Id), then, All));
        Assert.Throws<OperationCanceledException>(() => asked.Identities.ChainOfCommand(new AskedAgent(agent.Id), then, All));
        Assert.Throws<OperationCanceledException>(() => asked.StopTrials.StillAlive(Scope.Agent(agent.Id), then, All));
    }

    [Fact]
    public async Task A_state_is_that_of_the_entry_that_is_asked_about_and_lifted_stops_stay_in_the_history()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var before = Ask(registry).Now().Entry;
        var stop = TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Sponsor, "team"))).Index;
        var restored = TestNode.Good(await registry.RestoreAsync(stop)).Index;
        var cut = TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(agent.Id), before, "copied", "", [])).Index;

        Assert.Equal((StandingState.Active, 0, 0), Standing(before));
        Assert.Equal((StandingState.Frozen, 1, 1), Standing(stop));
        Assert.Equal((StandingState.Active, 1, 0), Standing(restored));
        Assert.Equal((StandingState.Active, 2, 1), Standing(cut));

        (StandingState, int, int) Standing(LeafIndex at)
        {
            var who = TestNode.Good(Ask(registry).Identities.WhoIs(new AskedAgent(agent.Id), At(registry, at), All)).Agents.Items[0];
            return (who.State, who.Stops.Count, who.Stops.Count(stop => stop.WasInForce));
        }
    }

    [Fact]
    public async Task A_chain_of_command_leads_over_its_links_to_the_sponsor_also_when_they_have_expired()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second, third) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await registry.EnrollAsync());
        var upper = await registry.LinkAsync(first, first.Claims.Jti, second);
        var lower = await registry.LinkAsync(second, upper, third);
        var linked = Ask(registry).Now().Entry;
        AssertWhole();
        registry.Clock.Advance(TimeSpan.FromHours(1));
        await registry.LinkAsync(first, first.Claims.Jti, await registry.EnrollAsync());
        Assert.Null(registry.Node.State.Lineage.Link(lower));
        AssertWhole();
        Assert.Empty(Assert.Single(TestNode.Good(Ask(registry).Identities.ChainOfCommand(new AskedAgent(first.Id), Now(registry), All)).Items).Links);

        void AssertWhole()
        {
            var chain = TestNode.Good(Ask(registry).Identities.ChainOfCommand(new AskedEntry(linked), Now(registry), All));
            var climbed = Assert.Single(chain.Items);
            Assert.Equal([second.Id, first.Id], climbed.Links.Select(link => link.Body.Parent));
            Assert.Equal(first.Id, climbed.Root.Id);
        }
    }

    [Fact]
    public async Task An_entry_that_issued_to_several_agents_is_answered_with_the_chain_of_each_credential_page_by_page()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var jti = await PassOnAsync(registry, first, second);
        var issued = await IssueToAllAsync(registry, first, second);

        var delegated = Chains(registry.Node.State.FindAgent(second.Id)!.Credential(jti)!.Value.Index, All);
        Assert.Equal((second.Id, jti, first.Id), (delegated.Items[0].Agent.Id, delegated.Items[0].Jti, delegated.Items[0].Root.Id));
        Assert.Equal([first.Id, second.Id], Chains(issued, All).Items.Select(chain => chain.Agent.Id));
        Assert.Equal((second.Id, null), (Assert.Single(Chains(issued, new Page(1, 1)).Items).Agent.Id, Chains(issued, new Page(1, 1)).Next));
        Assert.Equal(1, Chains(issued, new Page(0, 1)).Next);
        Assert.Equivalent(new[] { first.Id, second.Id }, TestNode.Good(Ask(registry).Identities.WhoIs(new AskedEntry(issued), Now(registry), All)).Agents.Items.Select(who => who.Agent.Id));

        Part<CommandChain> Chains(LeafIndex entry, Page page) => TestNode.Good(Ask(registry).Identities.ChainOfCommand(new AskedEntry(entry), Now(registry), page));
    }

    [Fact]
    public async Task An_entry_about_several_agents_that_issued_nothing_is_answered_for_each_of_them()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        LeafIndex[] stops = [TestNode.Good(await registry.StopAsync(first)).Index, TestNode.Good(await registry.StopAsync(second)).Index];
        var restored = TestNode.Good(await registry.RestoreAsync(stops)).Index;
        var chains = TestNode.Good(Ask(registry).Identities.ChainOfCommand(new AskedEntry(restored), Now(registry), All)).Items;
        Assert.Equivalent(new[] { first.Id, second.Id }, chains.Select(chain => chain.Agent.Id));
        Assert.All(chains, chain => Assert.Null(chain.Jti));
    }

    [Fact]
    public async Task An_entry_means_nobody_as_of_an_earlier_one()
    {
        await using var registry = await TestNode.FoundAsync();
        var first = await registry.EnrollAsync();
        var before = Ask(registry).Now().Entry;
        var second = await registry.EnrollAsync();
        var issued = await IssueToAllAsync(registry, first, second);
        await registry.LinkAsync(first, first.Claims.Jti, second);
        var linked = Ask(registry).Now().Entry;

        Assert.All([issued, linked], entry =>
        {
            Assert.Equal(Refusal.AgentUnknown, Ask(registry).Identities.ChainOfCommand(new AskedEntry(entry), At(registry, before), All).Refusal);
            Assert.Equal(Refusal.AgentUnknown, Ask(registry).Identities.WhoIs(new AskedEntry(entry), At(registry, before), All).Refusal);
            Assert.Equal(2, TestNode.Good(Ask(registry).Identities.WhoIs(new AskedEntry(entry), At(registry, entry), All)).Agents.Items.Count);
        });
        Assert.Equal([first.Id, second.Id], TestNode.Good(Ask(registry).Identities.ChainOfCommand(new AskedEntry(issued), At(registry, issued), All)).Items.Select(chain => chain.Agent.Id));
    }

    [Fact]
    public async Task Descendants_and_ancestors_are_those_of_the_entry_with_hops_and_edges()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second, third) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await registry.EnrollAsync());
        var upper = await registry.LinkAsync(first, first.Claims.Jti, second);
        var one = Ask(registry).Now().Entry;
        await registry.LinkAsync(second, upper, third);
        var two = Ask(registry).Now().Entry;
        await registry.LinkAsync(first, first.Claims.Jti, second);

        Assert.Equal([(first.Id, 0), (second.Id, 1)], Hops(Ask(registry).Graphs.Descendants(first.Record, At(registry, one), All)));
        Assert.Equal([(first.Id, 0), (second.Id, 1), (third.Id, 2)], Hops(Ask(registry).Graphs.Descendants(first.Record, At(registry, two), All)));
        Assert.Equal([(third.Id, 0), (second.Id, 1), (first.Id, 2)], Hops(Ask(registry).Graphs.Ancestors(third.Record, Now(registry), All)));
        var edge = Ask(registry).Graphs.Descendants(first.Record, Now(registry), All).Reached.Items[1].Delegation!.Value;
        Assert.Equal((one, Ask(registry).Now().Entry, 2u), (edge.First, edge.Last, edge.Links));
        Assert.Equal(one, Ask(registry).Graphs.Descendants(first.Record, At(registry, two), All).Reached.Items[1].Delegation!.Value.Last);
    }

    [Fact]
    public async Task What_an_agent_did_tells_apart_what_is_quarantined_and_what_a_cut_takes()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var good = (await agent.RecordAsync()).Index;
        await agent.RecordAsync();
        var cut = TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(agent.Id), good, "copied", "", [])).Index;
        TestNode.Good(await registry.StopAsync(agent));
        await agent.RecordAsync();

        var did = WhatDid(0, Page.SizeMax, Now(registry));
        Assert.Equal((3, 3, 1, 2), (did.Statements, did.Commitments, did.Quarantined, did.NotReliedOn));
        Assert.Equal([null, cut, cut], did.Deeds.Where(deed => deed.Kind == EntryKind.Activity).Select(deed => deed.NotReliedOn));
        Assert.Equal((1, 0), (WhatDid(0, Page.SizeMax, At(registry, good)).Statements, WhatDid(0, Page.SizeMax, At(registry, good)).NotReliedOn));
        var page = WhatDid(0, 2, Now(registry));
        Assert.Equal((2, 2ul), (page.Deeds.Count, page.Next));
        Assert.Equal(did.Deeds.Count - 2, WhatDid(2, Page.SizeMax, Now(registry)).Deeds.Count);

        ConductAnswer WhatDid(ulong from, int countMax, AsOf asOf) => Ask(registry).Conduct.WhatDid(agent.Record, Period.All, from, countMax, asOf);
    }

    [Fact]
    public async Task A_cut_of_a_key_takes_what_that_key_did_also_when_the_agent_has_another_since_and_not_what_that_one_does()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var good = (await agent.RecordAsync()).Index;
        await agent.RecordAsync();
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        await agent.RotateAsync(next);
        var cut = TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Key(agent.KeyId), good, "copied", "", [])).Index;
        await new TestAgent(registry, next, agent.Id, null!).RecordAsync();

        var did = Ask(registry).Conduct.WhatDid(agent.Record, Period.All, 0, Page.SizeMax, Now(registry));

        Assert.Equal([null, cut, null], did.Deeds.Where(deed => deed.Kind == EntryKind.Activity).Select(deed => deed.NotReliedOn));
        Assert.Equal(1, did.NotReliedOn);
    }

    [Fact]
    public async Task What_an_agent_could_have_done_is_its_own_and_what_was_passed_on_less_what_was_stopped_then()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var before = Ask(registry).Now().Entry;
        await PassOnAsync(registry, first, second);
        var linked = Ask(registry).Now().Entry;
        var audience = TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Audience, TestNode.Audience))).Index;
        var resource = TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Resource, "notes/secret/*"))).Index;
        var above = TestNode.Good(await registry.StopAsync(first)).Index;

        Assert.Single(CouldHave(before).Authorities);
        var open = CouldHave(linked);
        // The issuance stands behind the link, at the end of their group.
        Assert.Equal([null, linked.Value - 1], open.Authorities.Select(authority => authority.Link?.Index.Value));
        Assert.All(open.Authorities, authority => Assert.Equal((TestNode.Audience, StandingState.Active), (Assert.Single(authority.Audiences), authority.Left)));
        Assert.All(CouldHave(audience).Authorities, authority => Assert.Equal((0, TestNode.Audience), (authority.Audiences.Count, Assert.Single(authority.StoppedAudiences))));
        Assert.Empty(CouldHave(audience).StoppedLocations);
        Assert.Equal(["notes/secret/*"], CouldHave(resource).StoppedLocations);
        Assert.Equal([Refusal.None, Refusal.ChainStopped], CouldHave(above).Authorities.Select(authority => authority.Refusal));

        CouldHaveAnswer CouldHave(LeafIndex at) => Ask(registry).Conduct.CouldHave(second.Record, At(registry, at));
    }

    [Fact]
    public async Task What_an_agent_could_have_done_goes_by_the_key_that_it_had_then_and_by_the_key_that_each_credential_is_bound_to()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var did = registry.Node.Settings.Name.AgentDid(second.Id);
        var caller = await EnrolAsync(registry, "bot/1", did);
        await PassOnAsync(registry, first, second);
        var stopped = TestNode.Good(await registry.StopAsync(Scope.Key(second.KeyId))).Index;
        TestNode.Good(await registry.RestoreAsync(stopped));
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        await second.RotateAsync(next);
        var again = TestNode.Good(await registry.StopAsync(Scope.Key(second.KeyId))).Index;

        Assert.Equal([Refusal.KeyStopped, Refusal.KeyStopped], CouldHave(second, stopped).Select(authority => authority.Refusal));
        Assert.Equal([did], Assert.Single(CouldHave(caller, stopped)).StoppedAudiences);
        Assert.Equal([Refusal.None, Refusal.KeyStopped], CouldHave(second, again).Select(authority => authority.Refusal));
        Assert.Empty(Assert.Single(CouldHave(caller, again)).StoppedAudiences);

        IReadOnlyList<Authority> CouldHave(TestAgent agent, LeafIndex at) => Ask(registry).Conduct.CouldHave(agent.Record, At(registry, at)).Authorities;
    }

    [Fact]
    public async Task A_blast_radius_follows_delegations_calls_and_blueprints_nearest_and_busiest_first()
    {
        await using var registry = await TestNode.FoundAsync();
        var (called, child, sibling) = (await EnrolAsync(registry, "c/1"), await EnrolAsync(registry, "d/1"), await EnrolAsync(registry, "a/1"));
        var agent = await EnrolAsync(registry, "a/1", $"{registry.Node.Settings.Name.AgentDid(called.Id)}");
        var apart = await EnrolAsync(registry, "e/1");
        await PassOnAsync(registry, agent, child);
        await PassOnAsync(registry, child, apart);
        await sibling.RecordAsync();
        await called.RecordAsync();
        await called.RecordAsync();

        var radius = Radius(EdgeKinds.All, 1);
        Assert.Equal([1, 3], radius.ByHops);
        Assert.Equal(
            [(agent.Id, EdgeKinds.None, 0), (called.Id, EdgeKinds.Calls, 2), (sibling.Id, EdgeKinds.SameBlueprint, 1), (child.Id, EdgeKinds.DelegatesTo, 0)],
            radius.Reached.Items.Select(reached => (reached.Agent.Id, reached.Edge, reached.Weight)));
        Assert.Equal([1, 1, 1], Radius(EdgeKinds.DelegatesTo, 5).ByHops);
        Assert.Equal(child.Id, Radius(EdgeKinds.DelegatesTo, 5).Reached.Items[2].Via);
        var page = Ask(registry).Graphs.BlastRadius(Scope.Agent(agent.Id), EdgeKinds.All, 5, Now(registry), new Page(1, 2));
        Assert.Equal((2, 3), (page.Reached.Items.Count, page.Reached.Next));

        WalkAnswer Radius(EdgeKinds kinds, int hops) => Ask(registry).Graphs.BlastRadius(Scope.Agent(agent.Id), kinds, hops, Now(registry), All);
    }

    [Fact]
    public async Task Whom_two_ways_lead_to_is_in_a_blast_radius_once_with_what_it_recorded_itself()
    {
        await using var registry = await TestNode.FoundAsync();
        var (top, left, right, below) = (await EnrolAsync(registry, "a/1"), await EnrolAsync(registry, "b/1"), await EnrolAsync(registry, "c/1"), await EnrolAsync(registry, "d/1"));
        await PassOnAsync(registry, top, left);
        await PassOnAsync(registry, top, right);
        await PassOnAsync(registry, left, below);
        await PassOnAsync(registry, right, below);
        await right.RecordAsync();
        await below.RecordAsync();
        await below.RecordAsync();

        foreach (var kinds in new[] { EdgeKinds.DelegatesTo, EdgeKinds.All })
        {
            var radius = Ask(registry).Graphs.BlastRadius(Scope.Agent(top.Id), kinds, 5, Now(registry), All);
            Assert.Equal([1, 2, 1], radius.ByHops);
            Assert.Equal([(top.Id, 0, 0), (right.Id, 1, 1), (left.Id, 1, 0), (below.Id, 2, 2)], radius.Reached.Items.Select(reached => (reached.Agent.Id, reached.Hops, reached.Weight)));
        }
    }

    [Fact]
    public async Task A_path_leads_to_a_location_by_ones_own_envelope_or_over_a_link_while_it_lives()
    {
        await using var registry = await TestNode.FoundAsync();
        var (own, given) = (await registry.EnrollAsync(), await EnrolAsync(registry, "d/1", "https://other.example", "other/*"));
        await PassOnAsync(registry, own, given);
        var linked = Ask(registry).Now().Entry;

        Assert.Equal([(own.Id, 0), (given.Id, 1)], Hops(PathTo("notes/1", Now(registry))));
        Assert.Equal([(given.Id, 0)], Hops(PathTo("other/1", Now(registry))));
        Assert.Equal([(own.Id, 0), (given.Id, 1)], Hops(PathTo(TestNode.Audience, Now(registry))));
        Assert.Empty(PathTo("nowhere", Now(registry)).Reached.Items);
        registry.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal([(own.Id, 0)], Hops(PathTo("notes/1", Now(registry))));
        Assert.Equal([(own.Id, 0), (given.Id, 1)], Hops(PathTo("notes/1", At(registry, linked))));

        WalkAnswer PathTo(string target, AsOf asOf) => Ask(registry).Graphs.PathTo(target, asOf, All);
    }

    [Fact]
    public async Task What_is_still_alive_ends_with_its_credentials()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        await PassOnAsync(registry, first, second);
        var linked = Ask(registry).Now().Entry;

        var alive = StillAlive(Now(registry));
        Assert.Equal((2, 3, 1, first.Claims.ExpiresAt), (alive.Agents, alive.Credentials, alive.Onward, alive.LastExpiry));
        registry.Clock.Advance(TimeSpan.FromHours(1));
        var dead = StillAlive(Now(registry));
        Assert.Equal((2, 0, 0, 0), (dead.Agents, dead.Credentials, dead.Onward, dead.Alive.Items.Count));
        var then = StillAlive(At(registry, linked));
        Assert.Equal([(1, 0), (2, 1)], then.Alive.Items.OrderBy(agent => agent.Agent.Id == second.Id).Select(agent => (agent.Credentials.Count, agent.LinksTo.Count)));

        AliveAnswer StillAlive(AsOf asOf) => Ask(registry).StopTrials.StillAlive(new Scope(ScopeKind.Sponsor, "team"), asOf, All);
    }

    [Fact]
    public async Task A_key_that_was_rotated_away_still_leads_to_its_agent_and_to_what_lives_on()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, child) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        await PassOnAsync(registry, agent, child);
        var before = Ask(registry).Now().Entry;
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        await agent.RotateAsync(next);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));

        KeyId[] keys = [agent.KeyId, next.PublicKey.KeyId];
        Assert.All(keys, key => Assert.Equal([(agent.Id, 0), (child.Id, 1)], Hops(Radius(key, Now(registry)))));
        Assert.Equal((1, 1, 1, agent.Claims.ExpiresAt), Alive(agent.KeyId));
        Assert.Equal((1, 0, 0, null), Alive(next.PublicKey.KeyId));
        Assert.Equal([(agent.Id, 0), (child.Id, 1)], Hops(Radius(agent.KeyId, At(registry, before))));
        Assert.Empty(Radius(next.PublicKey.KeyId, At(registry, before)).Reached.Items);
        Assert.Empty(Radius(registry.OperatorKeys[0].PublicKey.KeyId, Now(registry)).Reached.Items);

        WalkAnswer Radius(KeyId key, AsOf asOf) => Ask(registry).Graphs.BlastRadius(Scope.Key(key), EdgeKinds.DelegatesTo, 5, asOf, All);

        (int, int?, int?, long?) Alive(KeyId key)
        {
            var answer = Ask(registry).StopTrials.StillAlive(Scope.Key(key), Now(registry), All);
            return (answer.Agents, answer.Credentials, answer.Onward, answer.LastExpiry);
        }
    }

    [Fact]
    public async Task What_is_still_alive_of_a_key_is_what_a_stop_of_that_key_takes_and_not_what_its_agent_holds_under_another()
    {
        const string Mail = "https://mail.example";
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var agent = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("team", "bot/1", [], Delegations.DeepEnvelope, [TestNode.Audience], 1, 0)));
        TestNode.Good(await registry.DelegateAsync(above.Credential, agent.Id, audience: [TestNode.Audience]));
        TestNode.Good(await registry.DelegateAsync(agent.Credential, below.Id));
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        await agent.RotateAsync(next);
        var renewed = TestNode.Good(await registry.Node.Issuing.RenewAsync(agent.Record, agent.Credential));
        for (var i = 0; i < 2; i++)
        {
            TestNode.Good(await registry.DelegateAsync(above.Credential, agent.Id, audience: [Mail]));
            TestNode.Good(await registry.DelegateAsync(renewed.Token, below.Id));
        }

        AssertAlive(agent.KeyId, 2, 1, 1, agent.Claims.ExpiresAt, [TestNode.Audience]);
        AssertAlive(next.PublicKey.KeyId, 3, 2, 2, renewed.Claims.ExpiresAt, [TestNode.Audience, Mail]);
        // Both at once, as the stop of the old key counts them.
        Assert.Equal(3, TestNode.Good(await registry.StopAsync(Scope.Key(agent.KeyId))).LiveCredentials);
        Assert.Equal(Refusal.KeyStopped, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(renewed.Token, next, "n2")));
        Assert.Equal(5, TestNode.Good(await registry.StopAsync(Scope.Key(next.PublicKey.KeyId))).LiveCredentials);

        void AssertAlive(KeyId key, int credentials, int onward, int links, long last, string[] audiences)
        {
            var answer = Ask(registry).StopTrials.StillAlive(Scope.Key(key), Now(registry), All);
            Assert.Equal((1, credentials, onward, last), (answer.Agents, answer.Credentials, answer.Onward, answer.LastExpiry));
            Assert.Equal(audiences.Order(), answer.Audiences.Order());
            Assert.Equal(credentials, TestNode.Good(registry.Node.Stopping.Preview(Scope.Key(key))).LiveCredentials);
            AsOf[] moments = [Now(registry), At(registry, Now(registry).Entry)];
            Assert.All(moments, moment =>
            {
                var alive = Assert.Single(Ask(registry).StopTrials.StillAlive(Scope.Key(key), moment, All).Alive.Items);
                Assert.Equal((credentials, links), (alive.Credentials.Count, alive.LinksTo.Count));
                Assert.All(alive.Credentials, credential => Assert.Equal(key, credential.Item.Jkt));
            });
        }
    }

    [Fact]
    public async Task What_is_still_alive_of_a_credential_an_audience_a_location_or_a_key_of_the_registry_is_not_nothing()
    {
        const string Mail = "https://mail.example";
        await using var registry = await TestNode.FoundAsync();
        var other = await registry.EnrollAsync();
        var last = Ask(registry).Now().Entry;
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var passedOn = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id, audience: [Mail]));
        var issuer = registry.Node.State.IssuerKeys.All.First().KeyId;
        Scope[] scopes =
        [
            new(ScopeKind.Credential, above.Claims.Jti.ToString()), new(ScopeKind.Credential, passedOn.Claims.Jti.ToString()), new(ScopeKind.Audience, Mail),
            new(ScopeKind.Audience, "https://nobody.example"), new(ScopeKind.Resource, "notes/1"), new(ScopeKind.Resource, "elsewhere/1"), Scope.IssuerKey(issuer, last),
        ];

        Assert.Equal([(1, 1, 1), (1, 1, 0), (2, 2, 0), (0, 0, 0), (3, 4, 0), (0, 0, 0), (2, 3, 1)], scopes.Select(scope => Alive(scope, Now(registry))));
        SubjectId[][] holders = [[above.Id], [below.Id], [above.Id, below.Id], [], [other.Id, above.Id, below.Id], [], [above.Id, below.Id]];
        Assert.Equal(holders.Select(ids => ids.Order().ToArray()), scopes.Select(scope => Radius(scope, Now(registry))));
        // As their stops count them.
        var stopped = new List<int>();
        foreach (var scope in scopes)
            stopped.Add(TestNode.Good(await registry.StopAsync(scope)).LiveCredentials);
        Assert.Equal([2, 1, 2, 0, 4, 0, 3], stopped);

        // Whoever held a credential that has expired is where the trouble came from.
        var then = Now(registry).Entry;
        registry.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal([(1, 0, 0), (1, 0, 0)], scopes[..2].Select(scope => Alive(scope, Now(registry))));
        Assert.Equal(holders[..2], scopes[..2].Select(scope => Radius(scope, Now(registry))));
        var alive = Ask(registry).StopTrials.StillAlive(scopes[2], At(registry, then), All).Alive.Items;
        Assert.Equal([(above.Id, 1), (below.Id, 1)], alive.Select(one => (one.Agent.Id, one.Credentials.Count)));

        (int, int?, int?) Alive(Scope scope, AsOf asOf) => Ask(registry).StopTrials.StillAlive(scope, asOf, All) is var answer ? (answer.Agents, answer.Credentials, answer.Onward) : default;
        SubjectId[] Radius(Scope scope, AsOf asOf) => [.. Ask(registry).Graphs.BlastRadius(scope, EdgeKinds.None, 1, asOf, All).Reached.Items.Select(reached => reached.Agent.Id).Order()];
    }

    [Fact]
    public async Task Who_else_is_like_an_agent_comes_nearest_first_and_page_by_page()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync(uses: 2);
        var (agent, twin) = (await registry.EnrollAsync(token), await registry.EnrollAsync(token));
        var (sponsored, alike) = (await EnrolAsync(registry, "x/1"), await registry.EnrollAsync());
        await EnrolAsync(registry, "y/1", sponsor: "others");

        var kin = Ask(registry).Identities.WhoElse(agent.Record, Now(registry), All);
        Assert.Equal((1, 2, 3), (kin.SameToken, kin.SameBlueprint, kin.SameSponsor));
        Assert.Equal(
            [(twin.Id, Kinship.Token | Kinship.Blueprint | Kinship.Sponsor), (alike.Id, Kinship.Blueprint | Kinship.Sponsor), (sponsored.Id, Kinship.Sponsor)],
            kin.Kin.Items.Select(other => (other.Agent.Id, other.Kinship)));
        var page = Ask(registry).Identities.WhoElse(agent.Record, Now(registry), new Page(1, 1)).Kin;
        Assert.Equal((alike.Id, 2), (Assert.Single(page.Items).Agent.Id, page.Next));
        Assert.Equal(1, Ask(registry).Identities.WhoElse(agent.Record, At(registry, twin.Record.EnrolledIndex), All).SameSponsor);
    }

    [Fact]
    public async Task A_stop_is_tried_on_the_last_decisions_and_stops_nothing()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other) = (await registry.EnrollAsync(), await EnrolAsync(registry, "x/1"));
        TestNode.Good(await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "bot/1", "model-x/5", [new TypedAction("notes", "read")]));
        Assert.Null(WhatIf(StandingState.Frozen).Since);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(nonce: "1")));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(nonce: "2", action: "write")));
        Assert.Equal(Refusal.None, registry.Verify(other.Use(nonce: "3")));
        Assert.Equal(Refusal.EnvelopeExceeded, registry.Verify(agent.Use(nonce: "4", action: "burn")));

        var frozen = WhatIf(StandingState.Frozen);
        Assert.Equal((3, 2), (frozen.Allowed, frozen.Refused));
        Assert.Equal(new TurnedDecisions(agent.Id, TestNode.Audience, 2, 2), Assert.Single(frozen.Turned.Items));
        Assert.Equal(1, WhatIf(StandingState.Restricted).Refused);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(nonce: "5")));

        WhatIfAnswer WhatIf(StandingState state) => Ask(registry).StopTrials.WhatIf(new Scope(ScopeKind.Blueprint, "bot/1"), state, Now(registry), All);
    }

    [Fact]
    public async Task A_stop_is_tried_as_of_an_entry_on_whom_it_would_have_reached_and_what_had_been_decided_by_then()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollAsync(), await EnrolAsync(registry, "x/1"));
        Assert.Equal(Refusal.None, registry.Verify(below.Use(nonce: "1")));
        var before = Ask(registry).Now().Entry;
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        await PassOnAsync(registry, above, below);
        var linked = Ask(registry).Now().Entry;
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Refusal.None, registry.Verify(below.Use(nonce: "2")));
        TestNode.Good(await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "x/1", "model-x/5", []));

        var scope = new Scope(ScopeKind.AgentWithDelegates, above.Id.ToString());
        Assert.Equal((1, 1, 0), WhatIf(scope, At(registry, before)));
        Assert.Equal((2, 1, 1), WhatIf(scope, At(registry, linked)));
        Assert.Equal((2, 2, 2), WhatIf(scope, Now(registry)));
        var model = new Scope(ScopeKind.Model, "model-x/5");
        Assert.Equal((0, 1, 0), WhatIf(model, At(registry, linked)));
        Assert.Equal((1, 2, 2), WhatIf(model, Now(registry)));
        Assert.Null(Ask(registry).StopTrials.WhatIf(scope, StandingState.Frozen, At(registry, linked), All).DelegatedCredentials);
        Assert.Null(Ask(registry).StopTrials.WhatIfAtEnforcers(scope, StandingState.Frozen, At(registry, linked), []));

        (int, int, int) WhatIf(Scope scope, AsOf asOf)
        {
            var answer = Ask(registry).StopTrials.WhatIf(scope, StandingState.Frozen, asOf, All);
            return (answer.Agents, answer.Allowed, answer.Refused);
        }
    }

    [Fact]
    public async Task A_stop_of_what_stands_above_is_tried_on_decisions_about_credentials_that_have_expired_since()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync("desk"), await registry.EnrollAsync());
        var delegated = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id)).Token;
        Assert.Equal(Refusal.None, registry.Verify(below.Use(delegated)));
        registry.Clock.Advance(TimeSpan.FromHours(1));
        await registry.LinkAsync(above, above.Claims.Jti, await registry.EnrollAsync());
        Assert.Null(registry.Node.State.Lineage.Link(registry.Read(delegated).Claims.Jti));

        Scope[] scopes = [new Scope(ScopeKind.Sponsor, "desk"), Scope.Key(above.KeyId), new Scope(ScopeKind.Credential, above.Claims.Jti.ToString())];
        Assert.All(scopes, scope => Assert.Equal(1, WhatIf(scope)));
        Assert.Equal(0, WhatIf(new Scope(ScopeKind.Sponsor, "others")));
        Assert.Equal(0, WhatIf(Scope.Key(registry.OperatorKeys[0].PublicKey.KeyId)));
        // Nothing is looked for in the ledger any more when the caller has gone.
        Assert.Throws<OperationCanceledException>(() => WhatIf(Scope.Key(above.KeyId), new CancellationToken(canceled: true)));

        int WhatIf(Scope scope, CancellationToken cancellation = default) => Ask(registry).StopTrials.WhatIf(scope, StandingState.Frozen, Now(registry), All, cancellation).Refused;
    }

    [Fact]
    public async Task A_stop_that_is_tried_reads_so_much_of_the_ledger_and_says_of_how_many_decisions_it_could_not_tell()
    {
        const int PageEntries = 256;
        await using var registry = await TestNode.FoundAsync();
        var (above, below, other) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync(), await registry.EnrollAsync());
        TestNode.Good(await registry.Node.Operating.DefineBlueprintAsync(registry.Operator, "bot/1", "model-x/5", [new TypedAction("notes", "read")]));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Refusal.None, registry.Verify(below.Use(TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id)).Token, nonce: $"{i}")));
            registry.Clock.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(Refusal.None, registry.Verify(other.Use(nonce: "3")));
        registry.Clock.Advance(TimeSpan.FromHours(1));
        await registry.LinkAsync(above, above.Claims.Jti, other);

        foreach (var scope in new[] { Scope.Key(above.KeyId), Scope.Credential(above.Claims.Jti) })
        {
            var answers = Enumerable.Range(0, 200).Select(step => WhatIf(scope, 5 * step)).ToArray();
            // However little is read, nothing is called let through that would not have been.
            Assert.All(answers, answer => Assert.Equal((4, 3), (answer.Allowed, answer.Refused + answer.Unsure)));
            Assert.All(answers, answer => Assert.Equal((below.Id, 3), (Assert.Single(answer.Turned.Items).Agent, answer.Turned.Items[0].Allowed)));
            Assert.Equal((0, 3), (answers[0].Refused, answers[0].Unsure));
            Assert.Contains(answers, answer => answer.Refused == 1);
            Assert.Equal((3, 0), (answers[^1].Refused, answers[^1].Unsure));
            // They were reads, which such a stop leaves.
            Assert.Equal((0, 0), Sums(WhatIf(scope, 0, StandingState.Restricted)));
        }
        // Its own, for which nothing has to be looked for.
        Assert.Equal((1, 0), Sums(WhatIf(Scope.Key(other.KeyId), 0)));
        // Whose it was cannot be told either; when it can, nobody was given it.
        var nobodys = Scope.Credential(SubjectId.New(registry.Clock.GetUtcNow()));
        Assert.Equal([(0, 3), (0, 0)], new[] { 0, 1000 }.Select(most => Sums(WhatIf(nobodys, most))));

        WhatIfAnswer WhatIf(Scope scope, int entriesMax, StandingState state = StandingState.Frozen)
        {
            var before = registry.Store.EntriesRead;
            var answer = Trials(registry, entriesMax).WhatIf(scope, state, Now(registry), All);
            Assert.InRange(registry.Store.EntriesRead - before, 0, entriesMax + PageEntries);
            return answer;
        }

        static (int, int) Sums(WhatIfAnswer answer) => (answer.Refused, answer.Unsure);
    }

    [Fact]
    public async Task What_enforcers_let_in_is_unsure_where_the_ledger_may_not_be_read_far_enough()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcerKey = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var enforcer = await ScriptedEnforcer.RegisterAsync(registry, enforcerKey);
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var delegated = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id)).Claims.Jti;
        AdmittedCredential[] admitted = [new(enforcer.Id, below.Record.Credential(delegated)!.Value, 7)];
        // Memory still has the link, and not the credential that it hung by.
        registry.Clock.Advance(TimeSpan.FromHours(1));
        TestNode.Good(await registry.Node.Issuing.RenewAsync(above.Record, above.Credential));
        Assert.Null(above.Record.Credential(above.Claims.Jti));

        Assert.Equal((0UL, 7UL), AtEnforcers(0));
        Assert.Equal((7UL, 0UL), AtEnforcers(1000));

        (ulong, ulong) AtEnforcers(int entriesMax)
        {
            var trial = Trials(registry, entriesMax).WhatIfAtEnforcers(Scope.Key(above.KeyId), StandingState.Frozen, Now(registry), admitted)!;
            return (trial.Refused, trial.Unsure);
        }
    }

    [Fact]
    public async Task Who_calls_an_agent_that_a_stop_covers_is_turned_by_it_and_could_not_have_called()
    {
        await using var registry = await TestNode.FoundAsync();
        var did = registry.Node.Settings.Name.AgentDid((await EnrolAsync(registry, "x/1")).Id);
        var caller = await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("team", "bot/1", [], TestNode.Envelope, [did], 1, 0)));
        Assert.Equal(Refusal.None, registry.Verify(caller.Use(audience: did)));
        var scope = new Scope(ScopeKind.Blueprint, "x/1");
        Assert.Equal(new TurnedDecisions(caller.Id, did, 1, 1), Assert.Single(Ask(registry).StopTrials.WhatIf(scope, StandingState.Frozen, Now(registry), All).Turned.Items));
        TestNode.Good(await registry.StopAsync(scope));
        Assert.Equal([did], Assert.Single(Ask(registry).Conduct.CouldHave(caller.Record, Now(registry)).Authorities).StoppedAudiences);
    }

    private static Responding Ask(TestNode registry) => registry.Node.Responding;

    private static StopTrials Trials(TestNode registry, int entriesMax) =>
        new(registry.Node.State, registry.Store, registry.Node.Settings.Name, registry.Node.Verification.Decisions, Ask(registry).Identities, Ask(registry).Graphs, entriesMax);

    private static AsOf Now(TestNode registry) => Ask(registry).Now();

    private static AsOf At(TestNode registry, LeafIndex entry) => TestNode.Good(Ask(registry).At(entry));

    // As a delegation does: the link, and the credential that it makes.
    private static async Task<SubjectId> PassOnAsync(TestNode registry, TestAgent parent, TestAgent child)
    {
        var jti = SubjectId.New(registry.Clock.GetUtcNow());
        TestNode.Good(await registry.Node.Sequencer.DecideAsync<LeafIndex>(Sequencing.Lane.Issuance, draft =>
        {
            var seconds = draft.At / 1000;
            var pending = draft.Issue(status => new IssuanceItem(jti, child.Id, child.KeyId, [TestNode.Audience], seconds, seconds + 300, status, default));
            return draft.Stage(parent.Id, new Delegated(parent.Id, parent.Claims.Jti, child.Id, pending.Item.Jti, TestNode.Envelope, [TestNode.Audience], seconds + 300, 1, []), parent.Id, child.Id);
        }));
        return jti;
    }

    // As a group does whose callers came together.
    private static async Task<LeafIndex> IssueToAllAsync(TestNode registry, params TestAgent[] agents)
    {
        var pending = TestNode.Good(await registry.Node.Sequencer.DecideAsync<Sequencing.PendingIssuance[]>(Sequencing.Lane.Issuance, draft => Array.ConvertAll(agents, agent =>
            draft.Issue(status => new IssuanceItem(SubjectId.New(registry.Clock.GetUtcNow()), agent.Id, agent.KeyId, [TestNode.Audience], draft.At / 1000, (draft.At / 1000) + 300, status, default)))));
        return pending[0].Index;
    }

    private static IEnumerable<(SubjectId, int)> Hops(WalkAnswer answer) => answer.Reached.Items.Select(reached => (reached.Agent.Id, reached.Hops));

    private static async Task<TestAgent> EnrolAsync(TestNode registry, string blueprint, string audience = TestNode.Audience, string location = "notes/*", string sponsor = "team") =>
        await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish(sponsor, blueprint, [], TestNode.Envelope.Replace("notes/*", location, StringComparison.Ordinal), [audience], 1, 0)));
}
