using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests.Watching;

/// <summary>What a certificate shows of a stop, held against what the registry was told: never more than somebody has signed.</summary>
public sealed class CertificateExportTests
{
    private const string Mail = "https://mail.example";

    [Fact]
    public async Task A_stop_among_others_is_enforced_at_enforcers_of_different_views()
    {
        await using var registry = await TestNode.FoundAsync();
        using var notes = await ScriptedEnforcer.NewAsync(registry, "notes");
        using var mail = await ScriptedEnforcer.NewAsync(registry, "mail", false, Mail, "https://other.example");
        ScriptedEnforcer[] both = [notes, mail];
        foreach (var enforcer in both)
            await enforcer.HeartbeatAsync();
        await StopAsync(registry, await registry.EnrollAsync(), notes, mail);
        var chain = await registry.ChainAsync(2);

        var stop = await StopAsync(registry, Scope.AgentWithDelegates(chain[0].Agent.Id), both);
        var later = await StopAsync(registry, Scope.Everything, both);

        var verdict = await AuditAsync(registry, stop);
        var found = Assert.Single(verdict.Stops);
        Assert.Equal((StopLevel.Enforced, 2), (verdict.Level, found.Denial.Agents.Count));
        Assert.Equal(Of(registry, stop).EnforcedAt, found.Proven.EnforcedAt);
        Assert.Equal([Mail, TestNode.Audience], found.Exposed.Select(exposed => exposed.Audience).Order(StringComparer.Ordinal));
        Assert.Equal(StopLevel.Enforced, (await AuditAsync(registry, later)).Level);
    }

