using System.Diagnostics;

namespace AgentIdentity.Storage.Tests;

/// <summary>A file system of 6 MiB in memory.</summary>
internal sealed class SmallDisk(string path) : IDisposable
{
    public string Path => path;

    /// <summary>Takes all the room that is left, to the last byte; the file that took it.</summary>
    public string Fill()
    {
        var filler = System.IO.Path.Combine(path, "filler");
        using var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        while (Record.Exception(() => file.Write(new byte[512])) is null)
        {
        }

        return filler;
    }

    public static async Task<SmallDisk?> TryMountAsync(string path)
    {
        Directory.CreateDirectory(path);
        if (!Environment.IsPrivilegedProcess || !OperatingSystem.IsLinux())
            return null;
        return await RunAsync("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", path) ? new SmallDisk(path) : null;
    }

    public void Dispose()
    {
        using var process = Process.Start("umount", ["--lazy", path]);
        process.WaitForExit();
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
