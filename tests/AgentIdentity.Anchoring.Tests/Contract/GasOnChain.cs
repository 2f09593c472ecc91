using System.Text.Json;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;
using Xunit.Abstractions;

namespace AgentIdentity.Anchoring.Tests.Contract;

/// <summary>What each call costs. The bounds are those of docs/ethereum.md, where the table stands.</summary>
[Collection(ContractTests.Name)]
public sealed class GasOnChain(AnvilNode node, ITestOutputHelper output)
{
    private static TestTree Tree => TestTree.Shared;

    [SkippableFact]
    public async Task An_anchor_without_a_proof_takes_at_most_52600()
    {
        var deployed = await Deployed.OpenAsync(node);
        output.WriteLine($"deployment: {deployed.DeploymentGas}");
        var (first, second) = (await deployed.AnchorAsync(Tree, 500_000), await deployed.AnchorAsync(Tree, 1_000_000));
        output.WriteLine($"anchor: {first.GasUsed}, then {second.GasUsed}");
        Assert.InRange(Math.Max(first.GasUsed, second.GasUsed), 1UL, 52_600UL);
    }

    // The longest proof at about a million leaves, one such as an anchor after each ten thousand entries has, and the shortest.
    [SkippableTheory]
    [InlineData(524_287, 1_000_000, 81_300)]
    [InlineData(990_000, 1_000_000, 74_000)]
    [InlineData(524_288, 1_000_000, 58_000)]
    public async Task An_anchor_with_a_proof_takes_what_the_table_says(ulong old, ulong size, ulong gasMax)
    {
        var deployed = await Deployed.OpenAsync(node, isConsistent: true);
        await deployed.AnchorConsistentAsync(Tree, 0, old);
        var receipt = await deployed.AnchorConsistentAsync(Tree, old, size);
        output.WriteLine($"from {old} to {size}, {Tree.Consistency(old, size).Length} hashes: {receipt.GasUsed}");
        Assert.InRange(receipt.GasUsed, 1UL, gasMax);
    }

    [SkippableFact]
    public async Task Three_witnesses_of_five_take_what_the_table_says()
    {
        using var witnesses = new TestWitnesses(5);
        var deployed = await Deployed.OpenAsync(node);
        await deployed.AsOwnerAsync(AnchorContract.SetWitnesses(Deployed.Log, witnesses.Addresses, 3));
        var words = await witnesses.SignAsync(deployed.Contract, Deployed.Log, new TreeSize(1_000_000), Tree.Root(1_000_000), 0, 2, 4);
        var receipt = await deployed.AsSequencerAsync(AnchorContract.AnchorWitnessed(Deployed.Log, new TreeSize(1_000_000), Tree.Root(1_000_000), [], words));
        output.WriteLine($"anchorWitnessed, 3 of 5: {receipt.GasUsed}");
        Assert.InRange(receipt.GasUsed, 1UL, 81_100UL);
    }

    [SkippableFact]
    public async Task A_contract_that_asks_at_a_million_leaves_pays_at_most_17700()
    {
        var deployed = await Deployed.OpenAsync(node);
        await deployed.AnchorAsync(Tree, 1_000_000);
        var probe = (await deployed.Owner.ExecuteAsync(to: null, ProbeCode(), CancellationToken.None)).Created!;
        var costs = new List<ulong>();
        foreach (var index in new ulong[] { 0, 333_333, 999_999 })
        {
            var call = Abi.Call("measure(address,bytes32,uint64,uint64,bytes32,bytes32[])",
                deployed.Contract.Address, Deployed.Log, 1_000_000UL, index, Tree.LeafHash(index), AbiValue.List(Tree.Inclusion(index, 1_000_000)));
            var answer = await node.Chain.CallAsync(probe, call, BlockTag.Latest, CancellationToken.None);
            Assert.True(Abi.ReadBool(answer, 0));
            costs.Add(Abi.ReadNumber(answer, 1));
        }
        output.WriteLine($"verifyInclusion from a contract: {string.Join(", ", costs)}");
        Assert.InRange(costs.Max(), 1UL, 17_700UL);
    }

    private static byte[] ProbeCode()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Contracts, "compiled/InclusionProbe.json")));
        return document.RootElement.Member("bytecode").Bytes();
    }
}
