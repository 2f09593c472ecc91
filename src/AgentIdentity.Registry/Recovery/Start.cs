using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Erasing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>Reads the state back: the snapshot, then the entries behind it, each held against the signed tree.</summary>
internal static class Start
{
    private const int PageEntries = 1024;
    private const ulong ProgressEntries = 200_000;

    /// <param name="store">Where the ledger is.</param>
    /// <param name="snapshots">Where the snapshot is.</param>
    /// <param name="log">Told what takes long, and what was not believed.</param>
    /// <param name="snapshotPosition">Where the snapshot stood; 0 without one.</param>
    public static RegistryState Load(ILedgerStore store, ISnapshotStore snapshots, Action<string> log, out ulong snapshotPosition)
    {
        var nodes = new TileNodeReader(tile => store.ReadTile(tile.Level, tile.Index) ?? throw new LedgerDamagedException($"The tile {Tile.Path(tile)} is missing."));
        var state = FromSnapshot(store, snapshots, nodes, log) ?? new RegistryState();
        snapshotPosition = state.Position;
        var signed = store.LastCheckpoint?.Size ?? default;
        var erasures = new Erasures(store);
        var tree = CompactRange.Load(new TreeSize(state.Position), nodes.Read);
        while (state.Position < store.Size.Value)
        {
            foreach (var row in store.Read(new LeafIndex(state.Position), PageEntries))
            {
                var leafHash = MerkleHash.Leaf(row.Leaf);
                if (signed.Contains(row.Index))
                {
                    if (nodes.Read(0, row.Index.Value) != leafHash)
                        throw new LedgerDamagedException($"The leaf of entry {row.Index} is not the one that was signed.");
                    tree.Append(leafHash);
                }
                Apply(state, erasures, row, leafHash);
            }
            if (state.Position >= ProgressEntries && state.Position % ProgressEntries < PageEntries)
                log($"Reading the ledger: {state.Position:N0} of {store.Size.Value:N0} entries.");
        }
        // The lowest tiles tell which entry was changed; only the root tells whether they were changed with it.
        if (store.LastCheckpoint is { } last && tree.Root() != last.Root)
            throw new LedgerDamagedException($"The {last.Size} entries that are stored do not have the root that was signed.");
        return state;
    }

    /// <summary>The ledger holds what was last signed over it. One whose journal was lost, or that was put back, opens well and is older: who was stopped since would act again.</summary>
    /// <param name="state">What was loaded.</param>
    /// <param name="store">Where from.</param>
    /// <param name="snapshots">What is beside it.</param>
    /// <param name="isSnapshotRead">Whether the state begins with the snapshot, which therefore covers no more.</param>
    /// <exception cref="StoreRefusedException">It holds less.</exception>
    public static void RequireNothingLost(RegistryState state, ILedgerStore store, ISnapshotStore snapshots, bool isSnapshotRead)
    {
        if (Lost(state, store, snapshots, isSnapshotRead) is { } lost)
            throw new StoreRefusedException($"{lost}; put back what is missing, or restore a backup (recover --seen with the file checkpoint goes on without what is lost).") { IsDamage = true };
    }

    /// <summary>What happened when a file beside the ledger, signed by its log's key, covers more than the ledger does; null when none does. One of a log before, or that nobody can read, says nothing.</summary>
    public static string? Lost(RegistryState state, ILedgerStore store, ISnapshotStore snapshots, bool isSnapshotRead = false)
    {
        const string How = "its journal (ledger.db-wal) was lost, or an older ledger.db was put back";
        if (!state.IsBootstrapped)
            return snapshots.KeptCheckpoint() is { Length: > 0 } ? $"The ledger is empty, and the file checkpoint beside it tells of a registry: {How}" : null;
        var held = store.LastCheckpoint?.Size.Value ?? 0;
        if (snapshots.KeptCheckpoint() is { } note && Checkpoint.TryOpen(note, state.Log.Verifier, out var kept, out _) && kept.Size.Value > held)
            return $"The ledger holds {held} signed entries, and the file checkpoint beside it tells of {kept.Size}: {How}";
        return !isSnapshotRead && SnapshotSize(snapshots, state.Log.Key) is { } size && size > held ? $"The ledger holds {held} signed entries, and the snapshot beside it tells of {size}: {How}" : null;
    }

    // A snapshot stands under a checkpoint that was published.
    private static ulong? SnapshotSize(ISnapshotStore snapshots, PublicKey logKey)
    {
        using var stream = snapshots.Open();
        return stream is not null && SnapshotFormat.Open(stream) is { } bytes && SnapshotFormat.Position(bytes) is { } position && SnapshotFormat.IsSigned(bytes, logKey) ? position : null;
    }

    /// <summary>Brings the tree from the last checkpoint to the last entry.</summary>
    public static void Grow(CheckpointPublisher publisher, ILedgerStore store)
    {
        while (publisher.Size.Value < store.Size.Value)
        {
            foreach (var row in store.Read(new LeafIndex(publisher.Size.Value), PageEntries))
                publisher.Append(MerkleHash.Leaf(row.Leaf));
        }
    }

    // A snapshot counts only when it stood under the tree that was signed: a folder put together from two others is not believed.
    private static RegistryState? FromSnapshot(ILedgerStore store, ISnapshotStore snapshots, TileNodeReader nodes, Action<string> log)
    {
        using var stream = snapshots.Open();
        if (stream is null)
            return null;
        if (LogKeyDocument.Read(store) is { } logKey
            && SnapshotFormat.Read(stream, logKey) is { } snapshot
            && snapshot.Copy.Logs is [.., var current] && current.KeyId == logKey.KeyId
            && store.LastCheckpoint is { } signed && snapshot.Copy.Position <= signed.Size.Value
            && MerkleHash.Root(new TreeSize(snapshot.Copy.Position), nodes.Read) == snapshot.Root)
            return RegistryState.From(snapshot.Copy);
        log("The snapshot is of another version, damaged, or of another ledger; the ledger is read from its beginning.");
        return null;
    }

    private static void Apply(RegistryState state, Erasures erasures, StoredEntry row, in Hash leafHash)
    {
        if (row.IsErased)
        {
            state.Apply(row.Index, erasures.Require(row), Leaf.TryDecode(row.Leaf, out var shown) ? shown : throw new LedgerDamagedException($"The leaf of entry {row.Index} cannot be read."), in leafHash);
            return;
        }
        if (!Opening.TryDecode(row.Opening, out var opening) || !Leaf.TryDecode(row.Leaf, out var leaf))
            throw new LedgerDamagedException($"The leaf of entry {row.Index}, or what opens it, cannot be read.");
        if (Leaf.Commit(opening.Salt.ToArray(), row.Entry) != leaf.Commitment)
            throw new LedgerDamagedException($"Entry {row.Index} is not the one that its leaf commits to.");
        // It is what was written, so whoever wrote it knew more kinds of entries, or more about one.
        if (!Entry.TryDecode(row.Entry, out var entry))
            throw new StoreRefusedException($"Entry {row.Index} was written by a newer AgentIdentity, and this one cannot read it: start that version or a later one.");
        if (!entry.Subjects.Select(subject => new SubjectSequence(subject.Id, subject.Sequence)).SequenceEqual(row.Subjects))
            throw new LedgerDamagedException($"Entry {row.Index} is filed under other subjects than it names.");
        state.Apply(row.Index, entry, opening, in leafHash);
        if (entry.Body is ActivitiesErased erased)
            erasures.RequireDone(row.Index, erased);
    }
}
