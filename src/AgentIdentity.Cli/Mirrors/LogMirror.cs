using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Mirrors;

/// <summary>
/// Copies a log into a folder, from the root down: the partial tiles at the edge against the signed root, each full tile against its hash in the tile above, each bundle
/// against its tile. Nothing is written before it was checked, and the checkpoint is written last.
/// </summary>
internal sealed class LogMirror(LogSource source, LogFolder folder, Checkpoint checkpoint, Checkpoint? before)
{
    private readonly Dictionary<int, byte[]> _edges = [];

    private TreeSize Size => checkpoint.Size;

    /// <summary>How many bundles there are to go through.</summary>
    public int Bundles => checked((int)TilesOf(0));

    /// <summary>Copies what an earlier run has not copied. The checkpoint is for the caller to write.</summary>
    public async Task CopyAsync(Action<int> report, CancellationToken cancellationToken)
    {
        await ReadEdgesAsync(cancellationToken);
        var above = new List<Hash>();
        for (var level = Tile.Height - 1; level >= 0; level--)
        {
            var here = new List<Hash>();
            for (ulong index = 0; index < TilesOf(level); index++)
            {
                if (level > 0)
                    here.AddRange(Hash.ReadMany(await CopyTileAsync(new TileId(level, index), above, cancellationToken)).ToArray());
                else
                    await CopyEntriesAsync(index, above, cancellationToken);
                if (level == 0)
                    report((int)index + 1);
            }
            above = here;
        }
        RequireConsistent();
    }

    private ulong TilesOf(int level) => ((Size.Value >> (Tile.Height * level)) + Tile.WidthMax - 1) / Tile.WidthMax;

    private async Task ReadEdgesAsync(CancellationToken cancellationToken)
    {
        for (var level = 0; level < Tile.Height; level++)
        {
            var edge = new TileId(level, Size.Value >> (Tile.Height * level) >> Tile.Height);
            if (edge.WidthAt(Size) is > 0 and var width)
                _edges[level] = RequireWidth(await source.TileAsync(edge, width, cancellationToken), edge, width);
        }
        if (MerkleHash.Root(Size, EdgeNode) != checkpoint.Root)
            throw Wrong("The tiles at the edge of the tree do not lead to the root that the log signed.");
    }

    private Hash EdgeNode(int level, ulong index)
    {
        var height = level % Tile.Height;
        return Tile.Node(Hash.ReadMany(_edges[level / Tile.Height]), height, (int)(index & ((1UL << (Tile.Height - height)) - 1)));
    }

    private async Task CopyEntriesAsync(ulong index, List<Hash> above, CancellationToken cancellationToken)
    {
        var tile = new TileId(0, index);
        var width = tile.WidthAt(Size);
        var bundleFile = Tile.EntriesPath(index, width);
        // What was full under the checkpoint of an earlier run was checked then.
        if (before is not null && tile.WidthAt(before.Size) == Tile.WidthMax && folder.Has(Tile.Path(tile)) && folder.Has(bundleFile))
            return;
        var hashes = await CopyTileAsync(tile, above, cancellationToken);
        if (folder.Find(bundleFile) is { } held)
        {
            if (!IsBundleOf(held, hashes))
                throw WrongHere(bundleFile);
            return;
        }
        var bundle = await source.BundleAsync(index, width, cancellationToken);
        if (!IsBundleOf(bundle, hashes))
            throw Wrong($"The entries of {bundleFile} are not those that the log signed.");
        folder.Write(bundleFile, bundle);
    }

    private async Task<byte[]> CopyTileAsync(TileId tile, List<Hash> above, CancellationToken cancellationToken)
    {
        var width = tile.WidthAt(Size);
        var file = Tile.Path(tile, width);
        if (folder.Find(file) is { } held)
            return IsSigned(tile, held, width, above) ? held : throw WrongHere(file);
        var bytes = width < Tile.WidthMax ? _edges[tile.Level] : RequireWidth(await source.TileAsync(tile, width, cancellationToken), tile, width);
        if (!IsSigned(tile, bytes, width, above))
            throw Wrong($"The tile {file} is not the one that the log signed.");
        folder.Write(file, bytes);
        return bytes;
    }

    private bool IsSigned(TileId tile, byte[] bytes, int width, List<Hash> above)
    {
        if (bytes.Length != width * Hash.Size)
            return false;
        return width < Tile.WidthMax ? bytes.AsSpan().SequenceEqual(_edges[tile.Level]) : Tile.Node(Hash.ReadMany(bytes), Tile.Height, 0) == above[(int)tile.Index];
    }

    private static bool IsBundleOf(byte[] bundle, byte[] hashes)
    {
        var found = new Hash[hashes.Length / Hash.Size];
        return EntryBundle.TryHash(bundle, found) && Hash.ReadMany(hashes).SequenceEqual(found);
    }

    // The folder now has every tile of the new tree, and each was checked: so the old root can be computed from it.
    private void RequireConsistent()
    {
        if (before is null)
            return;
        var nodes = new TileNodeReader(tile => folder.Find(Tile.Path(tile, tile.WidthAt(Size))) ?? throw Wrong($"{Tile.Path(tile, tile.WidthAt(Size))} is gone."));
        if (before.Size.Value > Size.Value || MerkleHash.Root(before.Size, nodes.Read) != before.Root)
            throw Wrong($"The log of {Size} entries does not go on from the {before.Size} that this folder has: it was rewritten or put back.");
    }

    private static byte[] RequireWidth(byte[] bytes, TileId tile, int width) =>
        bytes.Length == width * Hash.Size ? bytes : throw Wrong($"The tile {Tile.Path(tile, width)} should have {width * Hash.Size} bytes; it has {bytes.Length}.");

    // Never overwritten: it may be what shows that the log was rewritten.
    private static Failure WrongHere(string file) => Wrong($"{file} in the folder is not what the log signs now: the log was rewritten, or the file was changed.");

    private static Failure Wrong(string message) => Failure.Refused(message, "The checkpoint in the folder was left as it was. Keep it: it is evidence against the log.");
}
