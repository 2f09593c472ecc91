using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests;

/// <summary>What a registry exports, the verifier proves; and what is stored and was not signed does not leave.</summary>
public sealed class TrailExportTests
{
    [Theory]
    [InlineData(KeyAlgorithm.ES256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    public async Task The_whole_life_of_an_agent_is_exported_and_proven(KeyAlgorithm algorithm)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await LiveAsync(registry, algorithm);

        var verdict = Verify(registry, await ExportAsync(registry, agent));

        AssertProven(verdict);
        Assert.Equal(
            [EntryKind.AgentEnrolled, EntryKind.CredentialsIssued, EntryKind.Activity, EntryKind.CredentialsIssued, EntryKind.Activity, EntryKind.Fork, EntryKind.Stop, EntryKind.Activity],
            verdict.Entries.Select(entry => entry.Entry!.Body.Kind));
        Assert.Contains("1 rotation", verdict[TrailProperty.RegistryKeys].Words, StringComparison.Ordinal);
        Assert.Contains("2 credentials", verdict[TrailProperty.Credentials].Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_registry_has_enrolled_for_itself_is_proven_like_any_other_agent()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.UntilAsync<ProbeShown>();
        await PublishAsync(registry);
        var probe = registry.Node.State.AgentsFrom(0).Single(agent => agent.IsProbe);

        var export = TestNode.Good(await registry.WhileTimePassesAsync(registry.Node.TrailExports.BeginAsync(probe.Id, 0, ulong.MaxValue, CancellationToken.None)));

        AssertProven(Verify(registry, [.. export.Items().SelectMany(item => item)]));
    }

    [Fact]
    public async Task A_range_opens_the_activities_in_it_and_shows_the_rest_closed()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await LiveAsync(registry);

        var verdict = Verify(registry, await ExportAsync(registry, agent, from: 7, to: 8));

        AssertProven(verdict);
        Assert.Equal([4UL], verdict.Entries.Where(entry => entry.Shown.Opened is null).Select(entry => entry.Sequence));
    }

    [Fact]
    public async Task What_a_fork_names_is_open_whatever_was_asked_for_so_that_the_accusation_can_be_checked()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await LiveAsync(registry);

        var verdict = Verify(registry, await ExportAsync(registry, agent, from: 0, to: 0));

        AssertProven(verdict);
        var held = Assert.Single(verdict.Entries.Select(entry => entry.Entry?.Body).OfType<Fork>()).Held;
        Assert.Equal(held, Assert.Single(verdict.Entries, entry => entry.Entry?.Body is Activity).Shown.Index);
    }

    [Fact]
    public async Task An_export_covers_what_the_checkpoint_covers_and_no_more()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await LiveAsync(registry);
        var export = await BeginAsync(registry, agent);
        await agent.RecordAsync();

        var verdict = Verify(registry, [.. export.Items().SelectMany(item => item)]);

        AssertProven(verdict);
        Assert.Equal(8, verdict.Entries.Count);
        Assert.Equal((8UL, 8UL), (export.Entries, export.EntriesMade));
    }

    [Fact]
    public async Task Other_agents_stay_out()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await LiveAsync(registry);
        var other = await registry.EnrollAsync();
        await other.RecordAsync();
        await PublishAsync(registry);

        var bytes = await ExportAsync(registry, agent);

        Assert.Equal(-1, bytes.AsSpan().IndexOf(other.Id.ToArray()));
        Assert.NotEqual(-1, bytes.AsSpan().IndexOf(agent.Id.ToArray()));
    }

    [Fact]
    public async Task An_agent_that_no_checkpoint_covers_is_told_to_come_again()
    {
        await using var registry = await TestNode.FoundAsync();
        await PublishAsync(registry);
        var agent = await registry.EnrollAsync();

        Assert.Equal(Refusal.NotIntegrated, (await registry.Node.TrailExports.BeginAsync(agent.Id, 0, ulong.MaxValue, CancellationToken.None)).Refusal);
    }

    [Theory]
    [InlineData("leaf")]
    [InlineData("entry")]
    [InlineData("opening")]
    public async Task What_was_changed_in_the_store_does_not_leave(string column)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await LiveAsync(registry);
        var at = registry.Node.Reading.ListTrail(agent.Id, 4, 1).Entries[0].Index;
        LedgerFile.Spoil(registry.Folder, column, at.Value);

        var export = await BeginAsync(registry, agent);

        Assert.Throws<LedgerDamagedException>(() => export.Items().Count());
    }

    [Fact]
    public async Task A_delegation_stands_in_the_trails_of_both_and_what_was_spent_in_that_of_the_agent_that_spent_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(2, new Budget("calls", 5));
        Assert.Equal(Refusal.None, (await registry.SpendAsync(chain[2].Agent, chain[2].Credential, new Budget("calls", 2))).Refusal);
        await PublishAsync(registry);
        EntryKind[][] expected =
        [
            [EntryKind.AgentEnrolled, EntryKind.CredentialsIssued, EntryKind.Delegated],
            [EntryKind.AgentEnrolled, EntryKind.CredentialsIssued, EntryKind.Delegated, EntryKind.CredentialsIssued, EntryKind.Delegated],
            [EntryKind.AgentEnrolled, EntryKind.CredentialsIssued, EntryKind.Delegated, EntryKind.CredentialsIssued, EntryKind.BudgetSpent],
        ];
        foreach (var ((agent, _), kinds) in chain.Zip(expected))
        {
            var verdict = Verify(registry, await ExportAsync(registry, agent));
            AssertProven(verdict);
            Assert.Equal(kinds, verdict.Entries.Select(entry => entry.Entry!.Body.Kind));
        }
    }

    // Enrolled with a credential, active, renewed, active, forked, stopped, active; and the registry's key rotates meanwhile.
    private static async Task<TestAgent> LiveAsync(TestNode registry, KeyAlgorithm algorithm = KeyAlgorithm.ES256)
    {
        var agent = await registry.EnrollAsync(algorithm: algorithm);
        await agent.RecordAsync();
        TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        await agent.RecordAsync();
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(0, default, fill: 9))).Refusal);
        TestNode.Good(await registry.StopAsync(agent));
        await agent.RecordAsync();
        await PublishAsync(registry);
        return agent;
    }

    private static async Task PublishAsync(TestNode registry)
    {
        var last = new LeafIndex(registry.Node.State.Position - 1);
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        await registry.NewTokenAsync();
        await registry.WhenSignedAsync(last);
    }

    private static async Task<TrailExport> BeginAsync(TestNode registry, TestAgent agent, ulong from = 0, ulong to = ulong.MaxValue) =>
        TestNode.Good(await registry.WhileTimePassesAsync(registry.Node.TrailExports.BeginAsync(agent.Id, from, to, CancellationToken.None)));

    private static async Task<byte[]> ExportAsync(TestNode registry, TestAgent agent, ulong from = 0, ulong to = ulong.MaxValue) =>
        [.. (await BeginAsync(registry, agent, from, to)).Items().SelectMany(item => item)];

    private static TrailVerdict Verify(TestNode registry, byte[] file) =>
        TrailVerifier.Verify(file, NoteVerifierKey.TryParse(registry.Node.Checkpoints.LogKey, out var key, out _) ? key : throw new InvalidDataException());

    private static void AssertProven(TrailVerdict verdict) =>
        Assert.All(verdict.Findings, finding => Assert.Equal((finding.Property, TrailResult.Passed, ""), (finding.Property, finding.Result, string.Join("; ", finding.Problems))));
}
