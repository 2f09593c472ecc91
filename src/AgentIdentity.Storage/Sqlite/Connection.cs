using SQLitePCL;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>One connection to the database file, for one thread at a time.</summary>
/// <remarks>
/// It speaks to SQLite directly: ADO.NET would allocate for each row, and would hide the result codes that tell a full disk from a failed one.
/// </remarks>
internal sealed class Connection : IDisposable
{
    // Nothing of ours waits for a lock of SQLite's: one thread writes at a time. Someone looking at the file with another program is waited for.
    private const int BusyMilliseconds = 5_000;

    // Writes stand still meanwhile. A read takes about a millisecond; for a longer one the journal grows until the next attempt.
    public const int ReadersMilliseconds = 10;

    // Once after an erasure, whose caller is told what came of it, and at a start. Writes stand still meanwhile.
    public const int EmptyingMilliseconds = 1_000;

    private readonly sqlite3 _db;
    private readonly List<Statement> _statements = [];

    private Connection(sqlite3 db) => _db = db;

    /// <summary>Whether a transaction is open.</summary>
    public bool IsInTransaction => raw.sqlite3_get_autocommit(_db) == 0;

    /// <summary>Opens for writing, with the write-ahead journal, where each commit is flushed to the disk before it returns.</summary>
    public static Connection OpenWriter(string path, int cacheKibibytes)
    {
        var connection = Open(path, raw.SQLITE_OPEN_READWRITE, cacheKibibytes);
        try
        {
            connection.UseJournal();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens for reading only.</summary>
    public static Connection OpenReader(string path, int cacheKibibytes) => Open(path, raw.SQLITE_OPEN_READONLY, cacheKibibytes);

    /// <summary>A statement that is prepared once and lives as long as the connection.</summary>
    public Statement Prepare(string sql)
    {
        var code = raw.sqlite3_prepare_v3(_db, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle);
        Require(code);
        var statement = new Statement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    public void Execute(string sql) => Require(raw.sqlite3_exec(_db, sql));

    /// <summary>The first column of the first row.</summary>
    public long ReadInteger(string sql)
    {
        using var statement = new Statement(this, PrepareOnce(sql));
        return statement.Step() ? statement.Integer(0) : throw new SqliteException(raw.SQLITE_ERROR, $"no row from: {sql}");
    }

    /// <summary>Takes back the open transaction, if there is one. Whether that worked is seen by reading.</summary>
    public void RollBack()
    {
        if (IsInTransaction)
            _ = raw.sqlite3_exec(_db, "ROLLBACK");
    }

    /// <summary>Pages written to the journal since the last call.</summary>
    public int TakePagesWritten()
    {
        Require(raw.sqlite3_db_status(_db, raw.SQLITE_DBSTATUS_CACHE_WRITE, out var pages, out _, resetFlg: 1));
        return pages;
    }

    /// <summary>Copies what the journal holds into the database file and flushes that; true if all of it was copied, so that no reader was in the way.</summary>
    public bool CopyJournal() => TryCheckpoint(raw.SQLITE_CHECKPOINT_PASSIVE);

    /// <summary>The same, and then waits for the reads that still need the journal, for a moment: if they end, the next write starts it from the beginning.</summary>
    public bool FinishJournal()
    {
        Require(raw.sqlite3_busy_timeout(_db, ReadersMilliseconds));
        return TryCheckpoint(raw.SQLITE_CHECKPOINT_RESTART);
    }

    /// <summary>Copies all of the journal and cuts it to nothing, so that no byte of it stays; false when a read is in the way for longer than that.</summary>
    public bool EmptyJournal(int readersMilliseconds)
    {
        Require(raw.sqlite3_busy_timeout(_db, readersMilliseconds));
        var isEmpty = TryCheckpoint(raw.SQLITE_CHECKPOINT_TRUNCATE);
        Require(raw.sqlite3_busy_timeout(_db, BusyMilliseconds));
        return isEmpty;
    }

    /// <summary>Leaves the journal as it is when the last connection closes; otherwise SQLite copies it into the database and deletes it.</summary>
    public void KeepJournalOnClose() => Require(raw.sqlite3_db_config(_db, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _));

    public void Dispose()
    {
        foreach (var statement in _statements)
            statement.Dispose();
        _db.Dispose();
    }

    public void Require(int code)
    {
        if (code != raw.SQLITE_OK)
            throw Failure(code);
    }

    public SqliteException Failure(int code) => new(code, raw.sqlite3_errmsg(_db).utf8_to_string());

    private static Connection Open(string path, int access, int cacheKibibytes)
    {
        _ = SqliteLibrary.Current;
        var code = raw.sqlite3_open_v2(path, out var db, access | raw.SQLITE_OPEN_NOMUTEX | raw.SQLITE_OPEN_PRIVATECACHE, null);
        var connection = new Connection(db);
        try
        {
            connection.Require(code);
            connection.Configure(cacheKibibytes);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void Configure(int cacheKibibytes)
    {
        Require(raw.sqlite3_extended_result_codes(_db, 1));
        Require(raw.sqlite3_busy_timeout(_db, BusyMilliseconds));
        // The file is not trusted: nothing in its schema may call functions, and each page that is read is looked at before it is used.
        Execute($"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA cache_size=-{cacheKibibytes}");
    }

    private void UseJournal()
    {
        var mode = new Statement(this, PrepareOnce("PRAGMA journal_mode=WAL"));
        using (mode)
        {
            if (!mode.Step() || mode.Text(0) != "wal")
                throw new SqliteException(raw.SQLITE_CANTOPEN, "the file system does not allow a write-ahead journal");
        }

        // The journal is copied by a thread of its own, never inside a commit. fullfsync matters on macOS only, where fsync does not reach the disk.
        Execute("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON");
        // What is erased or freed is overwritten with zeros. Entries are only appended, so their commits pay nothing for it.
        Execute("PRAGMA secure_delete=ON");
    }

    private bool TryCheckpoint(int mode)
    {
        var code = raw.sqlite3_wal_checkpoint_v2(_db, null, mode, out var pages, out var copied);
        if ((code & 0xff) == raw.SQLITE_BUSY)
            return false;
        Require(code);
        return copied == pages;
    }

    private sqlite3_stmt PrepareOnce(string sql)
    {
        Require(raw.sqlite3_prepare_v2(_db, sql, out var handle));
        return handle;
    }
}
