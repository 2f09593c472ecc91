using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>Two processes that were given the same key by mistake, each with a journal of its own: gas may be wasted, and nothing is anchored twice.</summary>
public sealed class TwoLoops
{
    [SkippableFact]
    public async Task Two_that_step_at_the_same_time_leave_one_anchor_for_each_size()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var other = world.OpenAnother(new TestJournal());
        ulong[] sizes = [100, 150, 220, 221, 400];
        foreach (var size in sizes)
        {
            world.Ledger.GrowTo(size);
            world.Loop.Demand();
            other.Demand();
            await world.Node.MineUntilAsync($"both have seen size {size} become final", async () =>
            {
                await Task.WhenAll(world.StepAsync(), other.StepAsync(CancellationToken.None));
                // What the one has used up the other lets go after a while.
                world.Clock.Move(TimeSpan.FromSeconds(31));
                return IsFinal(world.Loop, size) && IsFinal(other, size);
            });
        }
        await world.OnlyAnchoredAsync(sizes);
    }

    [SkippableFact]
    public async Task One_that_anchors_less_of_the_same_ledger_does_not_undo_what_the_other_has()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        var other = world.OpenAnother(new TestJournal());
        await world.UntilAsync(AnchorState.Broadcast);
        world.Ledger.GrowTo(200);
        Assert.Equal(AnchorState.Broadcast, (await other.StepAsync(CancellationToken.None)).State);
        // The node has one of the two: with the same nonce, the one that pays enough more.
        await world.Node.MineAsync();
        await world.Node.MineUntilAsync("both have seen size 200 become final", async () =>
        {
            world.Loop.Demand();
            await world.StepAsync();
            await other.StepAsync(CancellationToken.None);
            world.Clock.Move(TimeSpan.FromSeconds(31));
            return IsFinal(world.Loop, 200) && IsFinal(other, 200);
        });
        Assert.Equal(200UL, (await world.Contract.FindLogAsync(Contract.Deployed.Log, BlockTag.Latest, CancellationToken.None))!.Size.Value);
    }

    private static bool IsFinal(AnchorLoop loop, ulong size) => loop.Status is { State: AnchorState.Final } status && status.Anchored.Value == size;
}
