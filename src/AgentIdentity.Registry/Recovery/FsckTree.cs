using System.Collections.Concurrent;
using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>What counts as the leaf of an entry, and whether the entry as stored is the one that it commits to.</summary>
internal readonly record struct SettledLeaf(Hash? LeafHash, bool IsGenuine);

/// <summary>Builds the tree anew from the leaves, and compares every stored tile and the checkpoint with it.</summary>
internal sealed class FsckTree(ILedgerStore store, FsckFindings findings)
{
    private readonly StoredCheckpoint? _signed = store.LastCheckpoint;
    private readonly TileWriter _tree = new();

    // The tiles at the right edge, as wide as they are by now.
    private readonly Dictionary<TileId, ReadOnlyMemory<byte>> _partial = [];
    private bool _isBroken;

    /// <summary>Tiles that must be stored.</summary>
    public ulong Tiles { get; private set; }

    public TreeSize Size => _tree.Size;

    public Hash Root() => _tree.Root();

    /// <summary>Says which leaf counts when what is stored contradicts itself: the one that the lowest tile holds, if it is one of them.</summary>
    public SettledLeaf Settle(FsckEntry entry, ConcurrentDictionary<SubjectId, Hash> labels)
    {
        var made = entry.IsLeafRight is null ? entry.MakeLeaf(labels) : null;
        if (entry.IsLeafRight ?? (made is not null && made.AsSpan().SequenceEqual(entry.Row!.Leaf)))
            return new SettledLeaf(entry.StoredLeafHash, IsGenuine: true);
        var signed = SignedLeafHash(entry.Index);
        if (entry.Row is null || entry.Problem is not null)
            return Unreadable(entry, signed);
        made ??= entry.MakeLeaf(labels);
        if (made is not null && MerkleHash.Leaf(made) == signed)
        {
            findings.Add(entry.Index, "the stored leaf is not the one that was signed; entry and opening are those of the signed one");
            return new SettledLeaf(signed, IsGenuine: true);
        }
        // Where the label was lost with an earlier entry, which is a finding, nullifiers cannot be computed; the tree still vouches for the leaf.
        if (made is null && signed == entry.StoredLeafHash && Commits(entry))
            return new SettledLeaf(signed, IsGenuine: true);
        findings.Add(entry.Index, $"{Contradiction(entry, made)}; {(signed == entry.StoredLeafHash ? "the leaf is the one that was signed, so the entry or its opening was changed" : "no checkpoint tells which of them is genuine")}");
        return new SettledLeaf(signed ?? entry.StoredLeafHash, IsGenuine: false);
    }

    public void Append(LeafIndex index, Hash? leafHash)
    {
        if (_isBroken || _signed is null || !_signed.Size.Contains(index))
            return;
        if (leafHash is { } hash)
        {
            _tree.Append(in hash);
            return;
        }
        findings.Add(index, "neither the entry nor its tile tells its leaf, so the tree above it was not rebuilt");
        _isBroken = true;
    }

    /// <summary>Compares the tiles that are full by now.</summary>
    public void CompareFull()
    {
        foreach (var tile in _tree.TakeChanged())
        {
            if (tile.Bytes.Length < Tile.BytesMax)
            {
                _partial[tile.Id] = tile.Bytes;
                continue;
            }
            _partial.Remove(tile.Id);
            Compare(tile.Id, tile.Bytes.Span);
        }
    }

    /// <summary>Compares the tiles that are not full, and the checkpoint.</summary>
    public void Finish(FsckFold fold)
    {
        CompareFull();
        foreach (var (id, bytes) in _partial)
            Compare(id, bytes.Span);
        if (_signed is null || _isBroken)
            return;
        if (_tree.Root() != _signed.Root)
            findings.Add($"The checkpoint of {_signed.Size} entries has the root {_signed.Root}, and they have {_tree.Root()}: what was signed is not what is stored.");
        CompareNote(_signed, fold);
        foreach (var former in fold.Logs.Where(log => log.LastCheckpoint is not null))
            CompareFormer(former);
    }

    /// <summary>Tiles that no checkpoint demands are found by their number, since the demanded ones have been looked up.</summary>
    public void CompareCount(ILedgerRows rows)
    {
        var count = (ulong)rows.CountTiles();
        if (!_isBroken && count > Tiles)
            findings.Add($"There are {count} tiles stored, {count - Tiles} more than a tree of {_signed?.Size ?? default} entries has.");
    }

