using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>Each call that an anchor takes fails once, before it reaches the node and after, and the process ends there or goes on: there is one anchor for each size that was meant.</summary>
public sealed class FaultsAtEachCall
{
    // More than an anchor takes from due to final, so that the last rounds run without a fault.
    private const int CallsMax = 60;

    [SkippableTheory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task One_anchor_for_each_size_whichever_call_fails(bool isCrash, bool isDelivered)
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        var (sizes, failed) = (new List<ulong> { 100 }, 0);
        for (var call = 0; call < CallsMax; call++)
        {
            world.Ledger.GrowTo(sizes[^1] + 1);
            sizes.Add(sizes[^1] + 1);
            failed += await AnchorAsync(world, call, isCrash, isDelivered) ? 1 : 0;
        }
        Assert.InRange(failed, 15, CallsMax - 1);
        await world.OnlyAnchoredAsync([.. sizes]);
        Assert.Equal((ulong)sizes.Count, await world.NonceAsync());
    }

    private static async Task<bool> AnchorAsync(AnchoringWorld world, int call, bool isCrash, bool isDelivered)
    {
        var (left, hasFailed) = (call, false);
        void Fail()
        {
            if (left-- != 0)
                return;
            hasFailed = true;
            throw isCrash ? new InvalidOperationException("The process ends here.") : new HttpRequestException("The line is cut.");
        }
        if (isDelivered)
            world.Http.After = (_, answer) => { Fail(); return answer; };
        else
            world.Http.Instead = (_, _) => { Fail(); return null; };

        world.Loop.Demand();
        for (var isFirst = true; isFirst || world.Loop.Status is not { State: AnchorState.Final } || world.Loop.Status.Anchored != world.Ledger.Size; isFirst = false)
        {
            await StepOrRestartAsync(world);
            if (world.Loop.Status.State == AnchorState.Mined)
                await world.Node.MineAsync(3);
        }
        (world.Http.After, world.Http.Instead) = (null, null);
        return hasFailed;
    }

    private static async Task StepOrRestartAsync(AnchoringWorld world)
    {
        try
        {
            await world.StepAsync();
        }
        catch (InvalidOperationException)
        {
            // What was asked for and not written down yet is asked for again, as the timer would.
            world.Restart();
            world.Loop.Demand();
        }
    }
}
