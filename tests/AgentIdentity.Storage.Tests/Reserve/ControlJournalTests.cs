using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Backups;
using AgentIdentity.Storage.Reserve;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Storage.Tests.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Reserve;

/// <summary>What is written to the control journal counts as appended at once, is there after every kind of end, and goes into the database once and first.</summary>
public sealed class ControlJournalTests : IDisposable
{
    private const int Before = 10;

    private readonly TemporaryFolder _folder = new();

    private string Journal => _folder.Combine(ControlJournal.FileName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_in_the_journal_counts_as_appended_and_goes_first_when_there_is_room()
    {
        int before;
        using (var store = SqliteLedgerStore.Open(_folder.Path))
        {
            before = TakeRoom(store);
            Reserve(store, 2);
            Reserve(store, 1);

            Assert.Equal((new TreeSize((ulong)before + 3), new LeafIndex((ulong)before)), (store.Size, store.FirstReserved!.Value));
            AssertEntries(0, before + 3, store.Read(default, int.MaxValue));
            AssertEntries((ulong)before + 1, 1, store.Read(new LeafIndex((ulong)before + 1), 1));
            Assert.Equal(Entries((ulong)before - 1, 3).Select(entry => entry.Leaf), store.ReadLeaves(new LeafIndex((ulong)before - 1), 3));
            for (var subject = 0; subject < Subjects; subject++)
                AssertSame([.. Entries(0, before + 3).Where(entry => entry.Subjects[0].Subject == Subject(subject))], store.ReadBySubject(Subject(subject), 0, int.MaxValue));
            AssertSame([Entry((ulong)before + 2)], store.ReadBySubject(Subject((before + 2) % Subjects), (ulong)(before + 2) / Subjects, 10));
            Assert.Throws<StoreFullException>(() => store.Append(1));
            Assert.Throws<StoreFullException>(() => store.TryWriteDocument("small", 0, new byte[1]));
            Assert.Throws<StoreFullException>(() => store.TryPublish(default, Checkpoint(1), []));

            GiveRoom(store);
            Assert.True(store.TryWriteDocument("small", 0, new byte[1]));
            Assert.Null(store.FirstReserved);
            store.Append(1);
        }
        using var reopened = SqliteLedgerStore.Open(_folder.Path);
        AssertEntries(0, before + 4, reopened.Read(default, int.MaxValue));
        Assert.All(File.ReadAllBytes(Journal)[..JournalRecord.EmptySize], value => Assert.Equal(0, value));
    }

    [Fact]
    public void What_a_process_has_left_in_the_journal_is_appended_at_the_next_start()
    {
        Leave(2);
        using var store = SqliteLedgerStore.Open(_folder.Path);
        Assert.Null(store.FirstReserved);
        AssertEntries(0, Before + 2, store.Read(default, 100));
    }

    [Fact]
    public void What_the_database_has_already_is_not_appended_again()
    {
        Leave(2);
        var journal = File.ReadAllBytes(Journal);
        using (var store = SqliteLedgerStore.Open(_folder.Path))
            store.Append(1);
        File.WriteAllBytes(Journal, journal);

        using (var store = SqliteLedgerStore.Open(_folder.Path))
        {
            AssertEntries(0, Before + 3, store.Read(default, 100));
            Reserve(store, 1);
        }
        using var reopened = SqliteLedgerStore.Open(_folder.Path);
        AssertEntries(0, Before + 4, reopened.Read(default, 100));
    }

    [Fact]
    public void A_write_that_was_torn_anywhere_leaves_what_was_whole_before_it()
    {
        Leave(2);
        var journal = File.ReadAllBytes(Journal);
        var first = JournalRecord.Write(Entry(Before), default, out var hash).Length;
        var second = JournalRecord.Write(Entry(Before + 1), hash, out _).Length;
        var places = new Random(1);
        for (var torn = 0; torn < first + second; torn += places.Next(1, 9))
        {
            var bytes = journal.ToArray();
            bytes.AsSpan(torn).Clear();
            AssertHolds(bytes, torn < first ? 0 : 1);
            bytes = journal.ToArray();
            bytes[torn] ^= (byte)(1 << places.Next(8));
            AssertHolds(bytes, torn < first ? 0 : 1);
        }
        AssertHolds(journal, 2);
    }

    [Fact]
    public void What_an_earlier_use_has_left_behind_the_end_is_not_read()
    {
        using (var journal = ControlJournal.Open(Journal))
        {
            journal.Append(Entries(0, 3));
            journal.Clear();
            journal.Append(Entries(7, 1));
        }
        using var reopened = ControlJournal.Open(Journal);
        AssertEntries(7, 1, reopened.Found);
    }

    [Fact]
    public void A_journal_is_full_at_its_end_and_what_did_not_fit_is_not_there()
    {
        var count = 0UL;
        using (var journal = ControlJournal.Open(Journal))
        {
            for (; Record.Exception(() => journal.Append([Entry(count, openingBytes: 10_000)])) is not { } full || Assert.IsType<StoreFullException>(full) is null; count++)
            {
            }
            Assert.InRange(count, 90UL, 105UL);
            journal.Append([Entry(count)]);
        }
        using var reopened = ControlJournal.Open(Journal);
        Assert.Equal(count + 1, (ulong)reopened.Found.Count);
        Assert.Equal(1 << 20, new FileInfo(Journal).Length);
    }

    [Theory]
    [InlineData(Before - 1, "its entry 9 is not the one in the control journal")]
    [InlineData(Before + 1, "it has 10 entries, and the control journal goes on from entry 11")]
    public void A_journal_that_contradicts_the_ledger_refuses_the_start(ulong index, string finding)
    {
        using (var store = SqliteLedgerStore.Open(_folder.Path))
            store.Append(Before);
        using (var journal = ControlJournal.Open(Journal))
            journal.Append([Entry(index) with { Leaf = [1, 2, 3] }]);
        var refused = Assert.Throws<StoreRefusedException>(() => SqliteLedgerStore.Open(_folder.Path));
        Assert.True(refused.IsDamage);
        Assert.Contains(finding, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backup_and_what_is_restored_from_it_hold_what_waits_in_the_journal()
    {
        var (backup, restored) = (_folder.Combine("backup"), _folder.Combine("restored"));
        var data = _folder.Combine("data");
        using (var store = SqliteLedgerStore.Open(data))
        {
            store.Append(Before);
            Reserve(store, 2);
            FolderCopy.TakeLive(data, backup);
        }
        FolderCopy.TakeResting(backup, restored);
        using var copy = SqliteLedgerStore.OpenExisting(restored);
        AssertEntries(0, Before + 2, copy.Read(default, 100));
    }

    [SkippableFact]
    public async Task On_a_disk_that_is_really_full_it_is_written_is_there_after_a_restart_and_moves_when_there_is_room()
    {
        using var disk = await SmallDisk.TryMountAsync(_folder.Combine("disk"));
        Skip.If(disk is null, "only root may mount a file system");
        var (data, filler) = (Path.Combine(disk.Path, "data"), Path.Combine(disk.Path, "filler"));
        File.WriteAllBytes(filler, new byte[2 << 20]);
        ulong size;
        using (var store = SqliteLedgerStore.Open(data))
        {
            FullDiskTests.FillUp(store);
            size = store.Size.Value;
            Reserve(store, 2);
            AssertEntries(size, 2, store.Read(new LeafIndex(size), 10));
        }
        using (var store = SqliteLedgerStore.Open(data))
        {
            // What ending the first process has freed may be room enough; when it is not, what was written is still where it was.
            AssertEntries(size, 2, store.Read(new LeafIndex(size), 10));
            FullDiskTests.FillUp(store);
            size = store.Size.Value;
            Reserve(store, 1);
            Assert.Throws<StoreFullException>(() => store.Append(1));
            File.Delete(filler);
            store.Append(1);
            Assert.Null(store.FirstReserved);
        }
        using var reopened = SqliteLedgerStore.Open(data);
        AssertEntries(0, (int)size + 2, reopened.Read(default, int.MaxValue));
    }

    [SkippableFact]
    public async Task Without_room_for_a_journal_there_is_none_until_the_next_start()
    {
        using var disk = await SmallDisk.TryMountAsync(_folder.Combine("disk"));
        Skip.If(disk is null, "only root may mount a file system");
        var filler = disk.Fill();
        var path = Path.Combine(disk.Path, ControlJournal.FileName);
        using (var journal = ControlJournal.Open(path))
            Assert.Throws<StoreFullException>(() => journal.Append(Entries(0, 1)));
        Assert.Equal([filler], Directory.GetFiles(disk.Path));

        File.Delete(filler);
        using var reopened = ControlJournal.Open(path);
        reopened.Append(Entries(0, 1));
    }

    [SkippableFact]
    public async Task A_write_of_which_a_part_found_room_does_not_count_as_one_that_left_nothing()
    {
        using var disk = await SmallDisk.TryMountAsync(_folder.Combine("disk"));
        Skip.If(disk is null, "only root may mount a file system");
        var path = Path.Combine(disk.Path, ControlJournal.FileName);
        // A hole is to this file system what every block is to one that copies on write.
        using (var hole = File.Create(path))
            hole.SetLength(1 << 20);
        using (var filler = File.OpenWrite(disk.Fill()))
            filler.SetLength(filler.Length - 4096);

        using (var journal = ControlJournal.Open(path))
            Assert.Throws<IOException>(() => journal.Append(Entries(0, 20)));

        // A start takes them for written, so whoever went on would come into conflict with them.
        using var reopened = ControlJournal.Open(path);
        Assert.NotEmpty(reopened.Found);
    }

    // How many entries there are then.
    private static int TakeRoom(SqliteLedgerStore store)
    {
        store.Writer.Connection.Execute("PRAGMA max_page_count = 100");
        FullDiskTests.FillUp(store);
        return (int)store.Size.Value;
    }

    private static void GiveRoom(SqliteLedgerStore store) => store.Writer.Connection.Execute("PRAGMA max_page_count = 100000");

    private static void Reserve(SqliteLedgerStore store, int count) => store.AppendToReserve(new LeafIndex(store.Size.Value), Entries(store.Size.Value, count));

    // A process that ends while its disk is full.
    private void Leave(int count)
    {
        using var store = SqliteLedgerStore.Open(_folder.Path);
        store.Append(Before);
        Reserve(store, count);
    }

    private void AssertHolds(byte[] bytes, int count)
    {
        File.WriteAllBytes(Journal, bytes);
        using var journal = ControlJournal.Open(Journal);
        AssertEntries(Before, count, journal.Found);
    }
}
