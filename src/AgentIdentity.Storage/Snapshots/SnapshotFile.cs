using System.Text;
using AgentIdentity.Registry.Recovery;

namespace AgentIdentity.Storage.Snapshots;

/// <summary>The newest snapshot, and the newest checkpoint, each in one file of the data folder.</summary>
public sealed class SnapshotFile(string folder) : ISnapshotStore
{
    public const string FileName = "snapshot";

    /// <summary>As <c>/checkpoint</c> serves it, and as <c>recover --seen</c> takes it.</summary>
    public const string CheckpointName = "checkpoint";

    private readonly string _path = Path.Combine(folder, FileName);
    private readonly string _checkpoint = Path.Combine(folder, CheckpointName);

    public void Save(Action<Stream> write) => DurableFile.Replace(_path, write);

    public Stream? Open() => File.Exists(_path) ? File.OpenRead(_path) : null;

    public void KeepCheckpoint(string note) => DurableFile.Replace(_checkpoint, stream => stream.Write(Encoding.UTF8.GetBytes(note)), isFlushed: false);

    public byte[]? KeptCheckpoint() => File.Exists(_checkpoint) ? File.ReadAllBytes(_checkpoint) : null;
}
