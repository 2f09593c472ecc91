using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Contract;

/// <summary>The contract's own reading of RFC 9162 against ours: every good proof is accepted, every damaged one refused.</summary>
[Collection(ContractTests.Name)]
public sealed class ProofsOnChain(AnvilNode node)
{
    // The shapes of trees: one leaf, complete, one more and one less than complete, ragged, a million.
    private static readonly ulong[] Sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 100, 255, 1_000, 65_535, 65_536, 65_537, 1_000_000, TestTree.SizeMax];

    private static TestTree Tree => TestTree.Shared;

    [SkippableFact]
    public async Task Inclusion_is_what_the_proof_shows_at_every_size_and_nothing_else()
    {
        var deployed = await Deployed.OpenAsync(node);
        foreach (var size in Sizes)
            await deployed.AnchorAsync(Tree, size);
        foreach (var size in Sizes)
        {
            foreach (var index in IndexesOf(size))
                await CheckInclusionAsync(deployed, size, index);
        }
    }

    [SkippableFact]
    public async Task Every_proof_of_every_small_tree_is_accepted_at_its_own_place_alone()
    {
        var deployed = await Deployed.OpenAsync(node);
        for (ulong size = 1; size <= 12; size++)
        {
            await deployed.AnchorAsync(Tree, size);
            for (ulong index = 0; index < size; index++)
            {
                for (ulong claimed = 0; claimed <= size; claimed++)
                    Assert.Equal((size, index, claimed, index == claimed), (size, index, claimed, await deployed.IncludesAsync(size, claimed, Tree.LeafHash(index), Tree.Inclusion(index, size))));
            }
        }
    }

    [SkippableFact]
    public async Task A_size_that_was_not_anchored_includes_nothing()
    {
        var deployed = await Deployed.OpenAsync(node);
        await deployed.AnchorAsync(Tree, 8);
        Assert.False(await deployed.IncludesAsync(7, 0, Tree.LeafHash(0), Tree.Inclusion(0, 7)));
        Assert.False(await deployed.IncludesAsync(0, 0, Tree.LeafHash(0), []));
    }

    [SkippableFact]
    public async Task Consistency_is_what_the_proof_shows_from_every_size_to_the_next()
    {
        var deployed = await Deployed.OpenAsync(node, isConsistent: true);
        ulong old = 0;
        foreach (var size in Sizes)
        {
            foreach (var damaged in old == 0 ? [] : Damaged(Tree.Consistency(old, size)))
                await Deployed.RefusedAsync("NotConsistent", () => deployed.AsSequencerAsync(Call(size, Tree.Root(size), damaged)));
            if (old != 0)
                await Deployed.RefusedAsync("NotConsistent", () => deployed.AsSequencerAsync(Call(size, Flipped(Tree.Root(size)), Tree.Consistency(old, size))));
            await deployed.AnchorConsistentAsync(Tree, old, size);
            old = size;
        }
    }

    [SkippableFact]
    public async Task Every_pair_of_small_trees_is_consistent_by_its_own_proof()
    {
        var deployed = await Deployed.OpenAsync(node, isConsistent: true);
        for (ulong old = 1; old <= 10; old++)
        {
            await deployed.AnchorConsistentAsync(Tree, old - 1, old);
            for (var size = old + 1; size <= 17; size++)
                await node.Chain.EstimateGasAsync(deployed.Sequencer.Address, deployed.Contract.Address, Call(size, Tree.Root(size), Tree.Consistency(old, size)), CancellationToken.None);
        }
    }

    private static byte[] Call(ulong size, Hash root, IEnumerable<Hash> proof) => AnchorContract.AnchorConsistent(Deployed.Log, new TreeSize(size), root, proof);

    private static async Task CheckInclusionAsync(Deployed deployed, ulong size, ulong index)
    {
        var (leaf, proof) = (Tree.LeafHash(index), Tree.Inclusion(index, size));
        Assert.True(await deployed.IncludesAsync(size, index, leaf, proof), $"The proof of {index} in {size} is refused.");
        foreach (var damaged in Damaged(proof))
            Assert.False(await deployed.IncludesAsync(size, index, leaf, damaged), $"A damaged proof of {index} in {size} is accepted.");
        Assert.False(await deployed.IncludesAsync(size, index, Flipped(leaf), proof));
        foreach (var shifted in new[] { index + 1, index - 1, index ^ 2, size, ulong.MaxValue }.Where(other => other != index))
            Assert.False(await deployed.IncludesAsync(size, shifted, leaf, proof), $"The proof of {index} in {size} is accepted for {shifted}.");
    }

    /// <summary>Truncated at both ends, longer by a hash at both ends, neighbours swapped, a bit wrong in each hash.</summary>
    private static IEnumerable<Hash[]> Damaged(Hash[] proof)
    {
        yield return [.. proof, Tree.LeafHash(0)];
        yield return [Tree.LeafHash(0), .. proof];
        if (proof.Length == 0)
            yield break;
        yield return proof[1..];
        yield return proof[..^1];
        for (var i = 1; i < proof.Length; i++)
            yield return [.. proof[..(i - 1)], proof[i], proof[i - 1], .. proof[(i + 1)..]];
        for (var i = 0; i < proof.Length; i++)
            yield return [.. proof[..i], Flipped(proof[i]), .. proof[(i + 1)..]];
    }

    private static Hash Flipped(Hash hash)
    {
        var bytes = hash.ToArray();
        bytes[^1] ^= 1;
        return Hash.Read(bytes);
    }

    private static IEnumerable<ulong> IndexesOf(ulong size) => new ulong[] { 0, 1, size / 3, size / 2, size - 1 }.Where(index => index < size).Distinct();
}
