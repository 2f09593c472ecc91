using AgentIdentity.Registry.Recovery;

namespace AgentIdentity.Storage.Snapshots;

/// <summary>The newest snapshot in one file of the data folder.</summary>
public sealed class SnapshotFile(string folder) : ISnapshotStore
{
    private readonly string _path = Path.Combine(folder, "snapshot");

    public void Save(Action<Stream> write) => DurableFile.Replace(_path, write);

    public Stream? Open() => File.Exists(_path) ? File.OpenRead(_path) : null;
}
