using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>Enrolment tokens that are listed, and withdrawn before they end by themselves.</summary>
public sealed class TokenWithdrawalTests
{
    private const string Why = "it was in a public file";

    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    [Fact]
    public async Task A_withdrawn_token_enrols_nobody_and_still_answers_whom_it_has_enrolled()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync(uses: 5);
        var agent = await registry.EnrollAsync(token);
        var withdrawn = TestNode.Good(await WithdrawAsync(registry, token));

        Assert.Equal((TokenState.Withdrawn, 1u, Why), (withdrawn.StateAt(registry.Node.Reading.Now), withdrawn.UsesMade, withdrawn.Withdrawal!.Reason));
        Assert.Equal(Refusal.TokenExpired, (await registry.EnrollAsync(_key, token)).Refusal);
        var again = TestNode.Good(await registry.EnrollAsync(agent.Key, token));
        Assert.Equal((agent.Id, agent.Claims.Jti), (again.Agent.Id, again.Credential.Claims.Jti));
        registry.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(agent.Id, TestNode.Good(await registry.EnrollAsync(agent.Key, token)).Agent.Id);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(TestNode.Good(await registry.EnrollAsync(agent.Key, token)).Credential.Token)));
    }

    [Fact]
    public async Task A_withdrawal_comes_before_an_enrolment_that_waits_beside_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var filler = await registry.EnrollAsync();
        var token = await registry.NewTokenAsync();
        Task<Outcome<Enrolling.Enrolled>> enrolling = null!;
        Task<Outcome<TokenRecord>> withdrawing = null!;
        await registry.InOneGroupAsync(filler, () => (enrolling, withdrawing) = (registry.EnrollAsync(_key, token), WithdrawAsync(registry, token)));
        Assert.Equal(0u, TestNode.Good(await withdrawing).UsesMade);
        Assert.Equal(Refusal.TokenExpired, (await enrolling).Refusal);
        Assert.Equal(1, registry.Node.State.AgentCount);
    }

    [Fact]
    public async Task Who_withdraws_again_beside_the_first_time_or_after_a_restart_is_given_the_first_withdrawal()
    {
        await using var before = await TestNode.FoundAsync();
        var filler = await before.EnrollAsync();
        var token = await before.NewTokenAsync();
        var answers = new List<Task<Outcome<TokenRecord>>>();
        await before.InOneGroupAsync(filler, () => answers.AddRange([WithdrawAsync(before, token), WithdrawAsync(before, token, "once more")]));
        var first = TestNode.Good(await answers[0]).Withdrawal;
        Assert.Equal(first, TestNode.Good(await answers[1]).Withdrawal);
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(first, TestNode.Good(await WithdrawAsync(after, token, "and again")).Withdrawal);
        Assert.Equal(Why, Assert.Single(after.Bodies().OfType<TokenWithdrawn>()).Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_start_knows_who_created_and_withdrew_which_token_from_the_snapshot_and_without_it(bool withSnapshot)
    {
        await using var before = await TestNode.FoundAsync();
        await before.EnrollAsync();
        var token = await before.NewTokenAsync(uses: 2);
        await before.EnrollAsync(token);
        TestNode.Good(await WithdrawAsync(before, token));
        var tokens = Describe(before);
        await before.DisposeAsync();
        Assert.Empty(await FindAsync(before.Folder));
        if (!withSnapshot)
            File.Delete(Path.Combine(before.Folder, "snapshot"));

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Empty(after.Log);
        Assert.Equal(tokens, Describe(after));
        Assert.Equal(Refusal.TokenExpired, (await after.EnrollAsync(_key, token)).Refusal);
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task A_withdrawal_whose_write_failed_is_not_acknowledged_and_is_one_when_it_is_tried_again(Fault fault)
    {
        await using var before = await TestNode.FoundAsync();
        var token = await before.NewTokenAsync();
        before.Store.FailLater(0, fault);
        Assert.True((await WithdrawAsync(before, token)).IsRefused);
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(fault == Fault.DoneButReported, after.Node.State.FindToken(HashOf(token))!.Withdrawal is not null);
        TestNode.Good(await WithdrawAsync(after, token));
        Assert.Equal(Refusal.TokenExpired, (await after.EnrollAsync(_key, token)).Refusal);
        Assert.Single(after.Bodies().OfType<TokenWithdrawn>());
    }

    [Fact]
    public async Task A_token_that_is_over_can_be_withdrawn_and_one_that_never_was_or_for_no_reason_cannot()
    {
        await using var registry = await TestNode.FoundAsync();
        var usedUp = (await registry.EnrollAsync()).Token;
        Assert.Equal(Refusal.ReasonMissing, (await WithdrawAsync(registry, usedUp, "")).Refusal);
        Assert.Equal(Refusal.ReasonMissing, (await WithdrawAsync(registry, usedUp, new string('x', 501))).Refusal);
        Assert.Equal(Refusal.EntryUnknown, (await registry.Node.Operating.WithdrawTokenAsync(registry.Operator, SubjectId.New(registry.Clock.GetUtcNow()), Why)).Refusal);
        Assert.Empty(registry.Bodies().OfType<TokenWithdrawn>());
        Assert.Equal(TokenState.Withdrawn, TestNode.Good(await WithdrawAsync(registry, usedUp)).StateAt(registry.Node.Reading.Now));
    }

    [Fact]
    public async Task Tokens_are_listed_in_their_order_those_that_are_over_when_they_are_asked_for_and_the_registrys_own_never()
    {
        await using var registry = await TestNode.FoundAsync(probesReady: 1);
        var expiring = await registry.NewTokenAsync(lifetimeSeconds: 60);
        var usedUp = (await registry.EnrollAsync()).Token;
        var open = await registry.NewTokenAsync(uses: 3);
        var others = await registry.NewTokenAsync(new TokenWish("another team", "bot/2", [], TestNode.Envelope, [TestNode.Audience], 1, 0));
        var withdrawn = await registry.NewTokenAsync();
        TestNode.Good(await WithdrawAsync(registry, withdrawn));
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.UntilAsync<ProbeShown>();
        Assert.Contains(registry.Node.State.TokensFrom(0), token => token.Created.Actor == registry.Node.State.Founding!.RegistryId);
        registry.Clock.Advance(TimeSpan.FromSeconds(60));

        Assert.Equal([(open, TokenState.Open), (others, TokenState.Open)], Listed(new TokenFilter(null, null, WithClosed: false)));
        var all = new TokenFilter(null, null, WithClosed: true);
        Assert.Equal(
            [(expiring, TokenState.Expired), (usedUp, TokenState.UsedUp), (open, TokenState.Open), (others, TokenState.Open), (withdrawn, TokenState.Withdrawn)], Listed(all));
        Assert.Equal([(others, TokenState.Open)], Listed(all with { Sponsor = "another team" }));
        Assert.Equal([(others, TokenState.Open)], Listed(all with { Blueprint = "bot/2" }));
        var page = registry.Node.Reading.ListTokens(all, 1, 2);
        Assert.Equal((2, 3), (page.Tokens.Count, page.Next));

        (string, TokenState)[] Listed(TokenFilter filter) =>
            [.. registry.Node.Reading.ListTokens(filter, 0, 10).Tokens.Select(token => (TextOf(token), token.StateAt(registry.Node.Reading.Now)))];
        string TextOf(TokenRecord token) => new[] { expiring, usedUp, open, others, withdrawn }.Single(text => HashOf(text) == token.TokenHash);
    }

    [Fact]
    public async Task The_agents_that_a_token_has_enrolled_are_listed()
    {
        await using var registry = await TestNode.FoundAsync();
        await registry.EnrollAsync();
        var token = await registry.NewTokenAsync(uses: 2);
        TestAgent[] agents = [await registry.EnrollAsync(token), await registry.EnrollAsync(token)];
        var filter = new AgentFilter(null, null, null) { Token = registry.Node.State.FindToken(HashOf(token))!.Id };
        Assert.Equal(agents.Select(agent => agent.Id), registry.Node.Reading.ListAgents(filter, 0, 10).Agents.Select(agent => agent.Id));
    }

    private static Hash HashOf(string token) => Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token));

    private static Task<Outcome<TokenRecord>> WithdrawAsync(TestNode registry, string token, string reason = Why) =>
        registry.Node.Operating.WithdrawTokenAsync(registry.Operator, registry.Node.State.FindToken(HashOf(token))!.Id, reason);

    private static string[] Describe(TestNode registry) =>
        [.. registry.Node.State.TokensFrom(0).Select(token => $"{token.Id} {token.TokenHash} {token.UsesMade} of {token.UsesAllowed} {token.ExpiresAt} {token.Created} {token.Withdrawal}")];

    private static async Task<List<Recovery.Finding>> FindAsync(string folder)
    {
        using var store = SqliteLedgerStore.Open(folder);
        while (store.ReadSubjectIndex((_, _) => { }) != store.Size)
            await Task.Delay(5);
        var findings = new List<Recovery.Finding>();
        await Fsck.RunAsync(store, store, new SnapshotFile(folder), withSignatures: true, findings.Add, _ => { }, CancellationToken.None);
        return findings;
    }
}
