using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Keys;

namespace AgentIdentity.Storage.Tests.Keys;

/// <summary>The registry's keys in files.</summary>
public sealed class FileRegistryKeysTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task A_key_for_which_the_disk_has_no_room_is_refused_as_any_other_write_and_leaves_nothing_behind()
    {
        using var disk = await SmallDisk.TryMountAsync(_folder.Combine("disk"));
        Skip.If(disk is null, "only root may mount a file system");
        using var keys = new FileRegistryKeys(disk.Path);
        var filler = disk.Fill();

        Assert.Throws<StoreFullException>(() => keys.Create(RegistryKeyUse.Witness));
        Assert.Empty(Directory.GetFiles(Path.Combine(disk.Path, "keys")));

        File.Delete(filler);
        keys.Create(RegistryKeyUse.Witness);
        Assert.Single(Directory.GetFiles(Path.Combine(disk.Path, "keys")));
    }
}
