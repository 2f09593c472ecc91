using System.Runtime.InteropServices;

namespace AgentIdentity.Client;

/// <summary>Files, readable by their owner alone, that survive a crash at any moment.</summary>
internal static partial class DurableFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces the file: afterwards, even after a power failure, there is the old content or the new and nothing else.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var next = path + ".next";
        Write(next, FileMode.Create, content);
        File.Move(next, path, overwrite: true);
        FlushFolderOf(path);
    }

    /// <summary>Appends; what was there is not touched, and a line that a crash has torn stays a line of its own.</summary>
    public static void AppendLines(string path, ReadOnlySpan<byte> lines)
    {
        Write(path, FileMode.Append, EndsTorn(path) ? [(byte)'\n', .. lines] : lines);
        FlushFolderOf(path);
    }

    private static bool EndsTorn(string path)
    {
        if (!File.Exists(path))
            return false;
        using var file = File.OpenHandle(path);
        Span<byte> last = stackalloc byte[1];
        var length = RandomAccess.GetLength(file);
        return length > 0 && RandomAccess.Read(file, last, length - 1) == 1 && last[0] != '\n';
    }

    private static void Write(string path, FileMode mode, ReadOnlySpan<byte> content)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        using var file = new FileStream(path, options);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    // The name of a new file is durable only when its folder is; .NET opens no folders.
    private static void FlushFolderOf(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
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
