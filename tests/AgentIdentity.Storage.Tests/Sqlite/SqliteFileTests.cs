using System.Runtime.Versioning;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Sqlite;

public sealed class SqliteFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.Combine(SqliteLedgerStore.FileName);

    public void Dispose() => _folder.Dispose();

    [SkippableFact, UnsupportedOSPlatform("windows")]
    public void Only_the_owner_may_read_the_folder_and_its_files()
    {
        Skip.If(OperatingSystem.IsWindows(), "access lists, not modes");
        var folder = _folder.Combine("new/data");
        using var store = SqliteLedgerStore.Open(folder);
        store.Append(1);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        Assert.Equal(["LOCK", "control-journal", "ledger.db", "ledger.db-shm", "ledger.db-wal"], Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(folder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public void A_closed_store_is_one_file_beside_its_lock_and_its_reserve()
    {
        using (var store = SqliteLedgerStore.Open(_folder.Path))
            store.Append(1000);

        Assert.Equal(["LOCK", "control-journal", "ledger.db"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_a_crash_left_of_making_the_file_is_in_nobodys_way()
    {
        File.WriteAllText(Database + ".new", "half");
        File.WriteAllText(Database + ".new-wal", "half");

        using var store = SqliteLedgerStore.Open(_folder.Path);

        Assert.Equal(default, store.Size);
        Assert.False(File.Exists(Database + ".new"));
    }

    [Fact]
    public void A_write_that_fails_ends_all_writing_and_leaves_the_journal_for_the_next_start()
    {
        using (var store = SqliteLedgerStore.Open(_folder.Path))
        {
            store.Append(5);
            store.Writer.Connection.Execute("CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END");
            Assert.Throws<SqliteException>(() => store.Append(1));

            store.Writer.Connection.Execute("DROP TRIGGER broken");
            Assert.Throws<InvalidOperationException>(() => store.Append(1));
            AssertEntries(0, 5, store.Read(default, 10));
        }

        Assert.True(File.Exists(Database + "-wal"));
        using var reopened = SqliteLedgerStore.Open(_folder.Path);
        AssertEntries(0, 5, reopened.Read(default, 10));
        reopened.Append(1);
    }

    [Fact]
    public void A_step_to_a_newer_layout_that_fails_leaves_the_layout_before_it()
    {
        SqliteLedgerStore.Open(_folder.Path).Dispose();
        using var connection = Connection.OpenWriter(Database, cacheKibibytes: 64);
        const string Step = "CREATE TABLE next (a); INSERT INTO next VALUES (1);";

        Assert.Throws<SqliteException>(() => LedgerSchema.Upgrade(connection, [.. LedgerSchema.Migrations, Step + "no such statement"]));
        connection.RollBack();
        Assert.Equal(LedgerSchema.Migrations.Count, connection.ReadInteger("PRAGMA user_version"));
        Assert.Equal(0, connection.ReadInteger("SELECT count(*) FROM sqlite_master WHERE name = 'next'"));

        LedgerSchema.Upgrade(connection, [.. LedgerSchema.Migrations, Step]);
        Assert.Equal(LedgerSchema.Migrations.Count + 1, connection.ReadInteger("PRAGMA user_version"));
        Assert.Equal(1, connection.ReadInteger("SELECT a FROM next"));
    }

    [Fact]
    public void Appends_are_flushed_and_the_index_is_not()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        using var reader = new LedgerReader(Database);
        store.Append(1);
        Assert.Equal(2, store.Writer.Connection.ReadInteger("PRAGMA synchronous"));
        new SubjectIndexer(reader, store.Writer).IndexRun(CancellationToken.None);
        Assert.Equal(1, store.Writer.Connection.ReadInteger("PRAGMA synchronous"));
        store.Append(1);
        Assert.Equal(2, store.Writer.Connection.ReadInteger("PRAGMA synchronous"));
    }

    [Fact]
    public void The_newer_SQLite_runs_and_its_version_can_be_logged()
    {
        Assert.Matches(@"^3\.\d+\.\d+ \((libsqlite3\.so\.0|libsqlite3\.dylib|e_sqlite3)\)$", SqliteLedgerStore.SqliteVersion);
        // 3.35.5 is the one that the package brings.
        Assert.True(SqliteLibrary.Current.Number >= 3_035_005, SqliteLedgerStore.SqliteVersion);
    }
}
