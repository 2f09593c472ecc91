using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>The tree under a checkpoint, for everybody who shows a part of it. What leads to another root than the signed one is not shown. For all threads.</summary>
/// <remarks>
/// A full tile is held against its hash in the tile above, and so on up to the partial tiles at the right edge, which make up the root. What was
/// checked is remembered, so that a tile costs 255 hashes when it is asked for again after long, and nothing when it is not.
/// </remarks>
public sealed class SignedTree
{
    private readonly ILedgerStore _store;
    private readonly TileCache _cache;

    // The one partial tile of each level that has any.
    private readonly CheckedTile?[] _edges = new CheckedTile?[8];

    internal SignedTree(ILedgerStore store, StoredCheckpoint checkpoint, TileCache cache)
    {
        (_store, Checkpoint, _cache) = (store, checkpoint, cache);
        for (var level = 0; level < _edges.Length; level++)
        {
            var edge = new TileId(level, Size.Value >> (Tile.Height * level) >> Tile.Height);
            if (edge.WidthAt(Size) is > 0 and var width)
                _edges[level] = Stored(edge, width);
        }
        if (MerkleHash.Root(Size, Node) != checkpoint.Root)
            throw new LedgerDamagedException($"The stored tiles at the edge of the tree do not have the root that was signed at size {Size}.");
    }

    public StoredCheckpoint Checkpoint { get; }

    private TreeSize Size => Checkpoint.Size;

    /// <summary>The root of a complete subtree: a <see cref="NodeReader"/>.</summary>
    /// <exception cref="LedgerDamagedException">What is stored is not what was signed.</exception>
    public Hash Node(int level, ulong index)
    {
        var height = level % Tile.Height;
        return Find(TileId.OfNode(level, index)).Node(height, (int)(index & ((1UL << (Tile.Height - height)) - 1)));
    }

    /// <summary>The first hashes of a tile, or null when the checkpoint does not cover so many.</summary>
    /// <exception cref="LedgerDamagedException">What is stored is not what was signed.</exception>
    public ReadOnlyMemory<byte>? ReadTile(TileId tile, int width) =>
        width <= tile.WidthAt(Size) ? Find(tile).Bytes(width) : default(ReadOnlyMemory<byte>?);

    /// <summary>The first public leaves beside a tile of level 0, or null when the checkpoint does not cover so many.</summary>
    /// <exception cref="LedgerDamagedException">What is stored is not what was signed.</exception>
    public IReadOnlyList<byte[]>? ReadLeaves(ulong tile, int width)
    {
        var hashes = new TileId(0, tile);
        if (width > hashes.WidthAt(Size))
            return null;
        var leaves = _store.ReadLeaves(new LeafIndex(tile * Tile.WidthMax), width);
        var signed = Find(hashes);
        for (var i = 0; i < width; i++)
        {
            if (i >= leaves.Count || MerkleHash.Leaf(leaves[i]) != signed.HashAt(i))
                throw new LedgerDamagedException($"The leaf of entry {(tile * Tile.WidthMax) + (ulong)i} is not the one that was signed.");
        }
        return leaves;
    }

    private CheckedTile Find(TileId tile) => tile.WidthAt(Size) == Tile.WidthMax
        ? _cache.Find(tile) ?? Full(tile)
        : _edges[tile.Level] ?? throw new ArgumentOutOfRangeException(nameof(tile), $"The tile {Tile.Path(tile)} does not exist at size {Size}.");

    private CheckedTile Full(TileId id)
    {
        var tile = Stored(id, Tile.WidthMax);
        if (tile.Node(Tile.Height, 0) != Find(new TileId(id.Level + 1, id.Index / Tile.WidthMax)).HashAt((int)(id.Index % Tile.WidthMax)))
            throw new LedgerDamagedException($"The stored tile {Tile.Path(id)} is not the one that was signed.");
        _cache.Keep(tile);
        return tile;
    }

    private CheckedTile Stored(TileId id, int width)
    {
        var bytes = _store.ReadTile(id.Level, id.Index) ?? throw new LedgerDamagedException($"The tile {Tile.Path(id, width)} is missing.");
        return bytes.Length >= width * Hash.Size
            ? new CheckedTile(id, bytes[..(width * Hash.Size)])
            : throw new LedgerDamagedException($"The stored tile {Tile.Path(id)} has {bytes.Length} bytes; {width * Hash.Size} were signed.");
    }
}
