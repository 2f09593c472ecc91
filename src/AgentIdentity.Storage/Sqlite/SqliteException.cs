using SQLitePCL;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>SQLite refused or failed. The code is the extended one.</summary>
public sealed class SqliteException(int code, string message) : Exception($"SQLite error {code}: {message}")
{
    public int Code => code;

    /// <summary>No room on the disk, or none below the limit of pages. SQLite has taken the transaction back.</summary>
    internal bool IsFull => Primary == raw.SQLITE_FULL;

    /// <summary>The bytes of the file are not those of a sound database with our tables.</summary>
    internal bool IsDamage => Primary is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_ERROR or raw.SQLITE_MISMATCH;

    internal int Primary => code & 0xff;
}
