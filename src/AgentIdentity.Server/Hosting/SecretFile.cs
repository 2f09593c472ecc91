using AgentIdentity.Registry.Keys;

namespace AgentIdentity.Server.Hosting;

/// <summary>A passphrase or a PIN: the first line of a file that only its owner may read.</summary>
internal static class SecretFile
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <exception cref="KeysRefusedException">The file is missing, empty, or others may read it.</exception>
    public static string Read(string path, string what)
    {
        if (!File.Exists(path))
            throw new KeysRefusedException($"The {what} file {path} is missing; put it there, or start without it.");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            throw new KeysRefusedException($"The {what} file {path} may be read by others; take that away with chmod 600.");
        return File.ReadLines(path).FirstOrDefault() is { Length: > 0 } secret
            ? secret
            : throw new KeysRefusedException($"The {what} file {path} is empty; its first line is the {what}.");
    }
}
