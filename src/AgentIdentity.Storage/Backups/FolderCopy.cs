using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Reserve;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Storage.Backups;

/// <summary>Copies a data folder, file by file, readable by its owner alone. Who can read a copy can do what who can read the folder can do.</summary>
public static class FolderCopy
{
    private const string Keys = "keys";

    /// <summary>Copies the state of a folder at one moment, while another process may serve it; that one is not held up.</summary>
    /// <exception cref="StoreRefusedException">There is no registry in the folder, or the target is not empty.</exception>
    public static void TakeLive(string from, string to)
    {
        RequireRegistry(from);
        RequireEmpty(to);
        DataFolder.CreateDurably(Path.GetFullPath(to));
        // A snapshot that is newer than the ledger would not be believed, so it is copied before; a key that the ledger names must be there, so keys are
        // copied before (one may be replaced and deleted meanwhile) and after (one may be made).
        CopyKeys(from, to);
        CopyFile(from, to, SnapshotFile.FileName);
        // What it holds, a ledger that is copied later either lacks or has already; the other way round there might be a gap between the two.
        CopyFile(from, to, ControlJournal.FileName);
        using (var source = Connection.OpenReader(Path.Combine(from, SqliteLedgerStore.FileName), cacheKibibytes: 1024))
            Take(source, Path.Combine(to, SqliteLedgerStore.FileName));
        CopyKeys(from, to);
    }

    /// <summary>Copies a backup, or a folder whose process was killed, which nobody uses.</summary>
    /// <exception cref="StoreRefusedException">There is no registry in the backup, or the target is not empty.</exception>
    public static void TakeResting(string from, string to)
    {
        RequireRegistry(from);
        RequireEmpty(to);
        DataFolder.CreateDurably(Path.GetFullPath(to));
        CopyKeys(from, to);
        CopyFile(from, to, SnapshotFile.FileName);
        CopyFile(from, to, ControlJournal.FileName);
        CopyFile(from, to, SqliteLedgerStore.FileName);
        // Whoever was killed there, the server or fsck over a backup, has left in it what the file does not have yet.
        CopyFile(from, to, SqliteLedgerStore.FileName + "-wal");
    }

    /// <exception cref="StoreRefusedException">Something is in the folder.</exception>
    public static void RequireEmpty(string folder)
    {
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new StoreRefusedException($"{Path.GetFullPath(folder)} is not empty, and nothing there is overwritten: name a folder that is empty or not there yet.");
    }

    /// <summary>A folder beside the final place, which is copied into and gets its name when it is complete.</summary>
    /// <exception cref="StoreRefusedException">One is there already.</exception>
    public static string DraftOf(string folder, string suffix)
    {
        var draft = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar) + suffix;
        return Path.Exists(draft) ? throw new StoreRefusedException($"{draft} is there, of one that still runs or was ended in the middle: when none runs, delete it and begin again.") : draft;
    }

    /// <summary>Takes everything out of a folder that was empty before it was copied into.</summary>
    public static void Clear(string folder)
    {
        var taken = new DirectoryInfo(folder);
        if (!taken.Exists)
            return;
        foreach (var file in taken.EnumerateFiles())
            file.Delete();
        foreach (var inner in taken.EnumerateDirectories())
            inner.Delete(recursive: true);
    }

    /// <summary>Gives a complete folder its final name, so that after a power failure it is there whole or not at all.</summary>
    public static void Rename(string from, string to)
    {
        if (Directory.Exists(to))
            Directory.Delete(to);
        Directory.Move(from, to);
        DataFolder.FlushNames(Path.GetDirectoryName(Path.GetFullPath(to))!);
    }

    /// <summary>Writes a file of the owner's, as a whole or not at all.</summary>
    public static void WriteFile(string path, byte[] content) => DurableFile.Replace(path, stream => stream.Write(content));

    private static void RequireRegistry(string folder)
    {
        if (!File.Exists(Path.Combine(folder, SqliteLedgerStore.FileName)))
            throw new StoreRefusedException($"There is no registry in {Path.GetFullPath(folder)}.");
    }

    // One read of the whole database, in one transaction: commits go on beside it. Pages that hold nothing any more are left behind.
    private static void Take(Connection source, string path)
    {
        DataFolder.CreatePrivateFile(path);
        try
        {
            source.Prepare("VACUUM INTO ?").Bind(1, path).Execute();
        }
        catch (SqliteException failure)
        {
            throw Refusals.From(failure, path);
        }
        using (var written = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
            written.Flush(flushToDisk: true);
        DataFolder.FlushNames(Path.GetDirectoryName(path)!);
    }

    private static void CopyKeys(string from, string to)
    {
        var (source, target) = (Path.Combine(from, Keys), Path.Combine(to, Keys));
        if (!Directory.Exists(source))
            return;
        DataFolder.CreateDurably(Path.GetFullPath(target));
        foreach (var file in Directory.EnumerateFiles(source, "*.json"))
            CopyFile(source, target, Path.GetFileName(file));
    }

    private static void CopyFile(string from, string to, string name)
    {
        try
        {
            using var source = File.OpenRead(Path.Combine(from, name));
            DurableFile.Replace(Path.Combine(to, name), source.CopyTo);
        }
        catch (FileNotFoundException)
        {
            // There may be no snapshot yet, and a key may just have been replaced: what has to be there is asked for when the copy is opened.
        }
    }
}
