using AgentIdentity.Storage.Snapshots;

namespace AgentIdentity.Storage.Tests.Snapshots;

public sealed class SnapshotFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_snapshot_that_found_no_room_takes_none_and_leaves_the_one_before()
    {
        var file = new SnapshotFile(_folder.Path);
        file.Save(stream => stream.Write([1, 2, 3]));

        Assert.Throws<IOException>(() => file.Save(stream =>
        {
            stream.Write(new byte[1 << 20]);
            throw new IOException("No space left on device");
        }));

        Assert.Equal([1, 2, 3], File.ReadAllBytes(Assert.Single(Directory.GetFiles(_folder.Path))));
    }
}
