using System.Diagnostics;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests.Watching;

/// <summary>What rides along with a stop, and what it shows of who has signed that it refuses.</summary>
public sealed class ProbeTests
{
    private static readonly Scope Sponsor = new(ScopeKind.Sponsor, "others");

    [Fact]
    public async Task A_probe_that_was_let_in_before_the_stop_and_is_refused_after_it_is_reported_as_refused()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        var stopped = await StopAsync(registry, enforcer, agent.Id);
        TestNode.Good(await enforcer.SignAsync(Saying(enforcer, Refusal.None, Refusal.CredentialStopped)));

        var report = Report(registry, stopped.Index);
        Assert.Equal((ProbeSeen.Refused, Refusal.CredentialStopped, EnforcerProgress.Acknowledged), (report.Enforcers[0].Probe, report.Enforcers[0].ProbeRefusal, report.Enforcers[0].Progress));
        Assert.NotNull(report.EnforcedAt);
        // It rides along, and is nothing that the stop is about.
        Assert.Equal([enforcer.Probes[0].Jti], enforcer.Denials[0].Credentials);
        Assert.Equal((0, 1), (stopped.Credentials, report.Stop.Exposure.Credentials));
    }

    [Fact]
    public async Task The_registrys_own_agents_are_listed_when_they_are_asked_for()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        var all = new AgentFilter(null, null, null);
        Assert.Equal([agent.Id], registry.Node.Reading.ListAgents(all, 0, 10).Agents.Select(listed => listed.Id));
        Assert.Equal([false, true], registry.Node.Reading.ListAgents(all with { WithProbes = true }, 0, 10).Agents.Select(listed => listed.IsProbe));
    }

    [Fact]
    public async Task A_probe_is_no_sponsors_own_whatever_the_sponsor_is_called()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        using var enforcer = await WatchAsync(registry);
        var probe = registry.Node.State.AgentsFrom(0).Single(one => one.IsProbe);
        var sponsor = TestNode.Good(await registry.Node.Operating.RegisterCallerAsync(
            registry.Operator, CallerRole.Sponsor, probe.Grant.Terms.Sponsor, PrivateKey.Generate(KeyAlgorithm.ES256).PublicKey, [])).Caller;
        Assert.Equal(Refusal.AgentUnknown, (await registry.Node.Stopping.StopAsync(sponsor, new StopWish(Scope.Agent(probe.Id), StandingState.Frozen, "mine", ""))).Refusal);
    }

    [Fact]
    public async Task An_enforcer_that_signs_and_lets_the_probe_in_is_named_and_does_not_count_even_when_its_lease_is_over()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        var stopped = await StopAsync(registry, enforcer, agent.Id);
        TestNode.Good(await enforcer.SignAsync(Saying(enforcer, Refusal.None, Refusal.None)));

        registry.Clock.Advance(TimeSpan.FromSeconds(30));
        var report = Report(registry, stopped.Index);
        Assert.Equal((ProbeSeen.LetIn, EnforcerProgress.Lying, false), (report.Enforcers[0].Probe, report.Enforcers[0].Progress, report.Enforcers[0].IsDone));
        Assert.Null(report.EnforcedAt);
        Assert.Contains(report.Residual, words => words.StartsWith("gateway has signed that it refuses, and let the probe in", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_probe_that_was_refused_before_proves_nothing_and_takes_nothing_away()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        var stopped = await StopAsync(registry, enforcer, agent.Id);
        TestNode.Good(await enforcer.SignAsync(Saying(enforcer, Refusal.LeaseOver, Refusal.CredentialStopped)));

        var report = Report(registry, stopped.Index);
        Assert.Equal((ProbeSeen.RefusedBefore, Refusal.LeaseOver), (report.Enforcers[0].Probe, report.Enforcers[0].ProbeRefusal));
        Assert.NotNull(report.EnforcedAt);
    }

    [Fact]
    public async Task Who_says_nothing_of_a_probe_or_speaks_of_another_is_reported_as_such()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        var stopped = await StopAsync(registry, enforcer, agent.Id);
        TestNode.Good(await enforcer.SignAsync(enforcer.Acknowledgement() with { Probe = new ProbeOutcome(agent.Claims.Jti, Refusal.None, Refusal.None) }));

        var report = Report(registry, stopped.Index);
        Assert.Equal((ProbeSeen.Unanswered, EnforcerProgress.Acknowledged), (report.Enforcers[0].Probe, report.Enforcers[0].Progress));
        Assert.NotNull(report.EnforcedAt);
    }

    [Fact]
    public async Task A_probe_rides_along_with_a_cut_that_covers_it_and_is_certified()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        var cut = TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(agent.Id), agent.Record.EnrolledIndex, "copied", "", []));
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync(Saying(enforcer, Refusal.None, Refusal.CredentialStopped)));

        var report = Report(registry, cut.Index);
        Assert.Equal((ProbeSeen.Refused, EnforcerProgress.Acknowledged), (report.Enforcers[0].Probe, report.Enforcers[0].Progress));
        Assert.Equal([enforcer.Probes[0].Jti], Assert.Single(enforcer.Denials).Credentials);
        // The enforcer's own code refuses it: a cut covers what was issued after its entry.
        Assert.True(registry.Node.State.FindAgent(enforcer.Probes[0].AgentId)!.Credential(enforcer.Probes[0])!.Value.Index.Value > agent.Record.EnrolledIndex.Value);
        Assert.Equal([enforcer.Probes[0].Jti], registry.Bodies().OfType<CompromiseCut>().Single().Probes);
    }

    [Fact]
    public async Task A_cut_after_an_entry_that_is_younger_than_the_probe_leaves_it_for_the_next_stop()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        var after = new LeafIndex(registry.Node.State.Position - 1);
        TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        var cut = TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(agent.Id), after, "copied", "", []));
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync());

        var report = Report(registry, cut.Index);
        Assert.Equal((ProbeSeen.NoProbe, EnforcerProgress.Acknowledged), (report.Enforcers[0].Probe, report.Enforcers[0].Progress));
        Assert.Contains(report.Residual, words => words.StartsWith("No probe rode along", StringComparison.Ordinal));
        Assert.Equal([enforcer.Probes[0].Jti], Find(registry, TestNode.Good(await registry.StopAsync(Sponsor))).Probes);
    }

    [Fact]
    public async Task A_stop_uses_a_probe_up_and_the_next_does_not_wait_for_another()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        Assert.Single(Find(registry, TestNode.Good(await registry.StopAsync(Sponsor))).Probes);
        Assert.Empty(Find(registry, TestNode.Good(await registry.StopAsync(Sponsor))).Probes);

        await enforcer.UntilAsync<ProbeShown>();
        Assert.Equal([enforcer.Probes[1].Jti], Find(registry, TestNode.Good(await registry.StopAsync(Sponsor))).Probes);
        Assert.Single(registry.Node.State.AgentsFrom(0), agent => agent.IsProbe);
    }

    [Fact]
    public async Task Probes_are_replaced_before_they_expire_and_only_while_somebody_watches()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        await registry.EnrollAsync();
        Assert.DoesNotContain(registry.Node.State.AgentsFrom(0), agent => agent.IsProbe);
        using var enforcer = await WatchAsync(registry);
        registry.Clock.Advance(TimeSpan.FromMinutes(11));
        await enforcer.HeartbeatAsync();
        await enforcer.UntilAsync<ProbeShown>();
        Assert.True(enforcer.Probes[1].ExpiresAt > enforcer.Probes[0].ExpiresAt);
        Assert.Equal([enforcer.Probes[1].Jti], Find(registry, TestNode.Good(await registry.StopAsync(Sponsor))).Probes);
    }

    [Fact]
    public async Task What_became_of_a_probe_is_known_after_a_restart()
    {
        foreach (var snapshotEntries in new ulong[] { 1, 50_000 })
        {
            var folder = TestNode.NewFolder();
            LeafIndex stop;
            await using (var registry = await TestNode.FoundAsync(folder, snapshotEntries: snapshotEntries, probesReady: 1))
            {
                var agent = await registry.EnrollAsync();
                using var enforcer = await WatchAsync(registry);
                stop = (await StopAsync(registry, enforcer, agent.Id)).Index;
                TestNode.Good(await enforcer.SignAsync(Saying(enforcer, Refusal.None, Refusal.CredentialStopped)));
            }
            await using var again = TestNode.Open(folder, snapshotEntries: snapshotEntries);
            Assert.Equal(ProbeSeen.Refused, Report(again, stop).Enforcers[0].Probe);
            Assert.Single(again.Node.State.AgentsFrom(0), agent => agent.IsProbe);
            Assert.Equal(0, again.Node.State.Stops.Find(stop)!.CredentialsBelow);
        }
    }

    [Fact]
    public async Task Each_enforcer_is_shown_a_probe_for_an_audience_of_its_own()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        await registry.EnrollAsync();
        var keys = Enumerable.Range(0, 20).Select(_ => PrivateKey.Generate(KeyAlgorithm.Ed25519)).ToArray();
        for (var i = 0; i < keys.Length; i++)
            await ScriptedEnforcer.RegisterAsync(registry, keys[i], $"gateway {i:d2}", Own(i), "https://shared.example");
        var shown = new HashSet<SubjectId>();
        for (var i = 0; i < keys.Length; i++)
        {
            using var enforcer = await ScriptedEnforcer.BeginAsync(registry, keys[i]);
            await enforcer.UntilAsync<ProbeShown>();
            Assert.Contains(enforcer.Probes[0].Audience, audience => audience == Own(i) || audience == "https://shared.example");
            shown.Add(enforcer.Probes[0].Jti);
        }
        Assert.Equal(shown.Order(), Find(registry, TestNode.Good(await registry.StopAsync(Sponsor))).Probes);

        static string Own(int i) => $"https://tool-{i:d2}.example";
    }

    [Fact]
    public async Task Probes_that_could_not_be_signed_are_made_when_the_key_answers_again()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        registry.Keys.FailNextIssuer();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        // An enforcer goes on asking.
        for (var patience = Stopwatch.StartNew(); enforcer.Probes.Count == 0 && patience.Elapsed < TestNode.Patience;)
        {
            await enforcer.HeartbeatAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
        var stopped = await StopAsync(registry, enforcer, agent.Id);
        Assert.Equal(ProbeSeen.Unanswered, Report(registry, stopped.Index).Enforcers[0].Probe);
        Assert.Contains(registry.Log, said => said.Contains("CKR_DEVICE_ERROR", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_probe_agent_that_is_stopped_is_issued_nothing_and_stops_go_without()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        await StopAsync(registry, enforcer, registry.Node.State.AgentsFrom(0).Single(one => one.IsProbe).Id);
        // Long enough for others to be made, as they are in a test above.
        await Task.Delay(TimeSpan.FromSeconds(2));
        await enforcer.HeartbeatAsync();
        var stopped = await StopAsync(registry, enforcer, agent.Id);
        Assert.Equal(ProbeSeen.NoProbe, Report(registry, stopped.Index).Enforcers[0].Probe);
    }

    [Fact]
    public async Task Of_agents_that_newer_ones_took_the_place_of_nothing_is_left_that_anybody_could_use()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await WatchAsync(registry);
        using var other = await ScriptedEnforcer.NewAsync(registry, "another", audiences: ["https://another.example"]);
        await other.UntilAsync<ProbeShown>();
        var probes = registry.Node.State.AgentsFrom(0).Where(one => one.IsProbe).ToArray();
        Assert.Equal(2, probes.Length);

        var shown = enforcer.Probes[0];
        Assert.Equal(probes[0].Id, shown.AgentId);
        Assert.Equal(Refusal.ProofKeyMismatch, registry.Verify(agent.Use(CredentialWriter.Sign(shown, registry.Node.Settings.Name, registry.IssuerKey()))));
        foreach (var probe in probes)
            Assert.Equal(Refusal.NotPermitted, (await registry.Node.KeyReplacement.OrderAsync(registry.Operator, probe, "a key for me", "", null)).Refusal);
        Assert.Empty(registry.Node.State.Stops.InForce);
    }

    // Up to its first probe.
    private static async Task<ScriptedEnforcer> WatchAsync(TestNode registry)
    {
        var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.UntilAsync<ProbeShown>();
        await enforcer.HeartbeatAsync();
        return enforcer;
    }

    private static async Task<Stopped> StopAsync(TestNode registry, ScriptedEnforcer enforcer, SubjectId agent)
    {
        var stopped = TestNode.Good(await registry.StopAsync(Scope.Agent(agent)));
        while (enforcer.Epoch < stopped.Epoch)
            await enforcer.UntilAsync<Delta>();
        return stopped;
    }

    private static Acknowledgement Saying(ScriptedEnforcer enforcer, Refusal before, Refusal after) =>
        enforcer.Acknowledgement() with { Probe = new ProbeOutcome(enforcer.Probes[^1].Jti, before, after) };

    private static StopRecord Find(TestNode registry, Stopped stopped) => registry.Node.State.Stops.Find(stopped.Index)!;

    private static StopReport Report(TestNode registry, LeafIndex stop) => TestNode.Good(registry.Node.Propagation.Of(stop)).Stops[0];
}
