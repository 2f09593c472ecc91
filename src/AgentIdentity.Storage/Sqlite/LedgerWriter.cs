using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Reserve;
using SQLitePCL;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>The one connection that writes, and what it has committed.</summary>
/// <remarks>
/// A full disk is survived once it is proved, by reading again, that nothing was written. After any other failure nothing is tried again: a flush that
/// failed may have dropped the pages, and the next one would report success for them. Only a restart, which reads everything anew, tells what is on the disk.
/// </remarks>
internal sealed class LedgerWriter : IDisposable
{
    // 64 MiB hold the hot pages of the subject index of a million entries; entries themselves are written once and need no cache.
    private const int CacheKibibytes = 64 * 1024;

    private const int DocumentBytesMax = 64 * 1024;
    private const int ProbesMax = 1024;

    // Held before the gate by whoever copies the journal, so that never two do.
    private readonly Lock _copying = new();
    private readonly WriteGate _gate = new();
    private readonly Connection _connection;
    private readonly ControlJournal _reserve;
    private readonly DiskWatch _disk;
    private readonly Statement _begin, _commit, _raiseDataVersion, _insertEntry, _eraseEntry, _indexSubject, _setIndexedSize, _readCheckpoint, _setCheckpoint, _widenTile, _readVersion, _writeDocument;
    private byte[] _subjects = new byte[8 * SubjectBytes.Size];
    private bool _flushes = true;
    private bool _isClosed;

    // Written under the gate, read anywhere.
    private volatile LedgerState _state;
    private volatile Exception? _failure;
    private volatile int _journalPages;
    private volatile bool _mustEmptyJournal;

