using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>When nothing is wrong: what is anchored, and when.</summary>
public sealed class AnchorsThatArrive
{
    [SkippableFact]
    public async Task The_first_checkpoint_goes_at_once_and_is_done_when_it_is_final()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        var mined = await world.UntilAsync(AnchorState.Mined);
        Assert.Equal((new TreeSize(100), null), (mined.LastMined!.Size, mined.LastFinal));
        await world.Node.MineAsync(3);
        var final = await world.UntilAsync(AnchorState.Final);
        Assert.Equal((mined.LastMined, null, true), (final.LastFinal, final.Reason, final.IsHealthy));
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task The_next_goes_by_the_timer_by_growth_or_on_demand_and_not_before()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Settings = world.Settings with { Growth = 500 };
        world.Restart();
        await world.UntilFinalAsync();

        world.Ledger.GrowTo(101);
        Assert.Equal(AnchorState.Final, await world.StateAsync());
        world.Clock.Move(world.Settings.Interval);
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        await world.UntilFinalAsync();

        world.Ledger.GrowTo(601);
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        await world.UntilFinalAsync();

        world.Ledger.GrowTo(602);
        Assert.Equal(AnchorState.Final, await world.StateAsync());
        world.Loop.Demand();
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100, 101, 601, 602);
    }

    [SkippableFact]
    public async Task An_earlier_anchor_is_called_final_while_newer_ones_wait()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilAsync(AnchorState.Mined);
        world.Ledger.GrowTo(200);
        world.Loop.Demand();
        await world.UntilAsync(AnchorState.Broadcast);
        await world.UntilAsync(AnchorState.Mined);
        await world.Node.MineAsync();
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.Mined, 200UL, 100UL, true), (status.State, status.Anchored.Value, status.LastFinal!.Size.Value, status.IsHealthy));
        Assert.Equal(200UL, (await world.UntilFinalAsync()).LastFinal!.Size.Value);
        await world.OnlyAnchoredAsync(100, 200);
    }

    [SkippableFact]
    public async Task A_clock_that_is_set_changes_nothing()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        world.Ledger.GrowTo(101);
        world.Clock.Set(TimeSpan.FromDays(400));
        Assert.Equal(AnchorState.Final, await world.StateAsync());
        world.Clock.Set(TimeSpan.FromDays(-800));
        world.Clock.Move(world.Settings.Interval);
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100, 101);
    }

    [SkippableFact]
    public async Task A_ledger_that_does_not_grow_is_not_anchored_again()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        world.Clock.Move(TimeSpan.FromDays(30));
        world.Loop.Demand();
        Assert.Equal(AnchorState.Final, await world.StateAsync());
        Assert.Equal(1, world.SentCount);
    }

    [SkippableFact]
    public async Task A_log_in_consistent_mode_gets_its_proofs()
    {
        await using var world = await AnchoringWorld.OpenAsync(isConsistent: true);
        await world.UntilFinalAsync();
        world.Ledger.GrowTo(777);
        world.Loop.Demand();
        await world.UntilAsync(AnchorState.Broadcast);
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100, 777);
    }

    [SkippableFact]
    public async Task A_ledger_that_grew_beyond_a_step_is_anchored_in_several()
    {
        await using var world = await AnchoringWorld.OpenAsync(stepBits: 6);
        world.Loop.Demand();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(64, 100);
    }

    [SkippableFact]
    public async Task A_restart_between_two_anchors_sends_nothing()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var before = await world.UntilFinalAsync();
        world.Ledger.GrowTo(150);
        world.Restart();
        var after = await world.UntilAsync(AnchorState.Final);
        Assert.Equal(before.LastFinal, after.LastFinal);
        Assert.Equal(1, world.SentCount);
    }
}
