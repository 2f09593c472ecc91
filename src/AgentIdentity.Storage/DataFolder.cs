using System.Runtime.InteropServices;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage;

/// <summary>The folder that holds all state, held against every other process for as long as this object lives.</summary>
/// <remarks>Who can write to the folder can do anything to the store; the ledger's proofs exist so that it cannot go unnoticed.</remarks>
internal sealed partial class DataFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream held)
    {
        Path = path;
        _lock = held;
    }

    public string Path { get; }

    /// <summary>Makes the folder if it is missing, and takes its lock.</summary>
    /// <exception cref="StoreRefusedException">Another process holds it, or it cannot be made.</exception>
    public static DataFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            CreateDurably(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"The data folder {path} cannot be made ({e.Message.TrimEnd('.')}): choose a folder that this user may write to.", e);
        }

        return new DataFolder(path, TakeLock(path));
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Makes an empty file that only its owner may read, in the place of one of that name.</summary>
    public static void CreatePrivateFile(string path)
    {
        System.IO.File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        new FileStream(path, options).Dispose();
    }

    /// <summary>Gives a complete file its final name, so that after a power failure it is there whole or not at all.</summary>
    public static void Rename(string from, string to)
    {
        System.IO.File.Move(from, to);
        FlushNames(System.IO.Path.GetDirectoryName(to)!);
    }

    public void Dispose() => _lock.Dispose();

    public static void CreateDurably(string path)
    {
        if (Directory.Exists(path))
            return;
        var parent = System.IO.Path.GetDirectoryName(path)!;
        CreateDurably(parent);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        FlushNames(parent);
    }

    // The file stays when the lock is given back: deleting it would let two processes hold locks on two files of one name.
    private static FileStream TakeLock(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        try
        {
            return new FileStream(System.IO.Path.Combine(path, "LOCK"), options);
        }
        catch (IOException e)
        {
            throw new StoreRefusedException($"The data folder {path} is in use by another process: stop that process, or choose another folder.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreRefusedException($"The data folder {path} may not be written to by this user: start as the user that owns it.", e);
        }
    }

    // A new name in a folder survives a power failure only when the folder itself was flushed; .NET offers no call for that.
    public static void FlushNames(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = OpenDescriptor(folder, 0);
        var failed = descriptor < 0 || Flush(descriptor) != 0;
        var error = Marshal.GetLastPInvokeErrorMessage();
        if (descriptor >= 0)
            _ = Close(descriptor);
        if (failed)
            throw new IOException($"The folder {folder} could not be flushed: {error}.");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
