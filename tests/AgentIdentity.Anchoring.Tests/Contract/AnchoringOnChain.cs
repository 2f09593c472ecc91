using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Contract;

/// <summary>Who may anchor what, in each of the modes.</summary>
[Collection(ContractTests.Name)]
public sealed class AnchoringOnChain(AnvilNode node)
{
    private static readonly TestTree Tree = new("leaf", 300);

    [SkippableFact]
    public async Task An_anchored_root_stays_and_is_told_as_an_event()
    {
        var deployed = await Deployed.OpenAsync(node);
        var receipt = await deployed.AnchorAsync(Tree, 100);
        await deployed.AnchorAsync(Tree, 200);

        Assert.Equal((Tree.Root(100), Tree.Root(200), null), (await deployed.RootAsync(100), await deployed.RootAsync(200), await deployed.RootAsync(150)));
        Assert.Equal(new TreeSize(200), (await deployed.StateAsync())!.Size);
        var anchor = deployed.Contract.AnchorIn(receipt, Deployed.Log)!;
        Assert.Equal((new TreeSize(100), Tree.Root(100), receipt.Transaction), (anchor.Size, anchor.Root, anchor.Transaction));
        var found = await deployed.Contract.AnchorsAsync(Deployed.Log, size: null, 0, receipt.BlockNumber + 1, CancellationToken.None);
        Assert.Equal([100UL, 200UL], found.Select(one => one.Size.Value));
        Assert.Equal(anchor, Assert.Single(await deployed.Contract.AnchorsAsync(Deployed.Log, new TreeSize(100), 0, receipt.BlockNumber, CancellationToken.None)));
    }

    [SkippableFact]
    public async Task Sizes_only_grow_and_by_no_more_than_a_step()
    {
        var deployed = await Deployed.OpenAsync(node, stepBits: 7);
        await Deployed.RefusedAsync("StepTooLarge", () => deployed.AnchorAsync(Tree, 129));
        await deployed.AnchorAsync(Tree, 128);
        await Deployed.RefusedAsync("SizeNotGrowing", () => deployed.AnchorAsync(Tree, 128));
        await Deployed.RefusedAsync("SizeNotGrowing", () => deployed.AnchorAsync(Tree, 127));
        await Deployed.RefusedAsync("SizeNotGrowing", () => deployed.AsSequencerAsync(AnchorContract.Anchor(Deployed.Log, new TreeSize(ulong.MaxValue), Tree.Root(1))));
        await Deployed.RefusedAsync("StepTooLarge", () => deployed.AsSequencerAsync(AnchorContract.Anchor(Deployed.Log, TreeSize.Max, Tree.Root(1))));
        await Deployed.RefusedAsync("ZeroRoot", () => deployed.AsSequencerAsync(AnchorContract.Anchor(Deployed.Log, new TreeSize(129), default)));
        await Deployed.RefusedAsync("StepTooLarge", () => deployed.AnchorAsync(Tree, 257));
        await deployed.AsOwnerAsync(AnchorContract.SetStep(Deployed.Log, 8));
        await deployed.AnchorAsync(Tree, 257);
    }

    [SkippableFact]
    public async Task Nobody_anchors_but_the_sequencer_that_is_named_now()
    {
        var deployed = await Deployed.OpenAsync(node);
        var next = await Deployed.AccountAsync(node);
        var call = AnchorContract.Anchor(Deployed.Log, new TreeSize(5), Tree.Root(5));
        await Deployed.RefusedAsync("NotSequencer", () => deployed.AsOwnerAsync(call));
        await deployed.AsOwnerAsync(AnchorContract.SetSequencer(Deployed.Log, next.Address));
        await Deployed.RefusedAsync("NotSequencer", () => deployed.AsSequencerAsync(call));
        await next.ExecuteAsync(deployed.Contract.Address, call, CancellationToken.None);
        await Deployed.RefusedAsync("NotSequencer", () => next.ExecuteAsync(deployed.Contract.Address, AnchorContract.Anchor(default, new TreeSize(5), Tree.Root(5)), CancellationToken.None));
    }

    [SkippableFact]
    public async Task A_log_in_consistent_mode_takes_what_extends_it_and_refuses_a_rewrite_even_from_its_own_sequencer()
    {
        var deployed = await Deployed.OpenAsync(node, isConsistent: true);
        var rewritten = new TestTree("other leaf", 300);
        await Deployed.RefusedAsync("ProofNeeded", () => deployed.AnchorAsync(Tree, 100));
        await Deployed.RefusedAsync("NotConsistent", () => deployed.AsSequencerAsync(AnchorContract.AnchorConsistent(Deployed.Log, new TreeSize(100), Tree.Root(100), Tree.Consistency(50, 100))));
        await deployed.AnchorConsistentAsync(Tree, 0, 100);
        await Deployed.RefusedAsync("NotConsistent", () => deployed.AnchorConsistentAsync(rewritten, 100, 200));
        await Deployed.RefusedAsync("NotConsistent", () => deployed.AnchorConsistentAsync(Tree, 99, 200));
        await Deployed.RefusedAsync("NotConsistent", () => deployed.AsSequencerAsync(AnchorContract.AnchorConsistent(Deployed.Log, new TreeSize(200), Tree.Root(200), [])));
        await Deployed.RefusedAsync("SizeNotGrowing", () => deployed.AnchorConsistentAsync(Tree, 100, 100));
        await deployed.AnchorConsistentAsync(Tree, 100, 200);
        Assert.Equal(Tree.Root(200), await deployed.RootAsync(200));
    }

