using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Contract;

/// <summary>One node for all tests of the contract; each test has a contract of its own.</summary>
[CollectionDefinition(Name)]
public sealed class ContractTests : ICollectionFixture<AnvilNode>
{
    public const string Name = "contract";
}

/// <summary>A deployed contract, its owner, and the sequencer of a log.</summary>
internal sealed class Deployed
{
    public static readonly Hash Log = AnchorContract.NameOf("log.example/agents");

    private readonly AnvilNode _node;

    private Deployed(AnvilNode node, ChainAccount owner, ChainAccount sequencer, AnchorContract contract, ulong deploymentGas)
    {
        _node = node;
        Owner = owner;
        Sequencer = sequencer;
        Contract = contract;
        DeploymentGas = deploymentGas;
    }

    public ChainAccount Owner { get; }

    public ChainAccount Sequencer { get; }

    public AnchorContract Contract { get; }

    public ulong DeploymentGas { get; }

    /// <summary>Deploys the contract and opens <see cref="Log"/>.</summary>
    public static async Task<Deployed> OpenAsync(AnvilNode node, bool isConsistent = false, int stepBits = 20)
    {
        var (owner, sequencer) = (await AccountAsync(node), await AccountAsync(node));
        var receipt = await owner.ExecuteAsync(to: null, AnchorContract.Creation(owner.Address), CancellationToken.None);
        var deployed = new Deployed(node, owner, sequencer, new AnchorContract(node.Chain, receipt.Created!), receipt.GasUsed);
        await deployed.AsOwnerAsync(AnchorContract.OpenLog(Log, sequencer.Address, stepBits, isConsistent));
        return deployed;
    }

    public static async Task<ChainAccount> AccountAsync(AnvilNode node) => Account(node, await node.NewRichKeyAsync());

    public static ChainAccount Account(AnvilNode node, TestKey key) => new(node.Chain, key.Signer, 31337, FeeLimits.Default, TimeProvider.System);

    public Task<ChainReceipt> AsOwnerAsync(byte[] call) => Owner.ExecuteAsync(Contract.Address, call, CancellationToken.None);

    public Task<ChainReceipt> AsSequencerAsync(byte[] call) => Sequencer.ExecuteAsync(Contract.Address, call, CancellationToken.None);

    public Task<ChainReceipt> AnchorAsync(TestTree tree, ulong size) => AsSequencerAsync(AnchorContract.Anchor(Log, new TreeSize(size), tree.Root(size)));

    public Task<ChainReceipt> AnchorConsistentAsync(TestTree tree, ulong oldSize, ulong size) =>
        AsSequencerAsync(AnchorContract.AnchorConsistent(Log, new TreeSize(size), tree.Root(size), tree.Consistency(oldSize, size)));

    public Task<AnchoredLog?> StateAsync() => Contract.FindLogAsync(Log, BlockTag.Latest, CancellationToken.None);

    public Task<Hash?> RootAsync(ulong size) => Contract.FindRootAsync(Log, new TreeSize(size), BlockTag.Latest, CancellationToken.None);

    public Task<bool> IncludesAsync(ulong size, ulong index, Hash leafHash, IEnumerable<Hash> proof) =>
        Contract.VerifyInclusionAsync(Log, new TreeSize(size), new LeafIndex(index), leafHash, proof, CancellationToken.None);

    /// <summary>Asserts that the contract refuses a call, before anything is paid, with this error.</summary>
    public static async Task RefusedAsync(string error, Func<Task> call)
    {
        var refusal = await Assert.ThrowsAsync<ChainException>(call);
        Assert.Equal((ChainFault.Reverted, error), (refusal.Fault, AnchorContract.ErrorOf(refusal)));
    }
}
