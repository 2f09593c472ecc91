using AgentIdentity.Registry.Keys;

namespace AgentIdentity.Server.Hosting;

/// <summary>The passphrase of the registry's key files: the first line of a file that only its owner may read.</summary>
internal static class Passphrase
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <exception cref="KeysRefusedException">The file is missing, empty, or others may read it.</exception>
    public static string Read(string? path)
    {
        if (path is null)
            return "";
        if (!File.Exists(path))
            throw new KeysRefusedException($"The passphrase file {path} is missing; put it there, or start without --passphrase-file.");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            throw new KeysRefusedException($"The passphrase file {path} may be read by others; take that away with chmod 600.");
        return File.ReadLines(path).FirstOrDefault() is { Length: > 0 } passphrase
            ? passphrase
            : throw new KeysRefusedException($"The passphrase file {path} is empty; its first line is the passphrase.");
    }
}
