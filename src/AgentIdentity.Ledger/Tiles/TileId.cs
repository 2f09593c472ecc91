namespace AgentIdentity.Ledger;

/// <summary>Which tile of a log: hash i of it is the root over the leaves [(256 · Index + i) · 256^Level, (256 · Index + i + 1) · 256^Level).</summary>
/// <param name="Level">0 for the tiles of leaf hashes; each level stands for eight of the tree.</param>
/// <param name="Index">Position among the tiles of the level, from 0.</param>
public readonly record struct TileId(int Level, ulong Index)
{
    /// <summary>The tile that holds a complete subtree, named as for <see cref="NodeReader"/>, or the hashes that it is computed from.</summary>
    public static TileId OfNode(int level, ulong index) => new(level / Tile.Height, index >> (Tile.Height - (level % Tile.Height)));

    /// <summary>Hashes in this tile in a tree of this size: 0 (there is no such tile yet) to 256.</summary>
    public int WidthAt(TreeSize size)
    {
        var hashesOfLevel = Level * Tile.Height >= 64 ? 0 : size.Value >> (Level * Tile.Height);
        var first = Index > ulong.MaxValue / Tile.WidthMax ? ulong.MaxValue : Index * Tile.WidthMax;
        return hashesOfLevel <= first ? 0 : (int)Math.Min(Tile.WidthMax, hashesOfLevel - first);
    }
}