    [SkippableFact]
    public async Task Consistent_mode_begins_when_the_owner_says_so_and_does_not_end()
    {
        var deployed = await Deployed.OpenAsync(node);
        await deployed.AnchorAsync(Tree, 100);
        await deployed.AnchorConsistentAsync(Tree, 100, 130);
        await Deployed.RefusedAsync("NotOwner", () => deployed.AsSequencerAsync(AnchorContract.RequireConsistency(Deployed.Log)));
        await deployed.AsOwnerAsync(AnchorContract.RequireConsistency(Deployed.Log));
        await Deployed.RefusedAsync("ProofNeeded", () => deployed.AnchorAsync(Tree, 200));
        await deployed.AnchorConsistentAsync(Tree, 130, 200);
        await Deployed.RefusedAsync("LogExists", () => deployed.AsOwnerAsync(AnchorContract.OpenLog(Deployed.Log, deployed.Sequencer.Address, 20, isConsistent: false)));
        Assert.True((await deployed.StateAsync())!.IsConsistent);
    }

    [SkippableFact]
    public async Task A_closed_log_names_its_successor_takes_nothing_more_and_is_still_answered_for()
    {
        var deployed = await Deployed.OpenAsync(node);
        var successor = AnchorContract.NameOf("log.example/agents-2");
        await deployed.AnchorAsync(Tree, 100);
        await Deployed.RefusedAsync("NoSuchLog", () => deployed.AsOwnerAsync(AnchorContract.DeclareSuccessor(Deployed.Log, successor)));
        await deployed.AsOwnerAsync(AnchorContract.OpenLog(successor, deployed.Sequencer.Address, 20, isConsistent: true));
        await Deployed.RefusedAsync("LogExists", () => deployed.AsOwnerAsync(AnchorContract.DeclareSuccessor(successor, successor)));
        await deployed.AsOwnerAsync(AnchorContract.DeclareSuccessor(Deployed.Log, successor));

        await Deployed.RefusedAsync("NotSequencer", () => deployed.AnchorAsync(Tree, 200));
        await Deployed.RefusedAsync("LogClosed", () => deployed.AsOwnerAsync(AnchorContract.SetSequencer(Deployed.Log, deployed.Sequencer.Address)));
        await Deployed.RefusedAsync("LogClosed", () => deployed.AsOwnerAsync(AnchorContract.DeclareSuccessor(successor, Deployed.Log)));
        Assert.True(await deployed.IncludesAsync(100, 7, Tree.LeafHash(7), Tree.Inclusion(7, 100)));
    }

    [SkippableFact]
    public async Task Ownership_changes_hands_when_the_other_side_accepts()
    {
        var deployed = await Deployed.OpenAsync(node);
        var next = await Deployed.AccountAsync(node);
        Task<ChainReceipt> AsNext(byte[] call) => next.ExecuteAsync(deployed.Contract.Address, call, CancellationToken.None);

        await Deployed.RefusedAsync("NotPendingOwner", () => AsNext(AnchorContract.AcceptOwnership()));
        await Deployed.RefusedAsync("NotOwner", () => AsNext(AnchorContract.OfferOwnership(next.Address)));
        await deployed.AsOwnerAsync(AnchorContract.OfferOwnership(next.Address));
        await deployed.AsOwnerAsync(AnchorContract.SetStep(Deployed.Log, 10));
        await Deployed.RefusedAsync("NotOwner", () => AsNext(AnchorContract.SetStep(Deployed.Log, 11)));
        await AsNext(AnchorContract.AcceptOwnership());
        await AsNext(AnchorContract.SetStep(Deployed.Log, 11));
        await Deployed.RefusedAsync("NotOwner", () => deployed.AsOwnerAsync(AnchorContract.SetStep(Deployed.Log, 12)));
        await Deployed.RefusedAsync("NotPendingOwner", () => AsNext(AnchorContract.AcceptOwnership()));
    }

    [SkippableFact]
    public async Task A_node_that_names_another_contract_than_was_created_is_not_believed()
    {
        var key = await node.NewRichKeyAsync();
        using var script = new ScriptedHttp();
        script.After = (method, answer) =>
        {
            if (method == "eth_getTransactionReceipt" && answer["result"] is System.Text.Json.Nodes.JsonObject receipt)
                receipt["contractAddress"] = key.Signer.Address.ToString();
            return answer;
        };
        using var http = new HttpClient(script);
        var account = new ChainAccount(new JsonRpcChain(http, node.Url), key.Signer, 31337, FeeLimits.Default, TimeProvider.System);
        var refusal = await Assert.ThrowsAsync<ChainException>(() => account.ExecuteAsync(to: null, AnchorContract.Creation(account.Address), CancellationToken.None));
        Assert.Equal(ChainFault.Malformed, refusal.Fault);
    }

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(255)]
    public async Task A_step_that_is_none_is_refused(int stepBits)
    {
        var deployed = await Deployed.OpenAsync(node);
        await Deployed.RefusedAsync("BadStep", () => deployed.AsOwnerAsync(AnchorContract.SetStep(Deployed.Log, stepBits)));
    }
}
