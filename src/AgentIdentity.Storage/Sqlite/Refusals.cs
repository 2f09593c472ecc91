using AgentIdentity.Registry.Sequencing;
using SQLitePCL;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>What a person reads when the store does not open: one sentence that says why and what to do.</summary>
internal static class Refusals
{
    public static StoreRefusedException Damaged(string path, string finding, Exception? cause = null) =>
        new($"{path} is damaged ({finding}): restore the data folder from a backup.", cause) { IsDamage = true };

    public static StoreRefusedException Newer(string path, long found, long known) =>
        new($"{path} was written by a newer AgentIdentity (version {found} of its data, this one knows up to {known}): start that version or a later one.");

    public static StoreRefusedException From(SqliteException failure, string path) => failure switch
    {
        { IsDamage: true } => Damaged(path, failure.Message, failure),
        // The index of the journal, a shared memory file, is made anew at each start and is the first to find the disk full.
        { IsFull: true } or { Code: raw.SQLITE_IOERR_SHMSIZE } => new($"There is no room to open {path}: free some space on its disk.", failure),
        { Primary: raw.SQLITE_BUSY } => new($"{path} is locked by another program: close that program.", failure),
        _ => new($"{path} cannot be opened ({failure.Message}): look at the disk and at the permissions of the data folder.", failure),
    };
}
