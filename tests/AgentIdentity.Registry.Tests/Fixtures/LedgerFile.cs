using AgentIdentity.Storage.Sqlite;
using SQLitePCL;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>The ledger's file in the hands of somebody who can write to it, while the registry does not run.</summary>
internal static class LedgerFile
{
    public static void Change(string folder, string sql, params byte[][] values)
    {
        Check(raw.sqlite3_open_v2(Path.Combine(folder, SqliteLedgerStore.FileName), out var db, raw.SQLITE_OPEN_READWRITE, null));
        using (db)
        {
            Check(raw.sqlite3_prepare_v2(db, sql, out var statement));
            using (statement)
            {
                for (var i = 0; i < values.Length; i++)
                    Check(raw.sqlite3_bind_blob(statement, i + 1, values[i]));
                Assert.Equal(raw.SQLITE_DONE, raw.sqlite3_step(statement));
            }
            Assert.Equal(1, raw.sqlite3_changes(db));
        }
    }

    /// <summary>The bytes of one column of one row.</summary>
    public static byte[] Read(string folder, string sql)
    {
        Check(raw.sqlite3_open_v2(Path.Combine(folder, SqliteLedgerStore.FileName), out var db, raw.SQLITE_OPEN_READONLY, null));
        using (db)
        {
            Check(raw.sqlite3_prepare_v2(db, sql, out var statement));
            using (statement)
            {
                Assert.Equal(raw.SQLITE_ROW, raw.sqlite3_step(statement));
                return raw.sqlite3_column_blob(statement, 0).ToArray();
            }
        }
    }

    /// <summary>Changes the last bytes of a column of one entry.</summary>
    public static void Spoil(string folder, string column, ulong index) =>
        Change(folder, $"UPDATE entries SET {column} = CAST(substr({column}, 1, length({column}) - 4) || x'5EC0DE01' AS BLOB) WHERE idx = {index}");

    /// <summary>Changes one bit inside a statement that an entry holds, so that it can still be read.</summary>
    public static void SpoilStatement(string folder, ulong index, byte[] statement)
    {
        var stored = Read(folder, $"SELECT entry FROM entries WHERE idx = {index}");
        stored[stored.AsSpan().IndexOf(statement) + statement.Length - 1] ^= 4;
        Change(folder, $"UPDATE entries SET entry = ? WHERE idx = {index}", stored);
    }

    /// <summary>Ends when the index of subjects, which follows the entries in the background, holds them all.</summary>
    public static async Task IndexAsync(string folder)
    {
        using var store = SqliteLedgerStore.Open(folder);
        while (store.ReadSubjectIndex((_, _) => { }) != store.Size)
            await Task.Delay(20);
    }

    private static void Check(int result) => Assert.Equal(raw.SQLITE_OK, result);
}
