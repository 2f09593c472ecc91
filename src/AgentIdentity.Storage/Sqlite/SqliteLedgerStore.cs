using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Storage.Commitments;
using AgentIdentity.Storage.Reserve;
using AgentIdentity.Storage.Snapshots;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>The embedded store: one SQLite file in the data folder, one process, one writer.</summary>
/// <remarks>
/// Who can write to the file can change anything in it; what was signed and witnessed shows it. Who can read it learns the private entries and what opens
/// the leaves, hence the permissions. The file is not to be opened for writing by other programs while this runs.
/// </remarks>
public sealed class SqliteLedgerStore : ILedgerStore, ILedgerRows
{
    public const string FileName = "ledger.db";

    /// <summary>The folder of the index of commitments. A cache: without it, it is made again from the ledger.</summary>
    public const string CommitmentsFolder = "commitments";

    private readonly DataFolder _folder;
    private readonly ControlJournal _reserve;
    private readonly LedgerWriter _writer;
    private readonly ReaderPool _readers;
    private readonly Housekeeper? _housekeeper;
    private readonly CommitmentIndex? _commitments;
    private readonly CommitmentKeeper? _commitmentKeeper;
    private bool _isDisposed;

    private SqliteLedgerStore(DataFolder folder, Housekeeping? housekeeping)
    {
        var path = folder.File(FileName);
        if (!File.Exists(path))
            Create(folder, path);
        else if (new FileInfo(path).Length == 0)
            throw Refusals.Damaged(path, "it is empty");
        _folder = folder;
        _reserve = ControlJournal.Open(folder.File(ControlJournal.FileName));
        try
        {
            _writer = new LedgerWriter(path, _reserve, Disk);
        }
        catch
        {
            _reserve.Dispose();
            throw;
        }
        _readers = new ReaderPool(path);
        if (housekeeping is null)
            return;
        _housekeeper = new Housekeeper(path, _writer, housekeeping);
        _commitments = new CommitmentIndex(folder.File(CommitmentsFolder), new CommittedEntries(_writer, _readers), new IndexRules());
        _commitmentKeeper = new CommitmentKeeper(_commitments);
    }

    /// <summary>The SQLite in use and where it was found, for the log.</summary>
    public static string SqliteVersion => SqliteLibrary.Current.ToString();

    /// <summary>What is waited for on the disk.</summary>
    public DiskWatch Disk { get; } = new(TimeProvider.System);

    public TreeSize Size => _writer.State.Whole;

    public LeafIndex? FirstReserved => _writer.State is { Reserved.Count: > 0 } state ? state.Reserved[0].Index : null;

    public StoredCheckpoint? LastCheckpoint => _writer.State.Checkpoint;

    internal LedgerWriter Writer => _writer;

    /// <summary>Opens the store in a data folder, and makes both if they are missing.</summary>
    /// <exception cref="StoreRefusedException">It cannot be opened; the message says why and what to do.</exception>
    public static SqliteLedgerStore Open(string folder) => Open(folder, Housekeeping.Default);

    /// <summary>Opens the store of a data folder that has one, for maintenance: nothing is made, and no background thread writes.</summary>
    /// <exception cref="StoreRefusedException">There is none, another process holds it, or it cannot be opened.</exception>
    public static SqliteLedgerStore OpenExisting(string folder) => File.Exists(Path.Combine(folder, FileName))
        ? Open(folder, housekeeping: null)
        : throw new StoreRefusedException($"There is no registry in {Path.GetFullPath(folder)}: name the data folder with --data.");

    /// <summary>Without housekeeping nothing is indexed, no commitment is found, and the journal only grows, which is what a test of these needs.</summary>
    internal static SqliteLedgerStore Open(string folder, Housekeeping? housekeeping)
    {
        var held = DataFolder.Open(folder);
        try
        {
            return new SqliteLedgerStore(held, housekeeping);
        }
        catch (Exception e)
        {
            held.Dispose();
            if (e is SqliteException failure)
                throw Refusals.From(failure, held.File(FileName));
            throw;
        }
    }

    public void Append(LeafIndex first, IReadOnlyList<StoredEntry> entries)
    {
        _writer.Append(first, entries);
        _housekeeper?.Wake();
    }

    public void AppendToReserve(LeafIndex first, IReadOnlyList<StoredEntry> entries) => _writer.AppendToReserve(first, entries);

    public bool AppendErasing(LeafIndex first, IReadOnlyList<StoredEntry> entries, IReadOnlyList<StoredStub> stubs)
    {
        var isGone = _writer.AppendErasing(first, entries, stubs);
        _housekeeper?.Wake();
        return isGone;
    }

