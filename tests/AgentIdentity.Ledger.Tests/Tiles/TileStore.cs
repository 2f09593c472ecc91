using AgentIdentity.Ledger.Tests.Tree;

namespace AgentIdentity.Ledger.Tests.Tiles;

/// <summary>A log whose tiles are kept as a store keeps them: one blob under each id, replaced by its wider version only.</summary>
internal sealed class TileStore
{
    private readonly Dictionary<TileId, ReadOnlyMemory<byte>> _tiles = [];

    internal int Reads { get; private set; }

    internal IReadOnlyDictionary<TileId, ReadOnlyMemory<byte>> Tiles => _tiles;

    /// <summary>Appends the oracle's leaves up to a size and stores what changed.</summary>
    internal void Grow(TileWriter writer, int size)
    {
        while (writer.Size.Value < (ulong)size)
            writer.Append(Oracle.LeafHash((int)writer.Size.Value));
        Store(writer.TakeChanged());
    }

    internal void Store(IReadOnlyList<ChangedTile> changed)
    {
        Assert.Equal(changed.Count, changed.Select(tile => tile.Id).Distinct().Count());
        foreach (var (id, bytes) in changed)
        {
            if (_tiles.TryGetValue(id, out var narrower))
                Assert.True(bytes.Length > narrower.Length && bytes.Span.StartsWith(narrower.Span), $"tile {id} was rewritten");
            _tiles[id] = bytes;
        }
    }

    internal ReadOnlyMemory<byte> Read(TileId id)
    {
        Reads++;
        return _tiles[id];
    }

    internal void Replace(TileId id, byte[] bytes) => _tiles[id] = bytes;
}
