using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Sqlite;

public sealed class HousekeepingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.Combine(SqliteLedgerStore.FileName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Wherever_the_index_ends_a_read_finds_what_it_holds_and_what_it_does_not_hold_yet()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        using var reader = new LedgerReader(Database);
        var indexer = new SubjectIndexer(reader, store.Writer);
        for (var round = 1; round <= 30; round++)
        {
            store.Append(40);
            if (round % 3 == 0)
                indexer.IndexRun(CancellationToken.None);
            AssertFound(store);
        }

        Assert.Equal(store.Size, store.Writer.State.Indexed);
    }

    [Fact]
    public void A_run_that_was_cut_off_shows_no_entry_twice_and_is_completed_by_the_next()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        store.Append(100);
        using var reader = new LedgerReader(Database);
        var rows = new List<SubjectRow>();
        reader.ReadSubjects(0, int.MaxValue, rows);
        store.Writer.Index(rows[..37], complete: default);
        AssertFound(store);

        new SubjectIndexer(reader, store.Writer).IndexRun(CancellationToken.None);

        AssertFound(store);
        Assert.Equal(100, CountRows());
    }

    [Fact]
    public void Entries_without_subjects_do_not_hold_up_the_index()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        store.Append(default, [new StoredEntry(default, [1], [2], [3], [])]);
        using var reader = new LedgerReader(Database);

        new SubjectIndexer(reader, store.Writer).IndexRun(CancellationToken.None);

        Assert.Equal(new TreeSize(1), store.Writer.State.Indexed);
    }

    [Fact]
    public void What_is_written_is_told_of_with_how_long_it_took()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        var ended = new List<DiskWork>();
        store.Disk.Ended += (work, took) =>
        {
            Assert.True(took > TimeSpan.Zero);
            ended.Add(work);
        };
        store.Append(1);
        Assert.False(store.TryWriteDocument("one", 5, default));
        using var copier = Connection.OpenWriter(Database, cacheKibibytes: 64);
        store.Writer.CopyLongJournal(copier, 1_000_000);
        store.Writer.CopyLongJournal(copier, 0);
        store.Writer.Index([], default);
        Assert.Equal([DiskWork.Commit, DiskWork.Commit, DiskWork.JournalCopy, DiskWork.Index], ended);
        Assert.Null(store.Disk.Oldest);
    }

    [Fact]
    public async Task The_background_thread_indexes_what_an_earlier_process_left_and_what_is_appended()
    {
        using (var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null))
            store.Append(700);

        using var reopened = SqliteLedgerStore.Open(_folder.Path);
        await UntilAsync(() => reopened.Writer.State.Indexed == new TreeSize(700));
        reopened.Append(30);
        await UntilAsync(() => reopened.Writer.State.Indexed == new TreeSize(730));
        AssertFound(reopened);
    }

    [Fact]
    public async Task Indexing_and_copying_the_journal_without_rest_disturb_neither_reads_nor_appends()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, new Housekeeping(TimeSpan.Zero, JournalPagesMax: 50));
        store.Append(50);
        var reading = Task.Run(() =>
        {
            while (store.Size.Value < 20_000)
                AssertEntries(0, 50, store.Read(default, 50));
        });
        while (store.Size.Value < 20_000)
            store.Append(50);
        await reading;

        AssertEntries(0, 20_000, store.Read(default, int.MaxValue));
        AssertFound(store);
    }

    [Fact]
    public async Task A_journal_that_was_copied_starts_anew_although_there_is_always_a_read()
    {
        const int PageBytes = 4096;
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        using var copier = Connection.OpenWriter(Database, cacheKibibytes: 64);
        using var stop = new CancellationTokenSource();
        store.Append(50);
        var reading = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
                store.Read(default, 50);
        });
        var pages = 0;
        for (var round = 0; round < 60; round++)
        {
            store.Append(50);
            pages += store.Writer.JournalPages;
            store.Writer.FinishJournal(copier);
        }

        await stop.CancelAsync();
        await reading;
        Assert.InRange(new FileInfo(Database + "-wal").Length, PageBytes, pages * PageBytes / 2);
    }

    private static void AssertFound(SqliteLedgerStore store)
    {
        for (var subject = 0; subject < Subjects; subject++)
        {
            var expected = Enumerable.Range(0, (int)store.Size.Value).Where(index => index % Subjects == subject);
            Assert.Equal(expected, store.ReadBySubject(Subject(subject), 0, int.MaxValue).Select(entry => (int)entry.Index.Value));
        }
    }

    private static async Task UntilAsync(Func<bool> isDone)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!isDone())
            await Task.Delay(10, patience.Token);
    }

    private long CountRows()
    {
        using var connection = Connection.OpenReader(Database, cacheKibibytes: 64);
        return connection.ReadInteger("SELECT count(*) FROM subject_index");
    }
}
