using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Contract;

/// <summary>A log whose checkpoints three of five witnesses must have signed.</summary>
[Collection(ContractTests.Name)]
public sealed class WitnessesOnChain(AnvilNode node) : IDisposable
{
    private static readonly TestTree Tree = new("leaf", 300);
    private readonly TestWitnesses _witnesses = new(5);

    public void Dispose() => _witnesses.Dispose();

    [SkippableFact]
    public async Task Three_of_five_are_enough_and_two_are_not()
    {
        var deployed = await OpenAsync(isConsistent: false);
        await Deployed.RefusedAsync("WitnessesNeeded", () => deployed.AnchorAsync(Tree, 100));
        await Deployed.RefusedAsync("WitnessesNeeded", () => deployed.AnchorConsistentAsync(Tree, 0, 100));
        await Deployed.RefusedAsync("WitnessesNeeded", () => AnchorAsync(deployed, 100, 0, 4));
        await AnchorAsync(deployed, 100, 0, 2, 4);
        await AnchorAsync(deployed, 200, 0, 1, 2, 3, 4);
        Assert.Equal(Tree.Root(200), await deployed.RootAsync(200));
    }

    [SkippableFact]
    public async Task Nobody_counts_twice_and_nobody_else_counts()
    {
        var deployed = await OpenAsync(isConsistent: false);
        await Deployed.RefusedAsync("BadWitnessSignature", () => AnchorAsync(deployed, 100, 0, 1, 1));
        await Deployed.RefusedAsync("BadWitnessSignature", () => AnchorAsync(deployed, 100, 2, 1, 0));
        var words = await WordsAsync(deployed, 100, 0, 1, 2);
        await Deployed.RefusedAsync("BadWitnessSignature", () => AnchorAsync(deployed, 100, [words[0], words[1], words[2] with { Index = 3 }]));
        await Deployed.RefusedAsync("BadWitnessSignature", () => AnchorAsync(deployed, 100, [words[0], words[1], words[2] with { Index = 5 }]));
        await Deployed.RefusedAsync("BadWitnessSignature", () => AnchorAsync(deployed, 101, words));
        await Deployed.RefusedAsync("BadWitnessSignature", () => AnchorAsync(deployed, 100, [words[0], words[1], words[2] with { R = words[1].R }]));
    }

    // The last s of the lower half and the first of the upper: whoever they are the signatures of is named as a witness, so that nothing but the half is wrong.
    [SkippableTheory]
    [InlineData("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", true)]
    [InlineData("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1", false)]
    public async Task A_signature_whose_s_is_of_the_upper_half_is_refused(string s, bool isAccepted)
    {
        var deployed = await Deployed.OpenAsync(node);
        var (r, vs) = (Hash.Read(Convert.FromHexString("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")), Hash.Read(Convert.FromHexString(s)));
        var hash = await deployed.Contract.CheckpointHashAsync(Deployed.Log, new TreeSize(100), Tree.Root(100), CancellationToken.None);
        var recovered = await node.Chain.CallAsync(Address.Parse("0x0000000000000000000000000000000000000001"), Abi.Encode(hash, 27UL, r, vs), BlockTag.Latest, CancellationToken.None);
        await deployed.AsOwnerAsync(AnchorContract.SetWitnesses(Deployed.Log, [Abi.ReadAddress(recovered, 0)], 1));

        Task<ChainReceipt> Anchor() => AnchorAsync(deployed, 100, [new WitnessWord(0, r, vs)]);
        if (isAccepted)
            await Anchor();
        else
            await Deployed.RefusedAsync("BadWitnessSignature", Anchor);
    }

    [SkippableFact]
    public async Task Witnesses_do_not_replace_the_proof()
    {
        var deployed = await OpenAsync(isConsistent: true);
        await AnchorAsync(deployed, 100, 0, 1, 2);
        await Deployed.RefusedAsync("NotConsistent", () => AnchorAsync(deployed, 200, 0, 1, 2));
        var words = await WordsAsync(deployed, 200, 0, 1, 2);
        await deployed.AsSequencerAsync(AnchorContract.AnchorWitnessed(Deployed.Log, new TreeSize(200), Tree.Root(200), Tree.Consistency(100, 200), words));
    }

    [SkippableFact]
    public async Task A_word_for_one_contract_says_nothing_to_another()
    {
        var (one, other) = (await OpenAsync(isConsistent: false), await OpenAsync(isConsistent: false));
        var words = await WordsAsync(one, 100, 0, 1, 2);
        await Deployed.RefusedAsync("BadWitnessSignature", () => AnchorAsync(other, 100, words));
        await AnchorAsync(one, 100, words);
    }

    [SkippableFact]
    public async Task A_set_of_witnesses_that_is_none_is_refused()
    {
        var deployed = await Deployed.OpenAsync(node);
        var list = _witnesses.Addresses;
        await Deployed.RefusedAsync("BadWitnessSet", () => deployed.AsOwnerAsync(AnchorContract.SetWitnesses(Deployed.Log, list, 6)));
        await Deployed.RefusedAsync("BadWitnessSet", () => deployed.AsOwnerAsync(AnchorContract.SetWitnesses(Deployed.Log, Enumerable.Reverse(list), 3)));
        await Deployed.RefusedAsync("BadWitnessSet", () => deployed.AsOwnerAsync(AnchorContract.SetWitnesses(Deployed.Log, [list[0], list[0]], 1)));
        await Deployed.RefusedAsync("BadWitnessSet", () => deployed.AsOwnerAsync(AnchorContract.SetWitnesses(Deployed.Log, [Address.Zero], 1)));
        await Deployed.RefusedAsync("NotOwner", () => deployed.AsSequencerAsync(AnchorContract.SetWitnesses(Deployed.Log, [], 0)));
    }

    private async Task<Deployed> OpenAsync(bool isConsistent)
    {
        var deployed = await Deployed.OpenAsync(node, isConsistent);
        await deployed.AsOwnerAsync(AnchorContract.SetWitnesses(Deployed.Log, _witnesses.Addresses, 3));
        return deployed;
    }

    private async Task<ChainReceipt> AnchorAsync(Deployed deployed, ulong size, params int[] signers) => await AnchorAsync(deployed, size, await WordsAsync(deployed, size, signers));

    private static Task<ChainReceipt> AnchorAsync(Deployed deployed, ulong size, WitnessWord[] words) =>
        deployed.AsSequencerAsync(AnchorContract.AnchorWitnessed(Deployed.Log, new TreeSize(size), Tree.Root(size), [], words));

    private Task<WitnessWord[]> WordsAsync(Deployed deployed, ulong size, params int[] signers) =>
        _witnesses.SignAsync(deployed.Contract, Deployed.Log, new TreeSize(size), Tree.Root(size), signers);
}
