using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests;

/// <summary>What the public is shown of the log, also when somebody has changed what is stored behind the snapshot, where a start does not look.</summary>
public sealed class PublishedLogTests
{
    private const int Entries = 600;

    [Fact]
    public async Task Every_stored_tile_and_leaf_of_a_sound_log_is_shown_up_to_the_last_checkpoint_and_none_beyond()
    {
        await using var registry = await GrownAsync();
        var tree = registry.Node.PublishedLog.Newest!;
        var size = tree.Checkpoint.Size;
        await registry.EnrollAsync();
        for (ulong tile = 0; tile * 256 < size.Value; tile++)
        {
            var width = new TileId(0, tile).WidthAt(size);
            Assert.Equal(tree.ReadLeaves(tile, width)!.Select(leaf => MerkleHash.Leaf(leaf)), Hash.ReadMany(tree.ReadTile(new TileId(0, tile), width)!.Value.Span).ToArray());
            if (width < 256)
                Assert.Equal((true, true), (tree.ReadLeaves(tile, width + 1) is null, tree.ReadTile(new TileId(0, tile), width + 1) is null));
        }
        Assert.Equal(tree.Checkpoint.Root, MerkleHash.Root(size, tree.Node));
    }

    [Fact]
    public async Task A_changed_leaf_is_not_shown_and_all_others_are()
    {
        await using var registry = await ReopenedAsync(folder => LedgerFile.Spoil(folder, "leaf", 100));
        var tree = registry.Node.PublishedLog.Newest!;
        Assert.Contains("entry 100", Assert.Throws<LedgerDamagedException>(() => tree.ReadLeaves(0, 256)).Message, StringComparison.Ordinal);
        Assert.Throws<LedgerDamagedException>(() => registry.Node.LeafProofs.Prove(new LeafIndex(100)));
        Assert.Equal(100, tree.ReadLeaves(0, 100)!.Count);
        Assert.Equal(256, tree.ReadLeaves(1, 256)!.Count);
        Assert.Equal(Refusal.None, registry.Node.LeafProofs.Prove(new LeafIndex(99)).Refusal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(255)]
    public async Task A_full_tile_with_one_byte_changed_is_not_shown_nor_proved_from(int hash)
    {
        await using var registry = await ReopenedAsync(folder => SpoilTile(folder, 0, 1, hash));
        var tree = registry.Node.PublishedLog.Newest!;
        Assert.Throws<LedgerDamagedException>(() => tree.ReadTile(new TileId(0, 1), 256));
        Assert.Throws<LedgerDamagedException>(() => tree.ReadTile(new TileId(0, 1), 1));
        Assert.Throws<LedgerDamagedException>(() => tree.ReadLeaves(1, 1));
        Assert.Throws<LedgerDamagedException>(() => registry.Node.LeafProofs.Prove(new LeafIndex(300)));
        Assert.Equal(8192, tree.ReadTile(new TileId(0, 0), 256)!.Value.Length);
        Assert.Equal(Refusal.None, registry.Node.LeafProofs.Prove(new LeafIndex(10)).Refusal);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 0)]
    public async Task A_tile_at_the_edge_with_one_byte_changed_ends_the_start(int level, ulong index)
    {
        var folder = await GrownFolderAsync();
        SpoilTile(folder, level, index, 0);
        Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder));
    }

    [Fact]
    public async Task A_tile_at_the_edge_that_changes_while_the_registry_runs_is_not_shown()
    {
        await using var registry = await GrownAsync();
        SpoilTile(registry.Folder, 0, 2, 0);
        Assert.Throws<LedgerDamagedException>(() => registry.Node.PublishedLog.Newest);
    }

    [Fact]
    public async Task An_entry_that_was_changed_behind_the_snapshot_is_not_shown_in_its_trail()
    {
        await using var registry = await ReopenedAsync(folder => LedgerFile.Spoil(folder, "entry", 100));
        var agent = registry.Node.State.AgentsFrom(0).First().Id;
        Assert.Equal(50, registry.Node.Reading.ListTrail(agent, 0, 50).Entries.Count);
        Assert.Contains("entry 100", Assert.Throws<LedgerDamagedException>(() => registry.Node.Reading.ListTrail(agent, 0, 200)).Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_leaf_that_shows_another_nullifier_than_was_signed_is_not_shown_in_its_trail()
    {
        // What the entry commits to is untouched: only the signed tree tells.
        const string Change = "UPDATE entries SET leaf = CAST(substr(leaf, 1, 4) || x'5EC0DE01' || substr(leaf, 9) AS BLOB) WHERE idx = 100";
        await using var registry = await ReopenedAsync(folder => LedgerFile.Change(folder, Change));
        var agent = registry.Node.State.AgentsFrom(0).First().Id;
        Assert.Equal(50, registry.Node.Reading.ListTrail(agent, 0, 50).Entries.Count);
        Assert.Contains("entry 100 is not the one that was signed", Assert.Throws<LedgerDamagedException>(() => registry.Node.Reading.ListTrail(agent, 0, 200)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entry_that_was_changed_since_is_shown_to_nobody_as_what_was_signed()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        await registry.WhenSignedAsync(stop);
        var proofs = new EntryProofs(registry.Store, registry.Node.LeafProofs);
        Assert.Equal(stop, proofs.Prove(stop).Index);
        foreach (var changed in new[] { stop, registry.Node.State.LastHeads!.Index })
            LedgerFile.Spoil(registry.Folder, "entry", changed.Value);
        Assert.Contains($"Entry {stop} is not the one", Assert.Throws<LedgerDamagedException>(() => proofs.Prove(stop)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LedgerDamagedException>(() => registry.Node.Heads.ProveAsync(agent.Id, CancellationToken.None));
    }

    private static void SpoilTile(string folder, int level, ulong index, int hash)
    {
        var first = (hash * Hash.Size) + 1;
        LedgerFile.Change(
            folder,
            $"UPDATE tiles SET hashes = CAST(substr(hashes, 1, {first - 1}) || (CASE WHEN substr(hashes, {first}, 1) = x'00' THEN x'01' ELSE x'00' END) || substr(hashes, {first + 1}) AS BLOB) WHERE level = {level} AND idx = {index}");
    }

    private static async Task<TestNode> ReopenedAsync(Action<string> change)
    {
        var folder = await GrownFolderAsync();
        change(folder);
        return TestNode.Open(folder);
    }

    private static async Task<string> GrownFolderAsync()
    {
        await using var registry = await GrownAsync();
        return registry.Folder;
    }

    private static async Task<TestNode> GrownAsync()
    {
        var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        for (var i = 0; i < Entries; i++)
            await agent.RecordAsync();
        var last = await agent.RecordAsync();
        await registry.WhenSignedAsync(last.Index);
        return registry;
    }
}
