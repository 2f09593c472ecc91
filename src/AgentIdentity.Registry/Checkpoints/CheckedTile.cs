using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>A tile with every node that its hashes have inside it: 16 KB. Immutable.</summary>
internal sealed class CheckedTile
{
    // A binary heap: node 1 is the root of the full tile, node 256 + i would be its hash i. Nodes that are not complete stay empty.
    private readonly Hash[] _inner = new Hash[Tile.WidthMax];
    private readonly ReadOnlyMemory<byte> _bytes;

    public CheckedTile(TileId id, ReadOnlyMemory<byte> bytes)
    {
        (Id, _bytes) = (id, bytes);
        for (var height = 1; height <= Tile.Height; height++)
        {
            for (var position = 0; position < Width >> height; position++)
            {
                var slot = Slot(height, position);
                _inner[slot] = MerkleHash.Node(At(2 * slot), At((2 * slot) + 1));
            }
        }
    }

    public TileId Id { get; }

    public int Width => _bytes.Length / Hash.Size;

    public ReadOnlyMemory<byte> Bytes(int width) => _bytes[..(width * Hash.Size)];

    public Hash HashAt(int position) => At(Tile.WidthMax + position);

    /// <summary>The root of a complete subtree inside the tile; see <see cref="Tile.Node"/>.</summary>
    public Hash Node(int height, int position) => At(Slot(height, position));

    private static int Slot(int height, int position) => (Tile.WidthMax >> height) + position;

    private Hash At(int slot) => slot < Tile.WidthMax ? _inner[slot] : Hash.ReadMany(_bytes.Span)[slot - Tile.WidthMax];
}
