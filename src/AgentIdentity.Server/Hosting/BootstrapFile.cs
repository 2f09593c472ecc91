namespace AgentIdentity.Server.Hosting;

/// <summary>The one-time bootstrap secret, in a file that only its owner may read. Who can read it can found the registry, for 15 minutes, from this machine.</summary>
internal sealed class BootstrapFile(string dataFolder)
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetFullPath(dataFolder), "bootstrap-secret");

    /// <summary>Replaces the secret of an earlier start.</summary>
    public void Write(string secret)
    {
        Delete();
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(Path, options);
        writer.Write(secret + "\n");
    }

    public void Delete() => File.Delete(Path);
}