    // What is reserved is asked for before the database: what has been moved meanwhile is then found there, and not missed in both.
    public IReadOnlyList<StoredEntry> Read(LeafIndex first, int countMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(countMax);
        var reserved = _writer.State.Reserved;
        var found = _readers.Read(reader => reader.Read(first, countMax));
        return GoOn(found, reserved.Where(entry => entry.Index.Value >= first.Value + (ulong)found.Count), countMax);
    }

    public IReadOnlyList<byte[]> ReadLeaves(LeafIndex first, int countMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(countMax);
        var reserved = _writer.State.Reserved;
        var found = _readers.Read(reader => reader.ReadLeaves(first, countMax));
        return GoOn(found, reserved.Where(entry => entry.Index.Value >= first.Value + (ulong)found.Count).Select(entry => entry.Leaf), countMax);
    }

    public IReadOnlyList<StoredEntry> ReadBySubject(SubjectId subject, ulong firstSequence, int countMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(countMax);
        var reserved = _writer.State.Reserved;
        var found = _readers.Read(reader => reader.ReadBySubject(subject, firstSequence, countMax));
        // A row that the index has lost must not be an entry that nobody is shown.
        for (var i = 0; i < found.Count; i++)
        {
            if (!found[i].Subjects.Contains(new SubjectSequence(subject, firstSequence + (ulong)i)))
                throw new LedgerDamagedException($"The index of subjects leads to entry {found[i].Index} where number {firstSequence + (ulong)i} about {subject} should be: run fsck.");
        }
        var next = found.Count == 0 ? 0 : found[^1].Index.Value + 1;
        return GoOn(found, reserved.Where(entry => entry.Index.Value >= next && entry.Subjects.Any(named => named.Subject == subject && named.Sequence >= firstSequence)), countMax);
    }

    public CommitmentPlaces FindCommitment(in Hash commitment, LeafIndex from, int countMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(countMax);
        if (_commitments is null)
            return new CommitmentPlaces([], default);
        _commitmentKeeper!.RequireRunning();
        return _commitments.Find(in commitment, from, countMax);
    }

    public bool TryPublish(TreeSize expected, StoredCheckpoint next, IReadOnlyList<StoredTile> tiles)
    {
        var published = _writer.TryPublish(expected, next, tiles);
        _housekeeper?.Wake();
        return published;
    }

    public ReadOnlyMemory<byte>? ReadTile(int level, ulong index) => _readers.Read(reader => reader.ReadTile(level, index));

    public StoredDocument? ReadDocument(string name) => _readers.Read(reader => reader.ReadDocument(name));

    public bool TryWriteDocument(string name, long expectedVersion, ReadOnlyMemory<byte> content)
    {
        var written = _writer.TryWriteDocument(name, expectedVersion, content);
        _housekeeper?.Wake();
        return written;
    }

    public IReadOnlyList<string> CheckFile() => _readers.Read(reader => reader.CheckFile());

    public long CountTiles() => _readers.Read(reader => reader.CountTiles());

    public TreeSize ReadSubjectIndex(Action<SubjectSequence, LeafIndex> row) => new(_readers.Read(reader => reader.ReadSubjectIndex(row)));

    /// <summary>Ends the background thread, waits for reads that have begun, and leaves one file without a journal, unless a write has failed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        _commitmentKeeper?.Dispose();
        _housekeeper?.Dispose();
        _readers.Dispose();
        _writer.Dispose();
        _reserve.Dispose();
        _folder.Dispose();
    }

    private static IReadOnlyList<T> GoOn<T>(IReadOnlyList<T> found, IEnumerable<T> reserved, int countMax)
    {
        var more = reserved.Take(countMax - found.Count).ToArray();
        return more.Length == 0 ? found : [.. found, .. more];
    }

    private static void Create(DataFolder folder, string path)
    {
        if (File.Exists(path + "-wal"))
            throw Refusals.Damaged(path, "only its journal is there");
        // Who starts a registry where one was must not get a new one.
        if (((string[])[SnapshotFile.FileName, SnapshotFile.CheckpointName, ControlJournal.FileName]).FirstOrDefault(name => File.Exists(folder.File(name))) is { } left)
            throw new StoreRefusedException($"{path} is missing, and {left} beside it is what a registry has left: put it back, or restore the data folder from a backup; a new registry takes an empty folder.") { IsDamage = true };
        try
        {
            LedgerSchema.Create(path);
        }
        catch (IOException e)
        {
            throw new StoreRefusedException($"{path} cannot be made ({e.Message.TrimEnd('.')}): look at the disk of the data folder.", e);
        }
    }
}
