using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Contract;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>A real node that holds the key itself and signs with <c>eth_signTransaction</c>: what it gives is what was asked for, byte for byte, and the chain takes it.</summary>
public sealed class AnchorsOfARemoteSigner
{
    [SkippableFact]
    public async Task A_contract_is_deployed_and_a_ledger_anchored_with_a_key_that_the_node_holds()
    {
        await using var node = await StartAsync();
        var account = Address.Parse((await node.ControlAsync("eth_accounts"))[0].GetString());
        using var http = new HttpClient();
        var signer = new RemoteSigner(http, node.Url, account);
        var owner = new ChainAccount(node.Chain, signer, 31337, FeeLimits.Default, TimeProvider.System);
        var created = await owner.ExecuteAsync(to: null, AnchorContract.Creation(account), CancellationToken.None);
        await owner.ExecuteAsync(created.Created, AnchorContract.OpenLog(Deployed.Log, account, 20, isConsistent: true), CancellationToken.None);

        var ledger = new TestLedger(AnchoringWorld.Tree, 100);
        var loop = new AnchorLoop(node.Chain, [], signer, ledger, new TestJournal(), AnchorSettings.Default(31337, created.Created!), TimeProvider.System);
        while ((await loop.StepAsync(CancellationToken.None)).State != AnchorState.Final)
            await node.MineAsync();
        Assert.Equal((100UL, AnchoringWorld.Tree.Root(100)), (loop.Status.LastFinal!.Size.Value, loop.Status.LastFinal.Root));
    }

    [SkippableFact]
    public async Task What_it_signs_is_the_transaction_that_was_asked_for_byte_for_byte()
    {
        await using var node = await StartAsync();
        var account = Address.Parse((await node.ControlAsync("eth_accounts"))[0].GetString());
        using var http = new HttpClient();
        var asked = new Transaction(31337, 7, 1_000_000_000, 30_000_000_000, 60_000, account, [0, 1, 2, 255]);
        var signed = await new RemoteSigner(http, node.Url, account).SignAsync(asked, CancellationToken.None);
        Assert.Equal(account, signed.Sender);
        Assert.Equal(asked.SigningHash(), signed.Transaction.SigningHash());
    }

    [SkippableFact]
    public async Task An_account_that_it_does_not_hold_and_a_chain_that_is_not_its_own_get_no_signature()
    {
        await using var node = await StartAsync();
        var account = Address.Parse((await node.ControlAsync("eth_accounts"))[0].GetString());
        using var http = new HttpClient();
        var asked = new Transaction(31337, 0, 1_000_000_000, 30_000_000_000, 60_000, account, []);
        await Assert.ThrowsAsync<SigningException>(() => new RemoteSigner(http, node.Url, Address.Of(new byte[20])).SignAsync(asked, CancellationToken.None));
        await Assert.ThrowsAsync<SigningException>(() => new RemoteSigner(http, node.Url, account).SignAsync(asked with { ChainId = 1 }, CancellationToken.None));
    }

    private static async Task<AnvilNode> StartAsync()
    {
        var node = new AnvilNode();
        _ = node.Chain;
        await node.StartAsync("--accounts", "1");
        return node;
    }
}
