using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Sqlite;

/// <summary>A full disk is no failure: what does not fit is not written, reading goes on, and writing too when there is room again.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_does_not_fit_is_not_written_and_the_store_goes_on_when_there_is_room()
    {
        using (var store = SqliteLedgerStore.Open(_folder.Path))
        {
            store.Append(10);
            store.Writer.Connection.Execute("PRAGMA max_page_count = 100");
            FillUp(store);
            var size = store.Size;

            Assert.Throws<StoreFullException>(() => store.Append(100));
            Assert.Throws<StoreFullException>(() => store.TryPublish(default, Checkpoint(1), [.. Enumerable.Range(0, 99).Select(n => Tile(256, index: (ulong)n))]));
            Assert.Throws<StoreFullException>(() => store.TryWriteDocument("large", 0, new byte[64 * 1024]));
            AssertUnchanged(store, size);

            store.Writer.Connection.Execute("PRAGMA max_page_count = 100000");
            store.Append(100);
            Assert.True(store.TryWriteDocument("large", 0, new byte[64 * 1024]));
        }

        using var reopened = SqliteLedgerStore.Open(_folder.Path);
        AssertEntries(0, (int)reopened.Size.Value, reopened.Read(default, int.MaxValue));
        Assert.Equal(1, reopened.ReadDocument("large")!.Version);
    }

    [SkippableFact]
    public async Task On_a_disk_that_is_really_full_nothing_acknowledged_is_lost_and_writing_goes_on_when_there_is_room()
    {
        using var disk = await SmallDisk.TryMountAsync(_folder.Combine("disk"));
        Skip.If(disk is null, "only root may mount a file system");
        var filler = Path.Combine(disk.Path, "filler");
        File.WriteAllBytes(filler, new byte[2 << 20]);
        using (var store = SqliteLedgerStore.Open(Path.Combine(disk.Path, "data")))
        {
            FillUp(store);
            var size = store.Size;
            Assert.Throws<StoreFullException>(() => store.Append(100));
            AssertUnchanged(store, size);

            File.Delete(filler);
            store.Append(100);
        }

        using var reopened = SqliteLedgerStore.Open(Path.Combine(disk.Path, "data"));
        AssertEntries(0, (int)reopened.Size.Value, reopened.Read(default, int.MaxValue));
    }

    [SkippableFact]
    public async Task A_store_that_filled_its_disk_opens_again_for_reading()
    {
        using var disk = await SmallDisk.TryMountAsync(_folder.Combine("disk"));
        Skip.If(disk is null, "only root may mount a file system");
        var (data, filler) = (Path.Combine(disk.Path, "data"), Path.Combine(disk.Path, "filler"));
        File.WriteAllBytes(filler, new byte[2 << 20]);
        using (var store = SqliteLedgerStore.Open(data))
            FillUp(store);

        using var reopened = SqliteLedgerStore.Open(data);
        AssertUnchanged(reopened, reopened.Size);
        Assert.Throws<StoreFullException>(() => reopened.Append(100));

        File.Delete(filler);
        reopened.Append(100);
    }

    [SkippableFact]
    public async Task A_store_whose_disk_others_have_filled_says_that_it_needs_room()
    {
        using var disk = await SmallDisk.TryMountAsync(_folder.Combine("disk"));
        Skip.If(disk is null, "only root may mount a file system");
        var data = Path.Combine(disk.Path, "data");
        using (var store = SqliteLedgerStore.Open(data))
            store.Append(10);
        var filler = disk.Fill();

        var refusal = Assert.Throws<StoreRefusedException>(() => SqliteLedgerStore.Open(data));
        Assert.Equal($"There is no room to open {data}/ledger.db: free some space on its disk.", refusal.Message);

        File.Delete(filler);
        using var reopened = SqliteLedgerStore.Open(data);
        AssertEntries(0, 10, reopened.Read(default, int.MaxValue));
    }

    internal static void FillUp(SqliteLedgerStore store)
    {
        for (var count = 256; count > 0; count /= 2)
        {
            while (Record.Exception(() => store.Append(count)) is not { } full || Assert.IsType<StoreFullException>(full) is null)
            {
            }
        }
    }

    private static void AssertUnchanged(SqliteLedgerStore store, TreeSize size)
    {
        Assert.Equal(size, store.Size);
        AssertEntries(0, (int)size.Value, store.Read(default, int.MaxValue));
        Assert.Null(store.LastCheckpoint);
        Assert.Null(store.ReadDocument("large"));
    }
}
