using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>Two statements for one place: refused, and the first such pair of a chain is kept as proof.</summary>
public sealed class ForkTests
{
    [Fact]
    public async Task A_second_statement_for_a_place_is_kept_with_its_signature_and_names_the_one_that_stands()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var standing = agent.Statement(0, default);
        var held = TestNode.Good(await agent.SendAsync(standing));
        var other = agent.Statement(0, default, fill: 9);

        var refused = await agent.SendAsync(other);

        var fork = Assert.Single(registry.Bodies().OfType<Fork>());
        Assert.Equal((held.Index, Sha256.Hash(standing)), (fork.Held, fork.Identity));
        Assert.Equal(other, fork.Statement);
        Assert.True(agent.Key.PublicKey.Verifies(fork.Statement, fork.Signature));
        Assert.Equal(Refusal.SequenceFork, refused.Refusal);
        Assert.Equal($"Another statement stands at 0 of this chain (entry {held.Index}); entry {agent.Record.Chain(agent.KeyId).Fork} keeps the proof that this chain was forked.", refused.Detail);
    }

    [Fact]
    public async Task A_statement_that_names_another_predecessor_is_kept_beside_the_one_that_stands_there()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var chain = agent.Chain(2);
        foreach (var statement in chain)
            TestNode.Good(await agent.SendAsync(statement));
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(2, Sha256.Hash(chain[0])))).Refusal);
        Assert.Equal(Sha256.Hash(chain[1]), Assert.Single(registry.Bodies().OfType<Fork>()).Identity);
    }

    [Fact]
    public async Task However_many_forks_an_agent_signs_its_chain_keeps_one_and_goes_on()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var chain = agent.Chain(3);
        TestNode.Good(await agent.SendAsync(chain[0]));
        TestNode.Good(await agent.SendAsync(chain[1]));
        var forks = Enumerable.Range(1, 20).Select(fill => agent.SendAsync(agent.Statement((ulong)fill % 2, fill % 2 == 0 ? default : Sha256.Hash(chain[0]), fill: (byte)fill)));
        Assert.All(await Task.WhenAll(forks), refused => Assert.Equal(Refusal.SequenceFork, refused.Refusal));
        TestNode.Good(await agent.SendAsync(chain[2]));
        Assert.Single(before.Bodies().OfType<Fork>());
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.NotNull(agent.At(after).Record.Chain(agent.KeyId).Fork);
        Assert.Equal(Refusal.SequenceFork, (await agent.At(after).SendAsync(agent.Statement(0, default, fill: 99))).Refusal);
        Assert.Single(after.Bodies().OfType<Fork>());
    }

    [Fact]
    public async Task An_agent_that_sends_again_what_the_disk_holds_otherwise_now_is_not_accused()
    {
        await using var before = await TestNode.FoundAsync(snapshotEntries: 1);
        var agent = await before.EnrollAsync();
        var chain = agent.Chain(3);
        var first = TestNode.Good(await agent.SendAsync(chain[0]));
        TestNode.Good(await agent.SendAsync(chain[1]));
        await before.WhenSignedAsync(TestNode.Good(await agent.SendAsync(chain[2])).Index);
        await before.DisposeAsync();
        LedgerFile.SpoilStatement(before.Folder, first.Index.Value, chain[0]);

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Contains($"Entry {first.Index} is not the one", (await Assert.ThrowsAsync<LedgerDamagedException>(() => agent.At(after).SendAsync(chain[0]))).Message, StringComparison.Ordinal);
        Assert.Empty(after.Bodies().OfType<Fork>());
        Assert.Equal(new LeafIndex(first.Index.Value + 1), TestNode.Good(await agent.At(after).SendAsync(chain[1])).Index);
    }
}