    [Fact]
    public async Task What_is_signed_when_the_stop_was_lifted_does_not_prove_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await registry.RestoreAsync(stop));
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync());

        var found = Assert.Single((await AuditAsync(registry, stop)).Stops);

        Assert.Equal((StopLevel.Nodes, "gateway"), (found.Proven.Level, Assert.Single(found.Missing).Name));
        Assert.NotNull(found.Lifted);
    }

    [Theory]
    [InlineData(Refusal.CredentialStopped, StopLevel.Enforced)]
    [InlineData(Refusal.None, StopLevel.Nodes)]
    public async Task Who_has_signed_counts_when_the_probe_was_refused_and_not_when_it_was_let_in(Refusal after, StopLevel level)
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.UntilAsync<ProbeShown>();
        await enforcer.HeartbeatAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync(enforcer.Acknowledgement() with { Probe = new ProbeOutcome(enforcer.Probes[0].Jti, Refusal.None, after) }));

        var found = Assert.Single((await AuditAsync(registry, stop)).Stops);

        Assert.Equal((level, level), (found.Proven.Level, found.ByWord.Level));
        Assert.Equal(after == Refusal.None ? EnforcerProgress.Lying : null, Assert.Single(found.Enforcers).Word?.Progress);
    }

    [Theory]
    [InlineData(50_000)]
    [InlineData(1)]
    public async Task A_certificate_is_made_when_all_is_over_and_the_registry_was_restarted(int snapshotEntries)
    {
        var (folder, clock) = (TestNode.NewFolder(), new ManualClock());
        LeafIndex stop;
        await using (var registry = await TestNode.FoundAsync(folder, clock, (ulong)snapshotEntries))
        {
            var agent = await registry.EnrollAsync();
            using var enforcer = await ScriptedEnforcer.NewAsync(registry);
            await enforcer.HeartbeatAsync();
            stop = await StopAsync(registry, agent, enforcer);
        }
        clock.Advance(TimeSpan.FromHours(2));
        await using var again = TestNode.Open(folder, clock, (ulong)snapshotEntries);

        var verdict = await AuditAsync(again, stop);

        Assert.Equal((StopLevel.Exhausted, Of(again, stop).ExhaustedAt), (verdict.Level, verdict.Stops[0].Proven.ExhaustedAt));
    }

    [Fact]
    public async Task Of_an_audience_that_is_stopped_only_its_enforcers_are_needed()
    {
        await using var registry = await TestNode.FoundAsync();
        using var notes = await ScriptedEnforcer.NewAsync(registry, "notes");
        await ScriptedEnforcer.RegisterAsync(registry, PrivateKey.Generate(KeyAlgorithm.Ed25519), "mail", Mail);
        await notes.HeartbeatAsync();
        await registry.EnrollDeepAsync();

        var stop = await StopAsync(registry, new Scope(ScopeKind.Audience, TestNode.Audience), notes);

        var found = Assert.Single((await AuditAsync(registry, stop)).Stops);
        Assert.Equal((StopLevel.Enforced, "notes"), (found.Proven.Level, Assert.Single(found.Enforcers).Name));
    }

    [Fact]
    public async Task An_enforcer_that_was_removed_after_the_stop_is_shown_with_its_removal()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry, "stays");
        var gone = await ScriptedEnforcer.RegisterAsync(registry, PrivateKey.Generate(KeyAlgorithm.Ed25519), "goes");
        await enforcer.HeartbeatAsync();
        var stop = await StopAsync(registry, agent, enforcer);
        Assert.Equal("goes", Assert.Single((await AuditAsync(registry, stop)).Stops[0].Missing).Name);

        registry.Clock.Advance(TimeSpan.FromSeconds(5));
        var signedAt = Of(registry, stop).Enforcers.Single(one => one.Signed is not null).At;
        TestNode.Good(await registry.Node.People.RemoveCallerAsync(registry.Operator, gone.Id, "gone", registry.ApprovalsOf(ApprovedAction.RemoveCaller(gone.Id, "gone"))));

        var found = Assert.Single((await AuditAsync(registry, stop)).Stops);
        Assert.Equal((StopLevel.Enforced, "stays"), (found.Proven.Level, found.Last?.Name));
        Assert.InRange(found.Proven.EnforcedAt!.Value, signedAt + 5000, long.MaxValue);
    }

    [Fact]
    public async Task A_cut_and_what_two_people_put_in_its_place_are_certified_together()
    {
        await using var registry = await TestNode.FoundAsync();
        var scope = Scope.Agent((await registry.EnrollAsync()).Id);
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await ScriptedEnforcer.RegisterAsync(registry, key);
        var first = TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, scope, new LeafIndex(1), "copied", "i-7", [])).Index;
        await SnapshotAsync(registry, key);
        var later = TestNode.Good(await registry.Node.Stopping.CutAsync(
            registry.Operator, scope, new LeafIndex(2), "copied", "i-7", registry.ApprovalsOf(ApprovedAction.Cut(scope, new LeafIndex(2), "copied")))).Index;
        await SnapshotAsync(registry, key);

        var verdict = await AuditAsync(registry, first);

        Assert.Equal([(first, later), (later, (LeafIndex?)null)], verdict.Stops.Select(stop => (stop.Denial.Index, stop.Lifted)));
        Assert.Equal(StopLevel.Enforced, verdict.Level);
    }

    [Fact]
    public async Task The_certificate_of_a_rules_stop_shows_which_rule_it_is_by_and_who_had_switched_it_on()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var agent = await registry.EnrollAsync();
        var rule = new StopRule(RuleTrigger.EnvelopeExceeded, 1, 60, StandingState.Frozen);
        var set = TestNode.Good(await registry.Node.Ruling.SetAsync(registry.Operator, [rule], "night", registry.ApprovalsOf(ApprovedAction.SetRules([rule], "night"))));
        Assert.Equal(Refusal.EnvelopeExceeded, registry.Verify(agent.Use(action: "delete")));
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync());

        var verdict = await AuditAsync(registry, registry.Node.State.Stops.All.Single().Denial.Index);

        Assert.Equal((StopLevel.Enforced, new StoppingRule(set, rule.Trigger)), (verdict.Level, Assert.Single(verdict.Stops).Rule));
        Assert.Contains(verdict.NotChecked, gap => gap.StartsWith("that what a rule counts has happened", StringComparison.Ordinal));
    }

    private static StopReport Of(TestNode registry, LeafIndex stop) => TestNode.Good(registry.Node.Propagation.Of(stop)).Stops[0];

    private static Task<LeafIndex> StopAsync(TestNode registry, TestAgent agent, params ScriptedEnforcer[] enforcers) => StopAsync(registry, Scope.Agent(agent.Id), enforcers);

    /// <summary>Stops, and has those sign who watch.</summary>
    private static async Task<LeafIndex> StopAsync(TestNode registry, Scope scope, params ScriptedEnforcer[] enforcers)
    {
        var stopped = TestNode.Good(await registry.StopAsync(scope));
        foreach (var enforcer in enforcers)
            await SignAsync(enforcer);
        return stopped.Index;
    }

    /// <summary>Begins to watch, and signs what is in force.</summary>
    private static async Task SnapshotAsync(TestNode registry, PrivateKey key)
    {
        var enforcer = await ScriptedEnforcer.BeginAsync(registry, key);
        await enforcer.HeartbeatAsync();
        TestNode.Good(await enforcer.SignAsync());
    }

    private static async Task SignAsync(ScriptedEnforcer enforcer)
    {
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync());
    }

    private static async Task<CertificateVerdict> AuditAsync(TestNode registry, LeafIndex stop)
    {
        var export = registry.Node.CertificateExports.BeginAsync(stop, CancellationToken.None);
        // The writer signs when its clock says so.
        while (!export.IsCompleted)
        {
            registry.Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.WhenAny(export, Task.Delay(TimeSpan.FromMilliseconds(10)));
        }
        var bytes = TestNode.Good(await export).Items().SelectMany(item => item).ToArray();
        var verdict = CertificateVerifier.Verify(bytes, TlogPolicy.LogAlone(registry.Node.Checkpoints.Verifier));
        Assert.Equal([], verdict.Findings.Where(finding => finding.Result != TrailResult.Passed).Select(finding => $"{finding.Property}: {finding.Words}"));
        return verdict;
    }
}
