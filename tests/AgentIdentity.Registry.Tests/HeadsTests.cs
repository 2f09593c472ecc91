using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What the entries about each subject come to, under each checkpoint.</summary>
public sealed class HeadsTests
{
    [Fact]
    public async Task A_heads_entry_stands_last_under_each_checkpoint_and_none_is_added_when_nothing_happened()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        for (var round = 0; round < 3; round++)
        {
            var recorded = await agent.RecordAsync();
            await PublishAsync(registry, recorded.Index);
            var checkpoint = registry.Node.Checkpoints.Last!;
            Assert.IsType<Heads>(registry.Bodies()[(int)checkpoint.Size.Value - 1]);
            registry.Clock.Advance(TimeSpan.FromSeconds(20));
        }
        var heads = registry.Bodies().Select((body, index) => (body, index)).Where(one => one.body is Heads).ToArray();
        Assert.All(heads.Zip(heads.Skip(1)), pair => Assert.Equal((ulong)pair.First.index, ((Heads)pair.Second.body).Before.Value));
        Assert.DoesNotContain(heads.Zip(heads.Skip(1)), pair => pair.Second.index == pair.First.index + 1);
    }

    [Fact]
    public async Task The_head_of_an_agent_counts_every_entry_about_it_and_is_proven_under_the_checkpoint_also_after_a_restart()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        await agent.RecordAsync();
        var stop = TestNode.Good(await before.StopAsync(agent));
        await PublishAsync(before, before.Node.State.LastHeads is null ? default : new LeafIndex(before.Node.State.Position - 1));
        await AssertHeadIsProvenAsync(before, agent.Id);
        await before.DisposeAsync();

        await using var fromSnapshot = TestNode.Open(before.Folder, before.Clock);
        await AssertHeadIsProvenAsync(fromSnapshot, agent.Id);
        await fromSnapshot.DisposeAsync();

        File.Delete(Directory.GetFiles(before.Folder, "*snapshot*").Single());
        await using var fromEntries = TestNode.Open(before.Folder, before.Clock);
        await AssertHeadIsProvenAsync(fromEntries, agent.Id);
    }

    // The oracle: the entries as they are stored, counted and chained here.
    private static async Task AssertHeadIsProvenAsync(TestNode registry, SubjectId subject)
    {
        var proof = TestNode.Good(await registry.WhileTimePassesAsync(registry.Node.Heads.ProveAsync(subject, CancellationToken.None)));
        var expected = default(Head);
        foreach (var row in registry.Store.ReadBySubject(subject, 0, int.MaxValue).Where(row => row.Index.Value < proof.Leaf.Index.Value))
            expected = expected.Then(MerkleHash.Leaf(row.Leaf), row.Index);

        Assert.True(Entry.TryDecode(proof.Entry, out var entry));
        var heads = Assert.IsType<Heads>(entry.Body);
        Assert.True(Leaf.TryDecode(proof.Leaf.Leaf, out var leaf));
        Assert.Equal(Leaf.Commit(proof.Salt.ToArray(), proof.Entry), leaf.Commitment);
        Assert.True(NoteVerifierKey.TryParse(registry.Node.Checkpoints.LogKey, out var logKey, out _));
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(proof.Leaf.Checkpoint), logKey, out var checkpoint, out _));
        Assert.Equal(checkpoint.Size.Value, proof.Leaf.Index.Value + 1);
        Assert.True(InclusionProof.Verify(proof.Leaf.Index, checkpoint.Size, MerkleHash.Leaf(proof.Leaf.Leaf), proof.Leaf.Path, checkpoint.Root));
        AssertProven(proof, heads.Root, expected);
    }

    private static void AssertProven(HeadsProof proof, Hash root, Head expected)
    {
        Assert.True(expected.Count > 3);
        Assert.Equal(HeadMapAnswer.Present, HeadMapProof.Verify(proof.Map, root, proof.Label, out var head));
        Assert.Equal(expected, head);
    }

    private static async Task PublishAsync(TestNode registry, LeafIndex index)
    {
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        await registry.NewTokenAsync();
        await registry.WhenSignedAsync(index);
    }
}
