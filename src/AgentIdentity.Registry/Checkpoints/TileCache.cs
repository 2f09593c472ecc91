using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>Full tiles that were held against the signed root. They never change, so they serve every later tree. For all threads.</summary>
/// <remarks>Each tile has one place, and the newest one there wins: nothing is locked and nothing is swept. 20 MB when it is full.</remarks>
internal sealed class TileCache
{
    // Receipts are asked for at random or, soon after the entry, at the right edge: a large cache of the lowest level would help neither.
    private const int LeafTilesMax = 256;

    // All tiles above the lowest level of 64 million entries.
    private const int UpperTilesMax = 1024;

    private readonly CheckedTile?[] _leafTiles = new CheckedTile?[LeafTilesMax];
    private readonly CheckedTile?[] _upperTiles = new CheckedTile?[UpperTilesMax];

    public CheckedTile? Find(TileId id) => Volatile.Read(ref Place(id)) is { } tile && tile.Id == id ? tile : null;

    public void Keep(CheckedTile tile) => Volatile.Write(ref Place(tile.Id), tile);

    private ref CheckedTile? Place(TileId id)
    {
        if (id.Level == 0)
            return ref _leafTiles[id.Index % LeafTilesMax];
        return ref _upperTiles[(id.Index + (ulong)(id.Level - 1)) % UpperTilesMax];
    }
}