    private void CompareNote(StoredCheckpoint signed, FsckFold fold)
    {
        if (fold.Logs is not [.., var log])
            return;
        // Until a successor has signed, the last checkpoint is that of the log before.
        if (fold.Logs.Count > 1 && fold.Logs[^2].EndsWith(signed))
            log = fold.Logs[^2];
        if (!Checkpoint.TryOpen(Encoding.UTF8.GetBytes(signed.Note), log.Verifier, out var checkpoint, out var refusal))
            findings.Add($"The checkpoint is not signed by the log's key ({refusal}).");
        else if (checkpoint.Size != signed.Size || checkpoint.Root != signed.Root)
            findings.Add("The checkpoint's row says another size or root than its signed text.");
    }

    // Its signature was checked when it was folded.
    private void CompareFormer(LogRecord former)
    {
        if (!Checkpoint.TryOpen(Encoding.UTF8.GetBytes(former.LastCheckpoint!), former.Verifier, out var last, out _) || last.Size.Value > _tree.Size.Value)
            return;
        var nodes = new TileNodeReader(tile => store.ReadTile(tile.Level, tile.Index) ?? throw new InvalidDataException("missing"));
        try
        {
            if (MerkleHash.Root(last.Size, nodes.Read) != last.Root)
                findings.Add($"The last checkpoint of {former.Origin}, of {last.Size} entries, is not one of this tree.");
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // A tile that is missing or damaged has been found above.
        }
    }

    private void Compare(TileId id, ReadOnlySpan<byte> expected)
    {
        Tiles++;
        if (ReadTile(id) is not { } stored)
            return;
        var name = Tile.Path(id);
        if (stored.Length != expected.Length)
            findings.Add($"The {name} has {stored.Length} bytes and should have {expected.Length}.");
        var same = stored.Span.CommonPrefixLength(expected);
        if (same == Math.Min(stored.Length, expected.Length))
            return;
        var hash = id.Index * Tile.WidthMax + (ulong)(same / Hash.Size);
        if (id.Level == 0)
            findings.Add(new LeafIndex(hash), $"the {name} holds another hash of its leaf; receipts made from that tile fail");
        else
            findings.Add($"The {name} holds another hash than the tiles below it give, for the entries from {hash << (Tile.Height * id.Level)} on; proofs made from it fail.");
    }

    private ReadOnlyMemory<byte>? ReadTile(TileId id)
    {
        try
        {
            if (store.ReadTile(id.Level, id.Index) is { } stored)
                return stored;
            findings.Add($"The {Tile.Path(id)} is missing.");
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            findings.Add($"The {Tile.Path(id)} cannot be read: {failure.Message.TrimEnd('.')}.");
        }
        return null;
    }

    private SettledLeaf Unreadable(FsckEntry entry, Hash? signed)
    {
        findings.Add(entry.Index, entry.Problem + (entry.Row is not null && signed == entry.StoredLeafHash ? "; its leaf is the one that was signed" : ""));
        return new SettledLeaf(signed ?? (entry.Row is null ? null : entry.StoredLeafHash), IsGenuine: false);
    }

    private static string Contradiction(FsckEntry entry, byte[]? made)
    {
        if (!Leaf.TryDecode(entry.Row!.Leaf, out _))
            return "its leaf is none of version 1";
        if (!Commits(entry))
            return "its leaf commits to other bytes than entry and opening are";
        return made is null ? "the label of a subject is not known" : "its leaf shows another class, or other nullifiers, than entry and labels give";
    }

    private static bool Commits(FsckEntry entry) =>
        Leaf.TryDecode(entry.Row!.Leaf, out var leaf) && Leaf.Commit(entry.Opening!.Salt.ToArray(), entry.Row.Entry) == leaf.Commitment;

    private Hash? SignedLeafHash(LeafIndex index)
    {
        if (_signed is null || !_signed.Size.Contains(index))
            return null;
        try
        {
            var tile = store.ReadTile(0, index.Value / Tile.WidthMax);
            var place = (int)(index.Value % Tile.WidthMax) * Hash.Size;
            return tile is { } bytes && bytes.Length >= place + Hash.Size ? Hash.Read(bytes.Span.Slice(place, Hash.Size)) : null;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // A tile that cannot be read tells nothing; it is found when it is compared.
            return null;
        }
    }
}
