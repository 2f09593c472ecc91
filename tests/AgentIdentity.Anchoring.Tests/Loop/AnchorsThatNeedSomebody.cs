using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Contract;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;
using System.Text.Json.Nodes;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>What time does not heal, and what a node says that is not so: named, refused, visible.</summary>
public sealed class AnchorsThatNeedSomebody
{
    [SkippableFact]
    public async Task A_sequencer_that_was_replaced_stops_and_burns_no_gas()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Owner.ExecuteAsync(world.Contract.Address, AnchorContract.SetSequencer(Deployed.Log, world.Owner.Address), CancellationToken.None);
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, false), (status.State, status.IsHealthy));
        Assert.Contains(world.Owner.Address.ToString(), status.Reason, StringComparison.Ordinal);
        Assert.Equal(0, world.SentCount);
        await world.Owner.ExecuteAsync(world.Contract.Address, AnchorContract.SetSequencer(Deployed.Log, world.Sequencer), CancellationToken.None);
        await world.UntilFinalAsync();
    }

    [SkippableFact]
    public async Task A_sequencer_that_is_replaced_while_its_anchor_waits_sees_it_fail_and_stops()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        var replaced = world.Owner.ExecuteAsync(world.Contract.Address, AnchorContract.SetSequencer(Deployed.Log, world.Owner.Address), CancellationToken.None);
        await world.UntilPooledAsync(2);
        await world.Node.MineAsync();
        await replaced;
        Assert.Equal(AnchorState.NeedsOperator, await world.StateAsync());
        await world.OnlyAnchoredAsync();
        var receipt = await world.Node.Chain.ReceiptAsync(AnchorAttempt.Read(world.Journal.Read())[0].Signed.Hash, CancellationToken.None);
        Assert.False(receipt!.Succeeded);

        // Named again, it begins anew, since what failed is decided.
        await world.Node.ControlAsync("evm_setAutomine", true);
        await world.Owner.ExecuteAsync(world.Contract.Address, AnchorContract.SetSequencer(Deployed.Log, world.Sequencer), CancellationToken.None);
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task What_is_included_and_fails_twice_is_told_and_not_paid_for_again_until_it_is_due_or_demanded()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        // Enough to be included, and too little to get through: a node that estimates too low.
        world.Answer("eth_estimateGas", _ => "0x7530");
        await world.UntilAsync(AnchorState.Broadcast);
        for (var block = 0; block < 5; block++)
        {
            await world.Node.MineAsync();
            await world.StepAsync();
        }
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, 2L, 2UL), (status.State, status.AttemptCount, await world.NonceAsync()));
        Assert.Contains("failed", status.Reason, StringComparison.Ordinal);
        world.Clock.Move(world.Settings.Interval);
        Assert.Equal(AnchorState.Broadcast, await world.StateAsync());
        await world.Node.MineAsync();
        Assert.Equal((AnchorState.NeedsOperator, 3L), (await world.StateAsync(), world.Loop.Status.AttemptCount));

        world.Http.Instead = null;
        world.Loop.Demand();
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100);
    }

    [SkippableFact]
    public async Task Nothing_is_signed_for_another_chain()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Answer("eth_chainId", _ => "0x1");
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, 0, 0L), (status.State, world.SentCount, status.AttemptCount));
        Assert.Contains("chain 1", status.Reason, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_contract_that_is_missing_or_another_one_is_named()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Settings = world.Settings with { Contract = world.Owner.Address };
        world.Restart();
        Assert.Contains("no contract", (await world.StepAsync()).Reason, StringComparison.Ordinal);

        await world.Node.ControlAsync("anvil_setCode", world.Contract.Address.ToString(), "0x60006000fd");
        world.Settings = world.Settings with { Contract = world.Contract.Address };
        world.Restart();
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, 0), (status.State, world.SentCount));
    }

    [SkippableFact]
    public async Task A_contract_that_answers_as_ours_and_has_other_code_is_not_spoken_to()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Http.After = (method, answer) =>
        {
            if (method == "eth_getCode")
                answer["result"] = answer["result"]!.GetValue<string>() + "00";
            return answer;
        };
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, 0), (status.State, world.SentCount));
        Assert.Contains("not that of the anchor contract", status.Reason, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_log_that_nobody_opened_or_that_wants_witnesses_is_named()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Owner.ExecuteAsync(world.Contract.Address, AnchorContract.SetWitnesses(Deployed.Log, [world.Owner.Address], 1), CancellationToken.None);
        Assert.Contains("1 witnesses", (await world.StepAsync()).Reason, StringComparison.Ordinal);
        await world.Owner.ExecuteAsync(world.Contract.Address, AnchorContract.SetWitnesses(Deployed.Log, [], 0), CancellationToken.None);
        await world.UntilFinalAsync();

        world.Restart(isJournalLost: false, new OtherOrigin(world.Ledger));
        Assert.Contains("no log of the origin other.example", (await world.StepAsync()).Reason, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_ledger_that_was_put_back_to_an_older_state_anchors_nothing_more()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        world.Restart(isJournalLost: true, new TestLedger(AnchoringWorld.Tree, 60));
        world.Loop.Demand();
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, 1), (status.State, world.SentCount));
        Assert.Contains("put back", status.Reason, StringComparison.Ordinal);
        Assert.Equal(status.Reason, status.Contradiction);
    }

    [SkippableFact]
    public async Task What_contradicts_the_ledger_stands_until_the_chain_is_seen_without_it_whoever_the_sequencer_is()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        var older = new TestLedger(AnchoringWorld.Tree, 60);
        world.Restart(isJournalLost: true, older);
        await world.Owner.ExecuteAsync(world.Contract.Address, AnchorContract.SetSequencer(Deployed.Log, world.Owner.Address), CancellationToken.None);
        var found = await world.StepAsync();
        Assert.Contains("put back", found.Contradiction, StringComparison.Ordinal);

        world.Http.Instead = (_, _) => throw new HttpRequestException("down");
        Assert.Equal((AnchorState.RpcDown, found.Contradiction), ((await world.StepAsync()).State, world.Loop.Status.Contradiction));
        world.Http.Instead = null;
        older.GrowTo(100);
        Assert.Equal((AnchorState.NeedsOperator, null), ((await world.StepAsync()).State, world.Loop.Status.Contradiction));
    }

    [SkippableFact]
    public async Task A_look_that_is_cut_short_keeps_what_it_has_found()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        var loop = world.Restart(isJournalLost: true);
        Assert.False(loop.Status.IsCompared);
        using var patience = new CancellationTokenSource();
        world.Http.Instead = (method, _) =>
        {
            if (method == "eth_getLogs")
                patience.Cancel();
            return null;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop.StepAsync(patience.Token));
        Assert.Equal((true, null), (loop.Status.IsCompared, loop.Status.Contradiction));
    }

    [SkippableFact]
    public async Task A_ledger_with_another_history_anchors_nothing_more()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        world.Restart(isJournalLost: true, new TestLedger(new TestTree("other leaf", 300), 300));
        world.Loop.Demand();
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, 1), (status.State, world.SentCount));
        Assert.Contains("another history", status.Reason, StringComparison.Ordinal);
        Assert.Equal(status.Reason, status.Contradiction);
    }

    [SkippableFact]
    public async Task Another_history_at_the_same_size_that_a_reorganisation_brings_is_found_as_well()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilAsync(AnchorState.Mined);
        await world.Node.ControlAsync("anvil_reorg", 1, new JsonArray());
        var other = world.OpenAnother(new TestJournal(), new TestLedger(new TestTree("other leaf", 300), 100));
        await world.Node.MineUntilAsync("the other history is anchored", async () => (await other.StepAsync(CancellationToken.None)).State is AnchorState.Mined or AnchorState.Final);

        var status = await world.StepAsync();
        Assert.Equal(AnchorState.NeedsOperator, status.State);
        Assert.Contains("another history", status.Contradiction, StringComparison.Ordinal);
        world.Ledger.GrowTo(200);
        world.Loop.Demand();
        Assert.Equal(AnchorState.NeedsOperator, await world.StateAsync());
        Assert.Equal(2, world.SentCount);
    }

    [SkippableFact]
    public async Task A_chain_that_does_not_tell_what_is_final_never_lets_an_anchor_be_called_so()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Http.Instead = (method, request) => method == "eth_getBlockByNumber" && Tag(request) == "finalized" ? ScriptedHttp.Error(request, "unknown block tag") : null;
        await world.UntilAsync(AnchorState.Mined);
        await world.Node.MineAsync(10);
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.Mined, null, false), (status.State, status.LastFinal, status.IsHealthy));
        Assert.Contains(nameof(AnchorFinding.FinalityUnknown), status.Reason, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Finality_that_stalls_is_waited_for_and_told()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Http.Instead = (method, request) => method == "eth_getBlockByNumber" && Tag(request) == "finalized" ? ScriptedHttp.Result(request, Genesis()) : null;
        await world.UntilAsync(AnchorState.Mined);
        await world.Node.MineAsync(10);
        Assert.True((await world.StepAsync()).IsHealthy);
        world.Clock.Move(world.Settings.FinalWithin + TimeSpan.FromSeconds(1));
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.Mined, true, false), (status.State, status.IsFinalityOverdue, status.IsHealthy));
        world.Http.Instead = null;
        Assert.True((await world.UntilAsync(AnchorState.Final)).IsHealthy);
    }

    [SkippableFact]
    public async Task Finality_that_stalls_while_the_ledger_is_anchored_on_is_told_too()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        world.Http.Instead = (_, request) => request.ToJsonString().Contains("\"finalized\"", StringComparison.Ordinal) ? ScriptedHttp.Error(request, "finality is unknown now") : null;
        foreach (var size in new ulong[] { 200, 300 })
        {
            world.Ledger.GrowTo(size);
            world.Loop.Demand();
            await world.UntilAsync(AnchorState.Broadcast);
            await world.UntilAsync(AnchorState.Mined);
            world.Clock.Move((world.Settings.FinalWithin / 2) + TimeSpan.FromSeconds(1));
        }
        var status = await world.StepAsync();
        Assert.Equal((true, false, 100UL), (status.IsFinalityOverdue, status.IsHealthy, status.LastFinal!.Size.Value));
        world.Http.Instead = null;
        await world.UntilFinalAsync();
        await world.OnlyAnchoredAsync(100, 200, 300);
    }

    [SkippableFact]
    public async Task What_an_earlier_process_found_stands_while_the_node_is_away_and_until_the_chain_is_seen_without_it()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var loop = new AnchorLoop(world.Asked, [], world.Signer, world.Ledger, world.Journal, world.Settings, world.Clock, "found before");
        Assert.Equal(("found before", false), (loop.Status.Contradiction, loop.Status.IsHealthy));
        world.Http.Instead = (_, _) => throw new HttpRequestException("away");
        var away = await loop.StepAsync(CancellationToken.None);
        Assert.Equal((AnchorState.RpcDown, "found before", false, false), (away.State, away.Contradiction, away.IsCompared, away.IsHealthy));
        world.Http.Instead = null;
        var seen = await loop.StepAsync(CancellationToken.None);
        Assert.Equal((AnchorState.Broadcast, null, true, true), (seen.State, seen.Contradiction, seen.IsCompared, seen.IsHealthy));
    }

    [SkippableFact]
    public async Task A_false_receipt_does_not_make_an_anchor_final()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        world.Http.After = (method, answer) =>
        {
            if (method == "eth_getTransactionReceipt" && answer["result"] is JsonObject receipt)
            {
                receipt["blockHash"] = "0x" + new string('a', 64);
                receipt["logs"]![0]!["blockHash"] = "0x" + new string('a', 64);
            }
            return answer;
        };
        await world.UntilAsync(AnchorState.Mined);
        await world.Node.MineAsync(5);
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.Mined, null, false), (status.State, status.LastFinal, status.IsHealthy));
        Assert.Contains(nameof(AnchorFinding.OtherBlock), status.Reason, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_second_node_that_knows_nothing_of_it_keeps_an_anchor_from_being_called_final()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await using var other = await AnchoringWorld.OpenAsync();
        world.Restart(isJournalLost: false, tree: null, other.Node.Chain);
        await world.UntilAsync(AnchorState.Mined);
        await world.Node.MineAsync(5);
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.Mined, null, false), (status.State, status.LastFinal, status.IsHealthy));
        world.Restart(isJournalLost: false, tree: null, world.Node.Chain);
        Assert.True((await world.UntilAsync(AnchorState.Final)).IsHealthy);
    }

    [SkippableFact]
    public async Task A_second_node_that_is_away_holds_up_finality_and_nothing_else()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await using var other = new AnvilNode();
        await other.StartAsync();
        var away = other.Chain;
        await other.StopAsync();
        world.Restart(isJournalLost: false, tree: null, away);
        await world.UntilAsync(AnchorState.Mined);
        world.Ledger.GrowTo(200);
        world.Loop.Demand();
        await world.UntilAsync(AnchorState.Broadcast);
        await world.Node.MineAsync(5);
        var status = await world.UntilAsync(AnchorState.Mined);
        Assert.Equal((200UL, null, false), (status.Anchored.Value, status.LastFinal, status.IsHealthy));
    }

    [SkippableFact]
    public async Task A_journal_of_another_contract_is_left_alone()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.Node.MineByHandAsync();
        await world.UntilAsync(AnchorState.Broadcast);
        world.Settings = world.Settings with { Contract = world.Owner.Address };
        world.Restart();
        var status = await world.StepAsync();
        Assert.Equal((AnchorState.NeedsOperator, null), (status.State, status.InFlight));
    }

    [SkippableFact]
    public async Task A_node_whose_answers_contradict_each_other_is_not_followed()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        await world.UntilFinalAsync();
        world.Restart(isJournalLost: true);
        var none = "0x" + new string('0', 64);
        var selector = Hex.Of(Abi.Selector("rootAt(bytes32,uint64)"));
        world.Http.Instead = (method, request) => method == "eth_call" && request["params"]![0]!["data"]!.GetValue<string>().StartsWith(selector, StringComparison.Ordinal)
            ? ScriptedHttp.Result(request, none)
            : null;
        Assert.Equal(AnchorState.RpcDown, await world.StateAsync());
    }

    private static string? Tag(JsonObject request) => request["params"]![0]!.GetValue<string>();

    private static JsonObject Genesis() => new() { ["number"] = "0x0", ["hash"] = "0x" + new string('0', 64) };

    private sealed class OtherOrigin(IAnchoredTree tree) : IAnchoredTree
    {
        public string Origin => "other.example";

        public TreeSize Size => tree.Size;

        public Hash RootAt(TreeSize size) => tree.RootAt(size);

        public Hash[] Consistency(TreeSize oldSize, TreeSize newSize) => tree.Consistency(oldSize, newSize);
    }
}
