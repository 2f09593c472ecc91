using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recording;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>Signed statements, their chains and their retries.</summary>
public sealed class RecordingTests
{
    [Fact]
    public async Task A_gap_and_both_kinds_of_fork_are_refused_by_name()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var chain = agent.Chain(4);
        Assert.Equal(Refusal.SequenceGap, (await agent.SendAsync(chain[1])).Refusal);
        foreach (var statement in chain[..3])
            TestNode.Good(await agent.SendAsync(statement));

        var gap = await agent.SendAsync(agent.Statement(4, Sha256.Hash(chain[2])));
        Assert.Equal((Refusal.SequenceGap, "Expected sequence 3, found 4."), (gap.Refusal, gap.Detail));
        Assert.Equal(Refusal.SequenceGap, (await agent.SendAsync(agent.Statement(ulong.MaxValue, Sha256.Hash(chain[2])))).Refusal);
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(3, Sha256.Hash(chain[1])))).Refusal);
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(2, Sha256.Hash(chain[1]), fill: 9))).Refusal);
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(0, default, fill: 9))).Refusal);
        TestNode.Good(await agent.SendAsync(chain[3]));
        Assert.Equal(4, registry.Bodies().OfType<Activity>().Count());
    }

    [Fact]
    public async Task What_is_not_the_agents_statement_for_this_log_is_refused_by_name()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var other = await registry.EnrollAsync(algorithm: KeyAlgorithm.Ed25519);
        var good = agent.Statement(0, default);
        var flipped = agent.Key.Sign(good);
        flipped[10] ^= 1;

        Assert.Equal(Refusal.WrongKey, (await agent.SendAsync(agent.Statement(0, default, keyId: other.KeyId))).Refusal);
        Assert.Equal(Refusal.WrongKey, (await other.SendAsync(good)).Refusal);
        Assert.Equal(Refusal.WrongOrigin, (await agent.SendAsync(agent.Statement(0, default, origin: "localhost:5000/2"))).Refusal);
        Assert.Equal(Refusal.StatementMalformed, (await agent.SendAsync(good[..^1])).Refusal);
        Assert.Equal(Refusal.StatementMalformed, (await agent.SendAsync([.. good, 0])).Refusal);
        Assert.Equal(Refusal.StatementMalformed, (await agent.SendAsync([])).Refusal);
        Assert.Equal(Refusal.StatementMalformed, (await agent.SendAsync([.. good, .. new byte[65_536 - good.Length]])).Refusal);
        Assert.Equal(Refusal.StatementMalformed, (await agent.SendAsync([.. "air/stmt/v2\0"u8, .. good[12..]])).Refusal);
        Assert.Equal(Refusal.SignatureInvalid, (await agent.SendAsync(good, flipped)).Refusal);
        Assert.Equal(Refusal.SignatureInvalid, (await agent.SendAsync(good, [])).Refusal);
        Assert.Equal(Refusal.SignatureInvalid, (await agent.SendAsync(good, agent.Key.Sign(agent.Statement(0, default, fill: 9)))).Refusal);
        Assert.Empty(registry.Bodies().OfType<Activity>());
        TestNode.Good(await agent.SendAsync(good));
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(ulong.MaxValue)]
    public async Task A_clock_that_is_far_off_is_the_agents_word_and_stands_as_it_was_signed(ulong claimed)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var statement = SignedStatement.Encode("localhost:5000", agent.Id, agent.KeyId, 0, default, claimed, StatementKind.Activity, [default]);
        var recorded = TestNode.Good(await agent.SendAsync(statement));
        Assert.Equal(registry.Clock.GetUtcNow().ToUnixTimeMilliseconds(), recorded.At);
        Assert.Equal(statement, Assert.Single(registry.Bodies().OfType<Activity>()).Statement);
    }

    [Fact]
    public async Task A_statement_of_an_agent_of_another_registry_is_refused()
    {
        await using var registry = await TestNode.FoundAsync();
        await using var elsewhere = await TestNode.FoundAsync();
        var stranger = (await elsewhere.EnrollAsync()).At(registry);
        Assert.Equal(Refusal.AgentUnknown, (await stranger.SendAsync(stranger.Statement(0, default))).Refusal);
    }

    [Theory]
    [InlineData(KeyAlgorithm.ES256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    public async Task A_retry_gets_the_first_answer_at_the_head_further_back_and_after_a_restart(KeyAlgorithm algorithm)
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync(algorithm: algorithm);
        var chain = agent.Chain(3);
        var first = new List<Recorded>();
        foreach (var statement in chain)
            first.Add(TestNode.Good(await agent.SendAsync(statement)));
        foreach (var (answer, statement) in first.Zip(chain))
            AssertSame(answer, TestNode.Good(await agent.SendAsync(statement)));
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        foreach (var (answer, statement) in first.Zip(chain))
            AssertSame(answer, TestNode.Good(await agent.At(after).SendAsync(statement)));
        Assert.Equal(3, after.Bodies().OfType<Activity>().Count());
    }

    [Fact]
    public async Task Another_signature_over_the_same_bytes_is_the_same_statement()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var statement = agent.Statement(0, default);
        byte[] one = agent.Key.Sign(statement), two = agent.Key.Sign(statement);
        Assert.NotEqual(one, two);
        AssertSame(TestNode.Good(await agent.SendAsync(statement, one)), TestNode.Good(await agent.SendAsync(statement, two)));
        Assert.Equal(one, Assert.Single(registry.Bodies().OfType<Activity>()).Signature);
    }

    [Fact]
    public async Task Retries_and_forks_within_one_group_are_told_apart()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var chain = agent.Chain(2);
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var first = agent.SendAsync(chain[0]);
        var retry = agent.SendAsync(chain[0]);
        var second = agent.SendAsync(chain[1]);
        var older = agent.SendAsync(chain[0]);
        var fork = agent.SendAsync(agent.Statement(1, Sha256.Hash(chain[0]), fill: 9));
        var olderFork = agent.SendAsync(agent.Statement(0, default, fill: 9));
        registry.Store.LetAppendsGo();
        await filler;

        AssertSame(TestNode.Good(await first), TestNode.Good(await retry));
        AssertSame(TestNode.Good(await first), TestNode.Good(await older));
        Assert.Equal((await first).Value.Index.Value + 1, TestNode.Good(await second).Index.Value);
        Assert.Equal(Refusal.SequenceFork, (await fork).Refusal);
        Assert.Equal(Refusal.SequenceFork, (await olderFork).Refusal);
        Assert.Contains(2, registry.Store.Groups);
    }

    [Fact]
    public async Task A_retry_is_found_among_entries_of_other_kinds_without_reading_the_whole_trail()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var chain = agent.Chain(120);
        var first = new List<Recorded>();
        for (var i = 0; i < chain.Length; i++)
        {
            first.Add(TestNode.Good(await agent.SendAsync(chain[i])));
            // Ever more of them, so that the numbers of statements and entries drift apart.
            for (var looks = 0; looks < i / 10; looks++)
                TestNode.Good(await registry.Node.Reads.RecordAsync(new Look(registry.Operator.Id, new PrivateDataRead("/x", "", 1), agent.Id)));
        }
        foreach (var (answer, statement) in first.Zip(chain))
            AssertSame(answer, TestNode.Good(await agent.SendAsync(statement)));
    }

    [Fact]
    public async Task Whoever_waits_for_a_checkpoint_is_told_when_the_registry_goes_out_of_service()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        registry.Store.OnPublish = Fault.Lost;
        var waiting = registry.Node.Recording.RecordAsync(agent.Statement(0, default), KeyAlgorithm.ES256, agent.Key.Sign(agent.Statement(0, default)), waitIntegrated: true, CancellationToken.None);
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Refusal.RegistryHalted, (await waiting.WaitAsync(TestNode.Patience)).Refusal);
    }

    [Fact]
    public async Task The_chains_of_two_agents_do_not_touch()
    {
        await using var registry = await TestNode.FoundAsync();
        var one = await registry.EnrollAsync();
        var two = await registry.EnrollAsync(algorithm: KeyAlgorithm.Ed25519);
        for (var i = 0; i < 5; i++)
            Assert.True((await one.RecordAsync()).Index.Value < (await two.RecordAsync()).Index.Value);
        Assert.Equal((5ul, 5ul), (one.Record.Chain(one.KeyId).Next, two.Record.Chain(two.KeyId).Next));
    }

    [Fact]
    public async Task A_statement_carries_a_thousand_commitments()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var statement = agent.Statement(0, default, commitments: 1000);
        TestNode.Good(await agent.SendAsync(statement));
        Assert.Equal(statement, Assert.Single(registry.Bodies().OfType<Activity>()).Statement);
    }

    [Fact]
    public async Task A_retry_keeps_the_class_that_the_first_answer_had()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var chain = agent.Chain(3);
        TestNode.Good(await agent.SendAsync(chain[0]));
        TestNode.Good(await registry.StopAsync(agent));
        Assert.Equal(EntryClass.Quarantined, TestNode.Good(await agent.SendAsync(chain[1])).Class);
        Assert.Equal(EntryClass.Quarantined, TestNode.Good(await agent.SendAsync(chain[2])).Class);
        Assert.Equal(EntryClass.Activity, TestNode.Good(await agent.SendAsync(chain[0])).Class);
        Assert.Equal(EntryClass.Quarantined, TestNode.Good(await agent.SendAsync(chain[1])).Class);
    }

    // Whether a checkpoint covers the entry may have changed in between; where it stands may not.
    private static void AssertSame(Recorded expected, Recorded actual) =>
        Assert.Equal((expected.Index, expected.At, expected.Class, expected.LeafHash, expected.Opening), (actual.Index, actual.At, actual.Class, actual.LeafHash, actual.Opening));
}
