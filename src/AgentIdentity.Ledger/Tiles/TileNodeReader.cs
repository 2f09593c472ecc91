namespace AgentIdentity.Ledger;

/// <summary>
/// The seam to wherever tiles are stored: gives the bytes of the widest stored version of a tile, 32 for each hash. A partial tile
/// is a prefix of any wider one, so a version wider than asked for does as well.
/// </summary>
/// <remarks>It throws when it cannot answer, and what it throws passes through. The bytes do not change while they are read.</remarks>
public delegate ReadOnlyMemory<byte> TileReader(TileId tile);

/// <summary>Answers for the nodes of a tree from its tiles, computing what lies inside a tile: pass <see cref="Read"/> as a <see cref="NodeReader"/>.</summary>
/// <remarks>
/// Remembers for each tile level the last two tiles with the nodes computed in them (32 KB a level): a proof needs the leaf's tile
/// and the one at the right edge, so that building many in order of index reads and hashes each tile once. A tile that has grown
/// since is read again when a node of its new part is asked for. Not safe for concurrent use. What the tiles say is believed: a
/// proof built from them is checked against a signed root.
/// </remarks>
public sealed class TileNodeReader(TileReader readTile)
{
    private readonly (LoadedTile? Last, LoadedTile? Before)[] _levels = new (LoadedTile?, LoadedTile?)[8];

    /// <summary>The root of a complete subtree; see <see cref="NodeReader"/>.</summary>
    /// <exception cref="InvalidDataException">The stored tile does not hold that subtree, or is not a tile.</exception>
    public Hash Read(int level, ulong index)
    {
        var tile = TileId.OfNode(level, index);
        var height = level % Tile.Height;
        var position = (int)(index & ((1UL << (Tile.Height - height)) - 1));
        return Load(tile, (position + 1) << height).Node(height, position);
    }

    private LoadedTile Load(TileId tile, int widthNeeded)
    {
        ref var level = ref _levels[tile.Level];
        if (level.Last?.Index != tile.Index)
            level = (level.Before ?? new LoadedTile(), level.Last);
        var loaded = level.Last!;
        if (loaded.Index != tile.Index || loaded.Width < widthNeeded)
            loaded.Fill(tile.Index, Stored(tile, widthNeeded).Span);
        return loaded;
    }

    private ReadOnlyMemory<byte> Stored(TileId tile, int widthNeeded)
    {
        var bytes = readTile(tile);
        if (bytes.Length > Tile.BytesMax || bytes.Length % Hash.Size != 0 || bytes.Length < widthNeeded * Hash.Size)
            throw new InvalidDataException(
                $"Tile {tile.Level}/{tile.Index} should hold at least {widthNeeded} hashes of {Hash.Size} bytes, at most {Tile.WidthMax}; it has {bytes.Length} bytes.");
        return bytes;
    }

    /// <summary>A tile as a binary heap: node 1 is the root of the full tile, nodes 256 to 511 are its hashes.</summary>
    private sealed class LoadedTile
    {
        private readonly Hash[] _heap = new Hash[2 * Tile.WidthMax];

        internal ulong Index { get; private set; }

        internal int Width { get; private set; }

        internal void Fill(ulong index, ReadOnlySpan<byte> bytes)
        {
            Index = index;
            Width = bytes.Length / Hash.Size;
            Array.Clear(_heap);
            Hash.ReadMany(bytes).CopyTo(_heap.AsSpan(Tile.WidthMax));
        }

        internal Hash Node(int height, int position) => Node((Tile.WidthMax >> height) + position);

        // All zeros stand for "not computed yet": no input of SHA-256 is known to give that.
        private Hash Node(int slot)
        {
            if (slot < Tile.WidthMax && _heap[slot] == default)
                _heap[slot] = MerkleHash.Node(Node(2 * slot), Node((2 * slot) + 1));
            return _heap[slot];
        }
    }
}
