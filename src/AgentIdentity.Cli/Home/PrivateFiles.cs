namespace AgentIdentity.Cli.Home;

/// <summary>Files and folders for their owner alone: 0600 and 0700. (On Windows the user's profile has such rights by itself.)</summary>
internal static class PrivateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerOnly | UnixFileMode.UserExecute;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Makes the folder with mode 0700, and takes others' rights away from one that is there.</summary>
    public static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }
        Directory.CreateDirectory(path, OwnerFolder);
        if ((File.GetUnixFileMode(path) & Others) != 0)
            File.SetUnixFileMode(path, OwnerFolder);
    }

    /// <summary>Makes a folder among the temporary ones, for as long as a verb runs.</summary>
    public static string MakeTemporaryFolder(string prefix)
    {
        try
        {
            return Directory.CreateTempSubdirectory(prefix).FullName;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw Failure.Usage($"No folder can be made in {Path.GetTempPath()}: {refused.Message}", "Name a folder for temporary files with TMPDIR.");
        }
    }

    /// <summary>Writes a file that is not there yet; one that is there stays, and that is an error.</summary>
    public static void WriteNew(string path, ReadOnlySpan<byte> content) => Write(path, FileMode.CreateNew, content);

    /// <summary>Puts a whole new content in the place of the old one: whoever reads meanwhile sees one or the other.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var beside = $"{path}.{Environment.ProcessId}.new";
        Write(beside, FileMode.Create, content);
        File.Move(beside, path, overwrite: true);
    }

    /// <summary>The same for a content that comes piece by piece; what is not written to its end leaves nothing behind.</summary>
    public static async Task ReplaceAsync(string path, Func<Stream, Task> write)
    {
        var beside = $"{path}.{Environment.ProcessId}.new";
        try
        {
            await using (var file = Open(beside, FileMode.Create))
            {
                await write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>Reads a secret; one that others may read too is one no more.</summary>
    public static byte[] ReadSecret(string path)
    {
        if (!File.Exists(path))
            throw Failure.Usage($"There is no file {path}.");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            throw Failure.Usage($"{path} can be read by others.", $"If it was always yours alone: chmod 600 {path}. Otherwise make a new key and have the old one stopped.");
        return File.ReadAllBytes(path);
    }

    private static void Write(string path, FileMode mode, ReadOnlySpan<byte> content)
    {
        using var file = Open(path, mode);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }
}
