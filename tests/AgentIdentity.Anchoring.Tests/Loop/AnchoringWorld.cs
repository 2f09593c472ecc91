using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Contract;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>A chain with a contract, a ledger of 100 entries, and a loop between them whose requests a test can lose, change and count.</summary>
internal sealed class AnchoringWorld : IAsyncDisposable
{
    public static readonly TestTree Tree = new("leaf", 1000);

    private readonly HttpClient _http;
    private readonly TestKey _key;

    private AnchoringWorld(AnvilNode node, TestKey key, ChainAccount owner, Address contract)
    {
        (Node, _key, Owner) = (node, key, owner);
        Contract = new AnchorContract(node.Chain, contract);
        _http = new HttpClient(Http);
        Settings = AnchorSettings.Default(31337, contract);
        Loop = Restart();
    }

    public AnvilNode Node { get; }

    public ScriptedHttp Http { get; } = new();

    /// <summary>The contract's owner, who pays enough to come first in a block.</summary>
    public ChainAccount Owner { get; }

    public AnchorContract Contract { get; }

    public AnchorSettings Settings { get; set; }

    public TestLedger Ledger { get; } = new(Tree, 100);

    public TestJournal Journal { get; private set; } = new();

    public TestClock Clock { get; } = new();

    public AnchorLoop Loop { get; private set; }

    public Address Sequencer => _key.Signer.Address;

    public int SentCount => Http.Called.Count(method => method == "eth_sendRawTransaction");

    public ISigner Signer => _key.Signer;

    /// <summary>The node, as far as a test lets it be heard.</summary>
    public IChain Asked => new JsonRpcChain(_http, Node.Url);

    public static async Task<AnchoringWorld> OpenAsync(bool isConsistent = false, int stepBits = 20, params string[] nodeArguments)
    {
        var node = new AnvilNode();
        _ = node.Chain;
        await node.StartAsync(nodeArguments);
        var (ownerKey, key) = (await node.NewRichKeyAsync(), await node.NewRichKeyAsync());
        var owner = Deployed.Account(node, ownerKey);
        var receipt = await owner.ExecuteAsync(to: null, AnchorContract.Creation(owner.Address), CancellationToken.None);
        await owner.ExecuteAsync(receipt.Created, AnchorContract.OpenLog(Deployed.Log, key.Signer.Address, stepBits, isConsistent), CancellationToken.None);
        var hurriedOwner = new ChainAccount(node.Chain, ownerKey.Signer, 31337, new FeeLimits(200_000_000_000, TipFloorWei: 50_000_000_000), TimeProvider.System);
        return new AnchoringWorld(node, key, hurriedOwner, receipt.Created!);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        Http.Dispose();
        await Node.DisposeAsync();
    }

    /// <summary>A new process on the same journal, or on an empty one.</summary>
    public AnchorLoop Restart(bool isJournalLost = false, IAnchoredTree? tree = null, params IChain[] others)
    {
        if (isJournalLost)
            Journal = new TestJournal();
        return Loop = new AnchorLoop(Asked, others, _key.Signer, tree ?? Ledger, Journal, Settings, Clock);
    }

    /// <summary>Another process with the same key, which knows nothing of ours.</summary>
    public AnchorLoop OpenAnother(IAnchorJournal journal, IAnchoredTree? tree = null) => new(Asked, [], _key.Signer, tree ?? Ledger, journal, Settings, Clock);

    public Task<AnchorStatus> StepAsync() => Loop.StepAsync(CancellationToken.None);

    public async Task<AnchorState> StateAsync() => (await StepAsync()).State;

    /// <summary>Steps until a state is reached; the node mines by itself in another thread, and may take its time. Mined means found too: for a moment a node has the state of a block and not yet the block.</summary>
    public async Task<AnchorStatus> UntilAsync(AnchorState state)
    {
        for (var i = 0; i < 1_500; i++)
        {
            if (await StepAsync() is { } status && status.State == state && (state != AnchorState.Mined || status.LastMined is not null))
                return status;
            await Task.Delay(20);
        }
        throw new TimeoutException($"{state} is not reached; the loop is at {Loop.Status}.");
    }

    /// <summary>Makes one block of what waits, and sees it.</summary>
    public async Task<AnchorStatus> UntilMinedAsync()
    {
        await Node.MineAsync();
        return await UntilAsync(AnchorState.Mined);
    }

    /// <summary>Waits until so many transactions wait at the node.</summary>
    public async Task UntilPooledAsync(uint count)
    {
        for (var i = 0; i < 1_500; i++)
        {
            if ((await Node.ControlAsync("txpool_status")).Member("pending").Number() >= count)
                return;
            await Task.Delay(20);
        }
        throw new TimeoutException($"{count} transactions do not come to wait at the node.");
    }

    /// <summary>Steps to final, with the blocks that this takes.</summary>
    public async Task<AnchorStatus> UntilFinalAsync()
    {
        await UntilAsync(AnchorState.Mined);
        await Node.MineAsync(3);
        return await UntilAsync(AnchorState.Final);
    }

    /// <summary>Asserts that the chain as it is now has these anchors and no others, each with the ledger's root.</summary>
    public async Task OnlyAnchoredAsync(params ulong[] sizes)
    {
        var newest = await Node.Chain.BlockAsync(BlockTag.Latest, CancellationToken.None);
        var anchors = await Contract.AnchorsAsync(Deployed.Log, size: null, 0, newest!.Number, CancellationToken.None);
        Assert.Equal(sizes.Select(size => (size, Tree.Root(size))), anchors.Select(anchor => (anchor.Size.Value, anchor.Root)));
    }

    public Task<ulong> NonceAsync() => Node.Chain.NonceAsync(Sequencer, CancellationToken.None);

    public Task SetNextBaseFeeAsync(ulong gwei) => Node.ControlAsync("anvil_setNextBlockBaseFeePerGas", Hex.Quantity((UInt128)gwei * 1_000_000_000));

    /// <summary>Lets a method fail in the words of some node, as often as asked.</summary>
    public void Refuse(string method, string words, int times = int.MaxValue)
    {
        Http.Instead = (called, request) => called == method && times-- > 0 ? ScriptedHttp.Error(request, words) : null;
    }

    /// <summary>Answers a method with a value of the test's own, as often as asked.</summary>
    public void Answer(string method, Func<JsonObject, JsonNode?> answer, int times = int.MaxValue)
    {
        Http.Instead = (called, request) => called == method && times-- > 0 ? ScriptedHttp.Result(request, answer(request)) : null;
    }
}
