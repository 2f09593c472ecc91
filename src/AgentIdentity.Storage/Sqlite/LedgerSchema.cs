using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>The tables, and the way from each version of them to the next.</summary>
internal static class LedgerSchema
{
    /// <summary>Version of the meaning of the bytes in the rows, which SQL cannot see: how many kinds of entries are known. The layout of the tables is counted by the list of migrations.</summary>
    /// <remarks>A kind is only ever added. An earlier version that opens a file to which this one has written entries refuses it at once, and says that it is from a newer one.</remarks>
    public static readonly long DataVersion = Enum.GetValues<EntryKind>().Length;

    /// <summary>Runs in the transaction that adds entries. Who has only opened the file has not barred the way back, and a disk without room for entries need not have any for this.</summary>
    public static readonly string RaiseDataVersion = $"UPDATE meta SET value = {DataVersion} WHERE name = 'data_version' AND value < {DataVersion}";

    // "AILG" in the header of the file, so that other people's databases are told from ours.
    private const long ApplicationId = 0x41494c47;

    /// <summary>Step n leads from layout n to n + 1, in one transaction. A step that was released is never changed.</summary>
    public static IReadOnlyList<string> Migrations { get; } =
    [
        // entries: the small column comes first, so that a search for a subject does not read the large ones.
        // subject_index: every column is in the key, so that inserting a row again changes nothing.
        $"""
        PRAGMA application_id = {ApplicationId};
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES ('data_version', {DataVersion}), ('indexed_size', 0);
        CREATE TABLE entries (idx INTEGER PRIMARY KEY, subjects BLOB NOT NULL, leaf BLOB NOT NULL, entry BLOB NOT NULL, opening BLOB NOT NULL);
        CREATE TABLE subject_index (subject BLOB, seq INTEGER, idx INTEGER, PRIMARY KEY (subject, seq, idx)) WITHOUT ROWID;
        CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL);
        CREATE TABLE tiles (level INTEGER, idx INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, idx));
        CREATE TABLE documents (name TEXT PRIMARY KEY, version INTEGER NOT NULL, content BLOB NOT NULL);
        """,
    ];

    /// <summary>Makes a database beside its final place and then names it, so that an empty or half-made file is never taken for a new ledger.</summary>
    public static void Create(string path)
    {
        var draft = path + ".new";
        foreach (var suffix in (string[])["-wal", "-shm"])
            File.Delete(draft + suffix);
        DataFolder.CreatePrivateFile(draft);
        using (var connection = Connection.OpenWriter(draft, cacheKibibytes: 1024))
            Upgrade(connection, Migrations);
        DataFolder.Rename(draft, path);
    }

    /// <summary>Refuses a file that is not ours or is newer than this program, and brings an older one up to date.</summary>
    public static void RequireCurrent(Connection connection, string path)
    {
        if (connection.ReadInteger("PRAGMA application_id") != ApplicationId)
            throw Refusals.Damaged(path, "it is not a ledger of AgentIdentity");
        var version = connection.ReadInteger("PRAGMA user_version");
        if (version < 1)
            throw Refusals.Damaged(path, $"{version} is no version of its tables");
        RequireKnown(version, Migrations.Count, path);
        Upgrade(connection, Migrations);
        RequireKnown(ReadDataVersion(connection), DataVersion, path);
    }

    /// <summary>Runs the steps that the file has not seen. A step that fails leaves the file as the step before left it.</summary>
    public static void Upgrade(Connection connection, IReadOnlyList<string> migrations)
    {
        for (var version = (int)connection.ReadInteger("PRAGMA user_version"); version < migrations.Count; version++)
            connection.Execute($"BEGIN IMMEDIATE; {migrations[version]}; PRAGMA user_version = {version + 1}; COMMIT");
    }

    /// <summary>How many kinds of entries were known to the newest version that has added entries.</summary>
    public static long ReadDataVersion(Connection connection) => connection.ReadInteger("SELECT value FROM meta WHERE name = 'data_version'");

    private static void RequireKnown(long found, long known, string path)
    {
        if (found > known)
            throw Refusals.Newer(path, found, known);
    }
}