    public LedgerWriter(string path, ControlJournal reserve, DiskWatch disk)
    {
        (_reserve, _disk) = (reserve, disk);
        _connection = Connection.OpenWriter(path, CacheKibibytes);
        try
        {
            LedgerSchema.RequireCurrent(_connection, path);
            _begin = _connection.Prepare("BEGIN IMMEDIATE");
            _commit = _connection.Prepare("COMMIT");
            _raiseDataVersion = _connection.Prepare(LedgerSchema.RaiseDataVersion);
            _insertEntry = _connection.Prepare("INSERT INTO entries (idx, subjects, leaf, entry, opening) VALUES (?, ?, ?, ?, ?)");
            _eraseEntry = _connection.Prepare("UPDATE entries SET entry = ?, opening = x'' WHERE idx = ? RETURNING idx");
            _indexSubject = _connection.Prepare("INSERT OR IGNORE INTO subject_index (subject, seq, idx) VALUES (?, ?, ?)");
            _setIndexedSize = _connection.Prepare("UPDATE meta SET value = ? WHERE name = 'indexed_size'");
            _readCheckpoint = _connection.Prepare("SELECT size, root, note FROM checkpoint");
            _setCheckpoint = _connection.Prepare("REPLACE INTO checkpoint (id, size, root, note) VALUES (0, ?, ?, ?)");
            _widenTile = _connection.Prepare(
                "INSERT INTO tiles (level, idx, hashes) VALUES (?, ?, ?) "
                + "ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes WHERE length(excluded.hashes) > length(hashes)");
            _readVersion = _connection.Prepare("SELECT version FROM documents WHERE name = ?");
            _writeDocument = _connection.Prepare(
                "INSERT INTO documents (name, version, content) VALUES (?, ?, ?) "
                + "ON CONFLICT (name) DO UPDATE SET version = excluded.version, content = excluded.content");
            _state = ReadState();
            RequireSound(_state, path);
            if (TryEmptyJournal(Connection.EmptyingMilliseconds))
                RequireWhole(path);
            TakeUp(reserve.Found, path);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public LedgerState State => _state;

    /// <summary>Pages written to the journal since it was last copied into the database.</summary>
    public int JournalPages => _journalPages;

    public bool HasFailed => _failure is not null;

    /// <summary>Whether a read was in the way of cutting the journal after an erasure, or the disk was full.</summary>
    public bool MustEmptyJournal => _mustEmptyJournal && !HasFailed;

    /// <summary>For tests that take away room, or break a table.</summary>
    internal Connection Connection => _connection;

    public void Append(LeafIndex first, IReadOnlyList<StoredEntry> entries) => Write(state =>
    {
        RequireNext(state.Size, first);
        CommitEntries(first, entries, []);
        return state with { Size = new TreeSize(state.Size.Value + (ulong)entries.Count) };
    });

    public void AppendToReserve(LeafIndex first, IReadOnlyList<StoredEntry> entries)
    {
        using var waiting = _disk.Begin(DiskWork.ControlJournal);
        using var _ = _gate.Enter();
        RequireGood();
        RequireNext(_state.Whole, first);
        try
        {
            _reserve.Append(entries);
        }
        catch (Exception failure) when (failure is not StoreFullException)
        {
            Fail(failure);
            throw;
        }
        _state = _state with { Reserved = [.. _state.Reserved, .. entries] };
    }

    public bool AppendErasing(LeafIndex first, IReadOnlyList<StoredEntry> entries, IReadOnlyList<StoredStub> stubs)
    {
        Write(state =>
        {
            RequireNext(state.Size, first);
            CommitEntries(first, entries, stubs);
            return state with { Size = new TreeSize(state.Size.Value + (ulong)entries.Count) };
        });
        _mustEmptyJournal = true;
        EmptyErasedJournal(Connection.EmptyingMilliseconds);
        return !_mustEmptyJournal;
    }

    public bool TryPublish(TreeSize expected, StoredCheckpoint next, IReadOnlyList<StoredTile> tiles) => Write(state =>
    {
        if (state.CheckpointSize != expected)
            return state;
        if (next.Size.Value < expected.Value || next.Size.Value > state.Size.Value)
            throw new InvalidOperationException($"A checkpoint of size {next.Size} lies outside {expected} (the last one) to {state.Size} (the entries).");
        Commit(flush: true, () =>
        {
            foreach (var tile in tiles)
                Widen(tile);
            _setCheckpoint.Bind(1, checked((long)next.Size.Value)).Bind(2, next.Root.ToArray()).Bind(3, next.Note).Execute();
        });
        return state with { Checkpoint = next };
    });

    public bool TryWriteDocument(string name, long expectedVersion, ReadOnlyMemory<byte> content) => Write(state =>
    {
        if (content.Length > DocumentBytesMax)
            throw new ArgumentException($"A document has at most {DocumentBytesMax} bytes; {name} has {content.Length}.", nameof(content));
        if (_readVersion.Bind(1, name).First(row => row.Integer(0)) != expectedVersion)
            return state;
        Commit(flush: true, () => _writeDocument.Bind(1, name).Bind(2, expectedVersion + 1).Bind(3, content.Span).Execute());
        return state with { DocumentWrites = state.DocumentWrites + 1 };
    });

    /// <summary>
    /// Adds rows to the subject index, and says with the last of a run how far the index is complete. Not flushed: what a power failure takes from the index
    /// is found in the entries again, and the next flushed commit takes it along.
    /// </summary>
    public void Index(List<SubjectRow> rows, TreeSize complete) => Change(state =>
    {
        Commit(flush: false, () =>
        {
            foreach (var row in rows)
                Insert(row);
            _setIndexedSize.Bind(1, (long)complete.Value).Execute();
        });
        return state with { Indexed = complete };
    });

    /// <summary>Copies the journal when it is longer than <paramref name="pagesMax"/>, and the end of it while nobody writes.</summary>
    // SQLite before 3.51.3 can lose commits when a write starts the journal anew while a copy runs that found nothing left to copy. So a copy runs beside
    // writes only when there is something to copy, which is what a count of pages above 0 says; and the one that may find nothing shuts out writes.
    public void CopyLongJournal(Connection copier, int pagesMax)
    {
        lock (_copying)
        {
            if (_journalPages < pagesMax || HasFailed)
                return;
            using var waiting = _disk.Begin(DiskWork.JournalCopy);
            copier.CopyJournal();
            FinishJournal(copier);
        }
    }

    /// <summary>After an erasure: the journal holds what was erased until it is cut.</summary>
    public void EmptyErasedJournal(int readersMilliseconds = Connection.ReadersMilliseconds)
    {
        lock (_copying)
        {
            using var _ = _gate.Enter();
            if (!_mustEmptyJournal || _failure is not null)
                return;
            using var waiting = _disk.Begin(DiskWork.JournalCopy);
            if (!TryEmptyJournal(readersMilliseconds))
                return;
            _mustEmptyJournal = false;
            _journalPages = 0;
        }
    }

    /// <summary>Copies the end of the journal while nobody writes, so that the next write starts it from the beginning. If a read is in the way, it just grows on.</summary>
    public void FinishJournal(Connection copier)
    {
        using var _ = _gate.Enter();
        if (_failure is null)
            copier.FinishJournal();
        _journalPages = 0;
    }

    /// <summary>Refuses every further write.</summary>
    public void Fail(Exception failure) => _failure ??= failure;

    public void Dispose()
    {
        using var _ = _gate.Enter();
        _isClosed = true;
        if (_failure is not null)
            _connection.KeepJournalOnClose();
        _connection.Dispose();
    }

    // What is in the control journal has been acknowledged, with its place: it goes before anything else.
    private bool Write(Func<LedgerState, LedgerState> change)
    {
        // With the wait for whoever else writes, since that is what the disk has made of it.
        using var waiting = _disk.Begin(DiskWork.Commit);
        using var _ = _gate.Enter();
        RequireGood();
        MoveReserved();
        var before = _state;
        _state = Attempt(change, before);
        return !ReferenceEquals(before, _state);
    }

    private void Change(Func<LedgerState, LedgerState> change)
    {
        using var waiting = _disk.Begin(DiskWork.Index);
        using var _ = _gate.Enter();
        RequireGood();
        _state = Attempt(change, _state);
    }

    private void RequireGood()
    {
        ObjectDisposedException.ThrowIf(_isClosed, typeof(SqliteLedgerStore));
        if (_failure is { } failure)
            throw new InvalidOperationException("The store refuses every write since one has failed: restart the process.", failure);
    }

    // They may be of an earlier version, and whoever opens the folder moves them: what raises the version of the data is the next entry.
    private void MoveReserved()
    {
        if (_state.Reserved.Count == 0)
            return;
        _state = Attempt(state =>
        {
            Commit(flush: true, () =>
            {
                foreach (var entry in state.Reserved)
                    Insert(entry, entry.Index.Value);
            });
            return state with { Size = state.Whole, Reserved = [] };
        }, _state);
        EmptyReserve();
    }

    private void EmptyReserve()
    {
        try
        {
            _reserve.Clear();
        }
        catch (Exception failure)
        {
            Fail(failure);
            throw;
        }
    }

    // What a process has left in the control journal: the database may have it already, when that process ended before it could empty the journal.
    private void TakeUp(IReadOnlyList<StoredEntry> found, string path)
    {
        if (found.Count == 0)
            return;
        if (found[0].Index.Value > _state.Size.Value || found.Zip(found.Skip(1)).Any(pair => pair.First.Index.Value + 1 != pair.Second.Index.Value))
            throw Refusals.Damaged(path, $"it has {_state.Size} entries, and the control journal goes on from entry {found[0].Index}");
        foreach (var entry in found.TakeWhile(entry => _state.Size.Contains(entry.Index)))
            RequireSame(entry, path);
        _state = _state with { Reserved = [.. found.SkipWhile(entry => _state.Size.Contains(entry.Index))] };
        try
        {
            if (_state.Reserved.Count == 0)
                EmptyReserve();
            else
                MoveReserved();
        }
        catch (StoreFullException)
        {
            // They are in force from where they are, and moved when there is room.
        }
    }

    private void RequireSame(StoredEntry entry, string path)
    {
        var leaf = _connection.Prepare("SELECT leaf FROM entries WHERE idx = ?").Bind(1, checked((long)entry.Index.Value)).First(row => row.Bytes(0).ToArray());
        if (!entry.Leaf.AsSpan().SequenceEqual(leaf))
            throw Refusals.Damaged(path, $"its entry {entry.Index} is not the one in the control journal");
    }

    private LedgerState Attempt(Func<LedgerState, LedgerState> change, LedgerState before)
    {
        try
        {
            return change(before);
        }
        catch (Exception failure)
        {
            if (RollBackTo(before) && failure is SqliteException { IsFull: true })
                throw new StoreFullException("There is no room on the disk of the data folder; nothing was written.", failure);
            Fail(failure);
            throw;
        }
    }

    /// <summary>Takes back what is not committed; true if what is committed now is what was committed before.</summary>
    private bool RollBackTo(LedgerState before)
    {
        try
        {
            _connection.RollBack();
            _ = _connection.TakePagesWritten();
            return ReadState() with { Reserved = before.Reserved } == before;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    private void CommitEntries(LeafIndex first, IReadOnlyList<StoredEntry> entries, IReadOnlyList<StoredStub> stubs) => Commit(flush: true, () =>
    {
        _raiseDataVersion.Execute();
        for (var i = 0; i < entries.Count; i++)
            Insert(entries[i], first.Value + (ulong)i);
        foreach (var stub in stubs)
            Erase(stub);
    });

    private void Commit(bool flush, Action change)
    {
        FlushCommits(flush);
        _begin.Execute();
        change();
        _commit.Execute();
        _journalPages += _connection.TakePagesWritten();
    }

    private void FlushCommits(bool flush)
    {
        if (_flushes == flush)
            return;
        _connection.Execute(flush ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
        _flushes = flush;
    }

    private void Insert(StoredEntry entry, ulong index)
    {
        if (entry.Index.Value != index)
            throw new InvalidOperationException($"The entry at {index} says that its index is {entry.Index}.");
        _insertEntry.Bind(1, checked((long)index)).Bind(2, SubjectBytes.Write(entry.Subjects, ref _subjects))
            .Bind(3, entry.Leaf).Bind(4, entry.Entry).Bind(5, entry.Opening).Execute();
    }

    private void Erase(StoredStub stub)
    {
        if (_eraseEntry.Bind(1, stub.Stub).Bind(2, checked((long)stub.Index.Value)).First(row => row.Integer(0) + 1) == 0)
            throw new InvalidOperationException($"There is no entry {stub.Index} to erase.");
    }

    private static void RequireNext(TreeSize size, LeafIndex first)
    {
        if (first.Value != size.Value)
            throw new InvalidOperationException($"The next index is {size}; an append at {first} comes from a second writer.");
    }

    private void Insert(in SubjectRow row)
    {
        Span<byte> subject = stackalloc byte[SubjectId.Size];
        row.Subject.CopyTo(subject);
        _indexSubject.Bind(1, subject).Bind(2, row.Sequence).Bind(3, row.Index).Execute();
    }

    private void Widen(StoredTile tile)
    {
        if (tile.Hashes.Length is 0 or > 256 * Hash.Size || tile.Hashes.Length % Hash.Size != 0)
            throw new ArgumentException($"A tile has 1 to 256 hashes of {Hash.Size} bytes; tile {tile.Level}/{tile.Index} has {tile.Hashes.Length} bytes.");
        _widenTile.Bind(1, tile.Level).Bind(2, checked((long)tile.Index)).Bind(3, tile.Hashes).Execute();
    }

    // What was read out of the journal of a process that died may never have reached the disk. Writing it to the database and flushing that settles it.
    // It is cut as well, since that process may have erased something.
    private bool TryEmptyJournal(int readersMilliseconds)
    {
        try
        {
            return _connection.EmptyJournal(readersMilliseconds);
        }
        catch (SqliteException failure) when (failure.IsFull)
        {
            // Reading goes on without room, and the journal keeps what could not be copied.
            return false;
        }
    }

    private LedgerState ReadState() => new(
        new TreeSize((ulong)_connection.ReadInteger("SELECT coalesce(max(idx) + 1, 0) FROM entries")),
        new TreeSize((ulong)_connection.ReadInteger("SELECT value FROM meta WHERE name = 'indexed_size'")),
        _readCheckpoint.First(Checkpoint),
        _connection.ReadInteger("SELECT coalesce(sum(version), 0) FROM documents"));

    private static StoredCheckpoint Checkpoint(Statement row)
    {
        var root = row.Bytes(1);
        if (root.Length != Hash.Size)
            throw new SqliteException(raw.SQLITE_CORRUPT, $"the root of the checkpoint has {root.Length} bytes");
        return new StoredCheckpoint(new TreeSize((ulong)row.Integer(0)), Hash.Read(root), row.Text(2));
    }

    // SQLite counts a page of which only a part is there, and reads zeros for the rest.
    private void RequireWhole(string path)
    {
        var expected = _connection.ReadInteger("PRAGMA page_count") * _connection.ReadInteger("PRAGMA page_size");
        var found = new FileInfo(path).Length;
        if (found < expected)
            throw Refusals.Damaged(path, $"it has {found} of {expected} bytes");
    }

    // Not PRAGMA quick_check, which reads the whole file: entries at even distances are looked up, which takes milliseconds at any size and finds each hole
    // wider than that distance. A smaller one is found by the read that meets it, or by checking the whole tree.
    private void RequireSound(LedgerState state, string path)
    {
        var size = (long)state.Size.Value;
        var distance = size / ProbesMax + 1;
        var expected = (size + distance - 1) / distance;
        var found = _connection.ReadInteger(
            $"WITH RECURSIVE probe(i) AS (SELECT 0 UNION ALL SELECT i + {distance} FROM probe WHERE i + {distance} < {size}) "
            + "SELECT count(e.subjects) FROM probe CROSS JOIN entries e ON e.idx = probe.i");
        if (found != expected)
            throw Refusals.Damaged(path, $"of {size} entries some are missing");
        if (state.CheckpointSize.Value > state.Size.Value || state.Indexed.Value > state.Size.Value)
            throw Refusals.Damaged(path, $"it has {size} entries, fewer than its checkpoint of {state.CheckpointSize} or its index of {state.Indexed} say");
    }
}
