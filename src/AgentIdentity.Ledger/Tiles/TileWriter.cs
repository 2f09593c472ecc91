namespace AgentIdentity.Ledger;

/// <summary>A tile that has to be stored, at its widest: it replaces the narrower version under the same id.</summary>
/// <param name="Id">Which tile.</param>
/// <param name="Bytes">Its hashes, 32 bytes each, 1 to 256 of them.</param>
public readonly record struct ChangedTile(TileId Id, ReadOnlyMemory<byte> Bytes);

/// <summary>A growing log in memory: its frontier, and the tiles at its right edge, of which a commit stores those that changed.</summary>
/// <remarks>
/// Not safe for concurrent use: one writer owns it. When a commit fails, what <see cref="TakeChanged"/> gave is lost to it:
/// throw the writer away and <see cref="Restore"/> one at the size that is stored.
/// </remarks>
public sealed class TileWriter
{
    private readonly CompactRange _range;
    private readonly NodeVisitor _keep;
    private readonly Edge?[] _edges = new Edge?[8];
    private readonly List<ChangedTile> _filled = [];

    /// <summary>The writer of an empty log.</summary>
    public TileWriter()
        : this(new CompactRange())
    {
    }

    private TileWriter(CompactRange range)
    {
        _range = range;
        _keep = Keep;
    }

    /// <summary>Leaves in the log.</summary>
    public TreeSize Size => _range.Size;

    /// <summary>The frontier of the log, to be kept beside the last checkpoint.</summary>
    public ReadOnlySpan<Hash> Frontier => _range.Hashes;

    /// <summary>The writer of a stored log, from at most two tiles a level.</summary>
    /// <remarks>The tiles are believed; compare <see cref="Root"/> with the last signed checkpoint before anything is appended.</remarks>
    /// <exception cref="InvalidDataException">A stored tile is too narrow for this size.</exception>
    public static TileWriter Restore(TreeSize size, TileReader readTile)
    {
        var writer = new TileWriter(CompactRange.Load(size, new TileNodeReader(readTile).Read));
        for (var level = 0; level < writer._edges.Length; level++)
        {
            var tile = new TileId(level, size.Value >> (Tile.Height * level) >> Tile.Height);
            var width = tile.WidthAt(size);
            if (width > 0)
                writer._edges[level] = new Edge(tile, readTile(tile).Span[..(width * Hash.Size)]);
        }
        return writer;
    }

    /// <summary>Appends one leaf hash (<see cref="MerkleHash.Leaf"/>).</summary>
    /// <returns>The index that the leaf has got.</returns>
    public LeafIndex Append(in Hash leafHash) => _range.Append(in leafHash, _keep);

    /// <summary>The root of the log as it stands.</summary>
    public Hash Root() => _range.Root();

    /// <summary>The tiles that changed since the last call, each once and at its widest, full ones first.</summary>
    public IReadOnlyList<ChangedTile> TakeChanged()
    {
        var changed = new List<ChangedTile>(_filled);
        _filled.Clear();
        foreach (var edge in _edges)
        {
            if (edge?.TakeIfChanged() is { } tile)
                changed.Add(tile);
        }
        return changed;
    }

    private void Keep(int level, ulong index, in Hash hash)
    {
        if (level % Tile.Height != 0)
            return;
        ref var edge = ref _edges[level / Tile.Height];
        edge ??= new Edge(TileId.OfNode(level, index), []);
        edge.Add(in hash);
        if (!edge.IsFull)
            return;
        _filled.Add(edge.Whole());
        edge = null;
    }

    /// <summary>The last tile of a level while it fills.</summary>
    private sealed class Edge
    {
        private readonly TileId _id;
        private readonly byte[] _bytes = new byte[Tile.BytesMax];
        private int _length;
        private bool _isChanged;

        internal Edge(TileId id, ReadOnlySpan<byte> stored)
        {
            _id = id;
            stored.CopyTo(_bytes);
            _length = stored.Length;
        }

        internal bool IsFull => _length == _bytes.Length;

        internal void Add(in Hash hash)
        {
            hash.CopyTo(_bytes.AsSpan(_length));
            _length += Hash.Size;
            _isChanged = true;
        }

        internal ChangedTile Whole() => new(_id, _bytes);

        // Not a copy: hashes are only ever added behind those that were handed out.
        internal ChangedTile? TakeIfChanged()
        {
            if (!_isChanged)
                return null;
            _isChanged = false;
            return new ChangedTile(_id, _bytes.AsMemory(0, _length));
        }
    }
}
