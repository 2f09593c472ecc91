using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Contract;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>An auditor asks a real node about an anchor that is there and final, and each answer that is not so is named.</summary>
public sealed class LyingNodes
{
    private static readonly string OtherHash = "0x" + new string('a', 64);

    [SkippableFact]
    public async Task Each_lie_has_its_name_and_the_truth_is_confirmed()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var final = (await world.UntilFinalAsync()).LastFinal!;
        Assert.Equal(AnchorFinding.Confirmed, await AskAsync(world, final));

        await LieAsync(world, final, AnchorFinding.OtherChain, "eth_chainId", _ => "0x1");
        await LieAsync(world, final, AnchorFinding.NoContract, "eth_getCode", _ => "0x");
        await LieAsync(world, final, AnchorFinding.OtherCode, "eth_getCode", code => code!.GetValue<string>()[..^2] + "00");
        await LieAsync(world, final, AnchorFinding.OtherBlock, "eth_getBlockByNumber", block => With(block, "hash", OtherHash));
        await LieAsync(world, final, AnchorFinding.OtherBlock, "eth_getBlockByNumber", _ => null);
        await LieAsync(world, final, AnchorFinding.NoEvent, "eth_getTransactionReceipt", _ => null);
        await LieAsync(world, final, AnchorFinding.NoEvent, "eth_getTransactionReceipt", receipt => With(receipt, "status", "0x0"));
        await LieAsync(world, final, AnchorFinding.NoEvent, "eth_getTransactionReceipt", receipt => With(receipt, "logs", new JsonArray()));
        await LieAsync(world, final, AnchorFinding.OtherRoot, "eth_call", _ => OtherHash);
        await LieAsync(world, final, AnchorFinding.OtherRoot, "eth_call", _ => "0x");
    }

    [SkippableTheory]
    [InlineData("address", "0x00000000000000000000000000000000000000aa")]
    [InlineData("data", "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("blockNumber", "0x1")]
    [InlineData("blockHash", "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("transactionHash", "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("logIndex", "0x9")]
    public async Task A_receipt_whose_event_differs_in_anything_is_none_of_it(string member, string value)
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var final = (await world.UntilFinalAsync()).LastFinal!;
        await LieAsync(world, final, AnchorFinding.NoEvent, "eth_getTransactionReceipt", receipt =>
        {
            receipt!["logs"]![0]![member] = value;
            return receipt;
        });
    }

    [SkippableFact]
    public async Task A_claim_that_differs_from_the_chain_in_anything_is_not_confirmed()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var final = (await world.UntilFinalAsync()).LastFinal!;
        Assert.Equal(AnchorFinding.NoEvent, await AskAsync(world, final with { Size = new TreeSize(99) }));
        Assert.Equal(AnchorFinding.NoEvent, await AskAsync(world, final with { Root = Sha256.Hash("another"u8) }));
        Assert.Equal(AnchorFinding.NoEvent, await AskAsync(world, final with { EventIndex = 1 }));
        Assert.Equal(AnchorFinding.NoEvent, await AskAsync(world, final with { Transaction = ChainHash.Parse(OtherHash) }));
        Assert.Equal(AnchorFinding.OtherBlock, await AskAsync(world, final with { BlockNumber = final.BlockNumber - 1 }));
        Assert.Equal(AnchorFinding.OtherBlock, await AskAsync(world, final with { BlockHash = ChainHash.Parse(OtherHash) }));
    }

    [SkippableFact]
    public async Task What_is_not_final_or_of_a_chain_that_does_not_tell_is_not_confirmed()
    {
        await using var world = await AnchoringWorld.OpenAsync();
        var mined = (await world.UntilAsync(AnchorState.Mined)).LastMined!;
        Assert.Equal(AnchorFinding.NotFinal, await AskAsync(world, mined));
        world.Http.Instead = (_, request) => request["params"]!.ToJsonString().Contains("finalized", StringComparison.Ordinal) ? ScriptedHttp.Error(request, "unknown block tag") : null;
        Assert.Equal(AnchorFinding.FinalityUnknown, await AskAsync(world, mined));
    }

    private static async Task LieAsync(AnchoringWorld world, AnchoredCheckpoint claimed, AnchorFinding expected, string method, Func<JsonNode?, JsonNode?> lie)
    {
        world.Http.After = (called, answer) =>
        {
            if (called == method)
                answer["result"] = lie(answer["result"]?.DeepClone());
            return answer;
        };
        Assert.Equal(expected, await AskAsync(world, claimed));
        world.Http.After = null;
    }

    private static JsonNode? With(JsonNode? owner, string member, JsonNode value)
    {
        owner![member] = value;
        return owner;
    }

    private static Task<AnchorFinding> AskAsync(AnchoringWorld world, AnchoredCheckpoint claimed) =>
        new AnchorCheck(world.Asked, 31337, world.Contract.Address, Deployed.Log).CheckAsync(claimed, CancellationToken.None);
}
