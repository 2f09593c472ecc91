using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recording;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What the log's key signs before there is a checkpoint.</summary>
public sealed class PromiseTests
{
    [Fact]
    public async Task Each_statement_of_a_group_is_covered_by_one_promise_that_is_due_in_five_seconds()
    {
        await using var registry = await TestNode.FoundAsync();
        var agents = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => registry.EnrollAsync()));
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var sent = agents.Select(agent => agent.SendAsync(agent.Statement(0, default))).ToArray();
        registry.Store.LetAppendsGo();
        await filler;

        var recorded = (await Task.WhenAll(sent)).Select(TestNode.Good).ToArray();
        Assert.Single(recorded.Select(one => one.Promise!.Note).Distinct());
        foreach (var one in recorded)
        {
            var promise = Open(registry, one.Promise!);
            Assert.Equal((one.At + 5000, 5), (promise.IntegrateBy, promise.Count));
            Assert.Equal(MerkleHash.Leaf(registry.Store.Read(one.Index, 1)[0].Leaf), one.LeafHash);
            Assert.True(promise.Covers(one.Index, one.LeafHash, one.Promise!.Path.ToArray()));
            Assert.False(promise.Covers(new LeafIndex(one.Index.Value + 1), one.LeafHash, one.Promise!.Path.ToArray()));
            Assert.False(promise.Covers(one.Index, Sha256.Hash([1]), one.Promise!.Path.ToArray()));
        }
    }

    [Fact]
    public async Task A_retry_before_the_checkpoint_is_promised_the_same_time_and_after_it_nothing_need_be_promised()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var statement = agent.Statement(0, default);
        var first = TestNode.Good(await agent.SendAsync(statement));
        Assert.NotNull(first.Promise);
        registry.Clock.Advance(TimeSpan.FromMilliseconds(400));
        var retry = TestNode.Good(await agent.SendAsync(statement));
        Assert.Equal(Open(registry, first.Promise).IntegrateBy, Open(registry, retry.Promise!).IntegrateBy);
        Assert.True(Open(registry, retry.Promise!).Covers(retry.Index, retry.LeafHash, retry.Promise!.Path.ToArray()));

        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        await registry.EnrollAsync();
        await registry.WhenSignedAsync(first.Index);
        Assert.Null(TestNode.Good(await agent.SendAsync(statement)).Promise);
    }

    [Fact]
    public async Task What_was_not_covered_in_time_is_not_promised_again()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var statement = agent.Statement(0, default);
        before.Store.OnPublish = Fault.Full;
        var first = TestNode.Good(await agent.SendAsync(statement));
        Assert.NotNull(first.Promise);
        before.Clock.Advance(TimeSpan.FromSeconds(6));
        var late = TestNode.Good(await agent.SendAsync(statement));
        Assert.Equal((false, null), (late.IsIntegrated, late.Promise));
    }

    private static Promise Open(TestNode registry, SignedPromise promise)
    {
        Assert.True(NoteVerifierKey.TryParse(registry.Node.Checkpoints.LogKey, out var logKey, out _));
        Assert.True(Promise.TryOpen(Encoding.UTF8.GetBytes(promise.Note), logKey, out var opened));
        return opened;
    }
}
