using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Contract;
using AgentIdentity.Anchoring.Tests.Node;
using System.Text.Json.Nodes;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>Stuck, dropped, taken back, lost, crashed: in the end there is one anchor for each size that was meant, and nobody was needed.</summary>
public sealed class AnchorsThatGoAstray
{
    [SkippableFact]
    public async Task What_is_stuck_is_replaced_by_the_newer_checkpoint_with_the_same_nonce()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        var first = await world.UntilAsync(AnchorState.Broadcast);
        world.Ledger.GrowTo(200);
        Assert.Equal(first.InFlight, (await world.StepAsync()).InFlight);
        world.Clock.Move(world.Settings.ReplaceAfter);
        Assert.NotEqual(first.InFlight, (await world.StepAsync()).InFlight);

        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(200);
        Assert.Equal(1UL, await world.NonceAsync());
    }

    [SkippableFact]
    public async Task A_base_fee_above_the_offer_is_met_within_the_cap()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        await world.SetNextBaseFeeAsync(gwei: 50);
        await world.Node.MineAsync();
        await world.OnlyAnchoredAsync();
        await world.StepAsync();
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task Nothing_is_sent_while_the_chain_asks_more_than_the_cap_and_then_the_newest()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.SetNextBaseFeeAsync(gwei: 300);
        await world.Node.MineAsync();
        var held = await world.StepAsync();
        Assert.Equal((AnchorState.HeldByFeeCap, false), (held.State, held.IsHealthy));
        world.Ledger.GrowTo(200);
        Assert.Equal(AnchorState.HeldByFeeCap, await world.StateAsync());
        Assert.Equal(0, world.SentCount);

        await world.SetNextBaseFeeAsync(gwei: 5);
        await world.Node.MineAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(200);
    }

    [SkippableFact]
    public async Task What_is_out_when_the_fees_pass_the_cap_stays_out_unchanged()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        var sent = await world.UntilAsync(AnchorState.Broadcast);
        await world.SetNextBaseFeeAsync(gwei: 300);
        await world.Node.MineAsync();
        var held = await world.StepAsync();
        Assert.Equal((AnchorState.HeldByFeeCap, sent.InFlight), (held.State, held.InFlight));

        await world.SetNextBaseFeeAsync(gwei: 1);
        await world.Node.MineAsync();
        Assert.Equal(sent.InFlight, (await world.UntilAsync(AnchorState.Broadcast)).InFlight);
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task What_the_pool_drops_is_sent_again_byte_for_byte()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        var sent = await world.UntilAsync(AnchorState.Broadcast);
        await world.Node.ControlAsync("anvil_dropTransaction", sent.InFlight!.Value.ToString());
        await world.Node.MineAsync();
        await world.OnlyAnchoredAsync();
        Assert.Equal((sent.InFlight, 1L), ((await world.StepAsync()).InFlight, world.Loop.Status.AttemptCount));
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task An_anchor_that_a_reorganisation_takes_back_is_made_again()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var mined = await world.UntilAsync(AnchorState.Mined);
        await world.Node.ControlAsync("anvil_reorg", 1, new JsonArray());
        await world.OnlyAnchoredAsync();
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        var final = await world.UntilFinalAsync();
        Assert.NotEqual(mined.LastMined!.BlockHash, final.LastFinal!.BlockHash);
        await world.OnlyAnchoredAsync(100);
        Assert.Equal(1UL, await world.NonceAsync());
    }

    [SkippableFact]
    public async Task A_reorganisation_that_leaves_a_gap_before_what_is_in_flight_is_got_over()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilAsync(AnchorState.Mined);
        await world.Node.MineByHandAsync();
        world.Ledger.GrowTo(200);
        world.Loop.Demand();
        await world.UntilAsync(AnchorState.Broadcast);
        await world.Node.ControlAsync("anvil_reorg", 1, new JsonArray());
        Assert.Equal((0UL, AnchorState.Broadcast), (await world.NonceAsync(), await world.StateAsync()));
        await world.OnlyAnchoredAsync();

        world.Clock.Move(TimeSpan.FromMinutes(1));
        await world.UntilAsync(AnchorState.Broadcast);
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(200);
    }

    [SkippableFact]
    public async Task An_anchor_that_a_reorganisation_moves_is_followed()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        var raw = AnchorAttempt.Read(world.Journal.Read())[0].Signed.Raw;
        await world.UntilMinedAsync();
        var mined = await world.UntilAsync(AnchorState.Mined);
        await world.Node.MineAsync();
        await world.Node.ControlAsync("anvil_reorg", 2, new JsonArray(new JsonArray(Hex.Of(raw), 1)));
        var moved = await world.UntilAsync(AnchorState.Mined);
        Assert.Equal(mined.LastMined!.Transaction, moved.LastMined!.Transaction);
        Assert.NotEqual(mined.LastMined.BlockHash, moved.LastMined.BlockHash);
        var final = await world.UntilFinalAsync();
        Assert.Equal(moved.LastMined, final.LastFinal);
        Assert.Equal(1, final.AttemptCount);
    }

    [SkippableFact]
    public async Task An_account_without_money_signs_nothing_that_is_sent_and_goes_on_when_it_has_some()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.SetBalanceAsync(world.Sequencer, 0);
        Assert.Equal(AnchorState.NoFunds, await world.StateAsync());
        Assert.Empty(world.Journal.Read());
        await world.Node.SetBalanceAsync(world.Sequencer, 1_000_000_000_000_000_000);
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task An_account_that_runs_dry_keeps_what_it_has_sent()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        var sent = await world.UntilAsync(AnchorState.Broadcast);
        await world.Node.SetBalanceAsync(world.Sequencer, 0);
        world.Clock.Move(world.Settings.ReplaceAfter);
        var dry = await world.StepAsync();
        Assert.Equal((AnchorState.NoFunds, sent.InFlight), (dry.State, dry.InFlight));
        await world.Node.SetBalanceAsync(world.Sequencer, 1_000_000_000_000_000_000);
        await world.UntilAsync(AnchorState.Broadcast);
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_does_not_answer_is_waited_for(bool isInFlight)
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        if (isInFlight)
            await world.UntilAsync(AnchorState.Broadcast);
        var sentBefore = world.SentCount;
        world.Http.Instead = (_, _) => throw new HttpRequestException("down");
        Assert.Equal(AnchorState.RpcDown, await world.StateAsync());
        Assert.Equal(AnchorState.RpcDown, await world.StateAsync());
        Assert.Equal(sentBefore, world.SentCount);
        world.Http.Instead = null;
        await world.UntilAsync(AnchorState.Broadcast);
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task A_node_that_is_asked_too_often_is_left_alone_and_asked_later()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Http.Instead = (_, _) => ScriptedHttp.Body("{}", System.Net.HttpStatusCode.TooManyRequests);
        Assert.Equal(AnchorState.RpcDown, await world.StateAsync());
        world.Http.Instead = null;
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task A_lost_answer_to_sending_makes_no_second_anchor()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Http.After = (method, answer) => method == "eth_sendRawTransaction" ? throw new HttpRequestException("The answer was lost.") : answer;
        Assert.Equal(AnchorState.RpcDown, await world.StateAsync());
        world.Http.After = null;
        var final = await world.UntilFinalAsync();
        Assert.Equal(1, final.AttemptCount);
        await world.OnlyAnchoredAsync(100);
        Assert.Equal(1UL, await world.NonceAsync());
    }

    [SkippableFact]
    public async Task A_crash_before_the_journal_sends_nothing_and_costs_nothing()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Journal.LosesNext = true;
        await Assert.ThrowsAsync<IOException>(world.StepAsync);
        Assert.Equal(0, world.SentCount);
        world.Journal.LosesNext = false;
        world.Restart();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task A_crash_between_journal_and_sending_sends_the_same_bytes_after_the_restart()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Journal.FailsAfterNext = true;
        await Assert.ThrowsAsync<IOException>(world.StepAsync);
        Assert.Equal(0, world.SentCount);
        var written = AnchorAttempt.Read(world.Journal.Read())[0].Signed.Hash;
        world.Journal.FailsAfterNext = false;
        world.Restart();
        Assert.Equal(written, (await world.StepAsync()).InFlight);
        var final = await world.UntilFinalAsync();
        Assert.Equal((written, 0L), (final.LastFinal!.Transaction, final.AttemptCount));
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_crash_after_sending_leads_to_one_anchor_and_one_nonce_also_when_the_journal_is_lost(bool isJournalLost)
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        world.Restart(isJournalLost);
        await world.UntilAsync(AnchorState.Broadcast);
        await world.StepAsync();
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
        Assert.Equal(1UL, await world.NonceAsync());
    }

    [SkippableFact]
    public async Task A_nonce_that_somebody_else_used_is_let_go()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        var theirs = await world.Signer.SignAsync(new Transaction(31337, 0, 20_000_000_000, 90_000_000_000, 21_000, world.Owner.Address, []), CancellationToken.None);
        await world.Node.Chain.SendAsync(theirs, CancellationToken.None);
        await world.Node.MineAsync();
        await world.OnlyAnchoredAsync();
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        world.Clock.Move(TimeSpan.FromMinutes(1));
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
        Assert.Equal(2UL, await world.NonceAsync());
    }

    [SkippableFact]
    public async Task A_nonce_from_a_node_that_lags_is_noticed_and_not_tried_for_ever()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        world.Ledger.GrowTo(200);
        world.Loop.Demand();
        world.Answer("eth_getTransactionCount", _ => "0x0", times: 1);
        var sentBefore = world.SentCount;
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        await world.UntilFinalAsync();
        Assert.Equal(sentBefore + 2, world.SentCount);
        await world.OnlyAnchoredAsync(100, 200);
    }

    [SkippableFact]
    public async Task Receipts_that_lag_are_no_failure_and_the_event_is_found_without_them()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        world.Answer("eth_getTransactionReceipt", _ => null);
        var mined = await world.UntilAsync(AnchorState.Mined);
        Assert.Equal(100UL, mined.LastMined!.Size.Value);
        await world.Node.MineAsync(3);
        Assert.Equal(AnchorState.Mined, await world.StateAsync());
        world.Http.Instead = null;
        Assert.Equal(AnchorState.Final, await world.StateAsync());
        Assert.Equal(1, world.SentCount);
    }

    [SkippableFact]
    public async Task A_block_that_lags_behind_its_state_is_waited_for()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        var before = await world.Node.Chain.BlockAsync(BlockTag.Latest, CancellationToken.None);
        await world.Node.MineAsync();
        world.Http.Instead = (called, request) => called == "eth_getTransactionReceipt" ? ScriptedHttp.Result(request, null) : null;
        world.Http.After = (called, answer) => called == "eth_getBlockByNumber" ? Numbered(answer, before!.Number) : answer;

        var lagging = await world.StepAsync();

        Assert.Equal((AnchorState.Mined, null, "Where size 100 was anchored is not found."), (lagging.State, lagging.LastMined, lagging.Reason));
        (world.Http.After, world.Http.Instead) = (null, null);
        var found = await world.StepAsync();
        Assert.Equal((AnchorState.Mined, 100UL, null), (found.State, found.LastMined!.Size.Value, found.Reason));
        Assert.Equal(1, world.SentCount);
    }

    [SkippableTheory]
    [InlineData("replacement transaction underpriced", 2)]
    [InlineData("already known", 1)]
    public async Task What_other_nodes_say_of_a_transaction_is_understood(string words, int attempts)
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        world.Refuse("eth_sendRawTransaction", words, times: 1);
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        Assert.Equal((AnchorState.Broadcast, (long)attempts), (await world.StateAsync(), world.Loop.Status.AttemptCount));
        await world.UntilMinedAsync();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task Events_are_found_where_a_node_refuses_large_ranges()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        await world.Node.MineAsync(700);
        world.Restart(isJournalLost: true);
        world.Http.Instead = (method, request) => method == "eth_getLogs" && BlocksAsked(request) > 100 ? ScriptedHttp.Error(request, "query returned more than 10000 results") : null;
        Assert.Equal(100UL, (await world.UntilAsync(AnchorState.Final)).LastFinal!.Size.Value);
    }

    [SkippableFact]
    public async Task A_node_that_is_restarted_with_its_state_is_gone_on_with()
    {
        var folder = Directory.CreateTempSubdirectory("anvil-state-");
        try
        {
            var state = Path.Combine(folder.FullName, "state.json");
            await using var world = await AnchoringWorld.OpenAsync(nodeArguments: ["--state", state]);
            await world.UntilAsync(AnchorState.Mined);
            var port = world.Node.Url.Port;
            await world.Node.StopAsync();
            Assert.Equal(AnchorState.RpcDown, await world.StateAsync());
            await world.Node.StartAsync("--state", state, "--port", port.ToString());
            await world.UntilFinalAsync();
            await world.OnlyAnchoredAsync(100);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static ulong BlocksAsked(JsonObject request)
    {
        var filter = request["params"]![0]!;
        return (ulong)(Hex.ReadQuantity(filter["toBlock"]!.GetValue<string>()) - Hex.ReadQuantity(filter["fromBlock"]!.GetValue<string>()));
    }

    private static JsonObject Numbered(JsonObject block, ulong number)
    {
        block["result"]!["number"] = Hex.Quantity(number);
        return block;
    }
}
