using System.Diagnostics;
using System.Security.Cryptography;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Sqlite;

/// <summary>What was erased is in no file any more: looked for byte by byte, as somebody would who has the disk.</summary>
public sealed class ErasureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(40)]
    [InlineData(6_000)]
    [InlineData(60_000)]
    public void Small_and_large_openings_are_gone_from_the_database_and_its_journal_at_once(int openingBytes)
    {
        using var store = SqliteLedgerStore.Open(_folder.Path);
        var entries = Enumerable.Range(0, 60).Select(i => Secret((ulong)i, openingBytes)).ToArray();
        store.Append(default, entries);
        Assert.True(IsStored(entries[7].Opening));

        var isGone = store.AppendErasing(new LeafIndex(60), Entries(60, 1), [.. entries.Where(IsOdd).Select(entry => new StoredStub(entry.Index, [9]))]);

        Assert.True(isGone);
        Assert.All(entries, entry => Assert.Equal(!IsOdd(entry), IsStored(entry.Opening)));
        Assert.All(entries, entry => Assert.Equal(!IsOdd(entry), IsStored(entry.Entry)));
    }

    [Fact]
    public void A_read_in_the_way_puts_it_off_until_the_read_has_ended()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        store.Append(default, Entries(0, 10));
        using (var reading = Connection.OpenReader(Path.Combine(_folder.Path, SqliteLedgerStore.FileName), cacheKibibytes: 64))
        {
            reading.Execute("BEGIN");
            reading.ReadInteger("SELECT count(*) FROM entries");
            Assert.False(store.AppendErasing(new LeafIndex(10), Entries(10, 1), [new StoredStub(new LeafIndex(4), [9])]));
            Assert.True(IsStored(Entry(4).Opening));
        }
        store.Writer.EmptyErasedJournal();
        Assert.False(IsStored(Entry(4).Opening));
    }

    [Fact]
    public async Task A_long_read_in_the_way_holds_up_no_writes_and_when_it_has_ended_no_write_is_needed()
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, new Housekeeping(TimeSpan.Zero, JournalPagesMax: int.MaxValue));
        store.Append(default, Entries(0, 10));
        using (var reading = Connection.OpenReader(Path.Combine(_folder.Path, SqliteLedgerStore.FileName), cacheKibibytes: 64))
        {
            reading.Execute("BEGIN");
            reading.ReadInteger("SELECT count(*) FROM entries");
            Assert.False(store.AppendErasing(new LeafIndex(10), Entries(10, 1), [new StoredStub(new LeafIndex(4), [9])]));
            var writing = Stopwatch.StartNew();
            for (var index = 11UL; index < 31; index++)
            {
                store.Append(new LeafIndex(index), Entries(index, 1));
                await Task.Delay(20);
            }
            Assert.InRange(writing.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
            // Whatever the writes have woken has looked by then.
            await Task.Delay(TimeSpan.FromSeconds(3));
            Assert.True(IsStored(Entry(4).Opening));
        }
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (store.Writer.MustEmptyJournal)
            await Task.Delay(10, patience.Token);
        Assert.False(IsStored(Entry(4).Opening));
    }

    [Fact]
    public void What_a_process_erased_that_was_killed_right_after_is_gone_with_the_next_start()
    {
        using var crashed = new TemporaryFolder();
        using (var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null))
        {
            store.Append(default, Entries(0, 10));
            using var reading = Connection.OpenReader(Path.Combine(_folder.Path, SqliteLedgerStore.FileName), cacheKibibytes: 64);
            reading.Execute("BEGIN");
            reading.ReadInteger("SELECT count(*) FROM entries");
            store.AppendErasing(new LeafIndex(10), Entries(10, 1), [new StoredStub(new LeafIndex(4), [9])]);
            foreach (var file in (string[])[SqliteLedgerStore.FileName, SqliteLedgerStore.FileName + "-wal"])
                File.Copy(Path.Combine(_folder.Path, file), Path.Combine(crashed.Path, file));
        }
        Assert.True(IsStored(Entry(4).Opening, crashed.Path));
        using var reopened = SqliteLedgerStore.Open(crashed.Path);
        Assert.False(IsStored(Entry(4).Opening, crashed.Path));
        Assert.True(reopened.Read(new LeafIndex(4), 1)[0].IsErased);
    }

    private static bool IsOdd(StoredEntry entry) => entry.Index.Value % 2 == 1;

    // What nothing else in the file looks like.
    private static StoredEntry Secret(ulong index, int openingBytes) =>
        Entry(index) with { Entry = RandomNumberGenerator.GetBytes(140), Opening = RandomNumberGenerator.GetBytes(openingBytes) };

    // The first and the last bytes: a long value is cut into pages.
    private bool IsStored(byte[] bytes, string? folder = null) =>
        Directory.GetFiles(folder ?? _folder.Path).Where(file => !file.EndsWith("LOCK", StringComparison.Ordinal)).Any(file => ReadAll(file).AsSpan().IndexOf(bytes.AsSpan(0, 32)) >= 0
            || ReadAll(file).AsSpan().IndexOf(bytes.AsSpan(^32..)) >= 0);

    private static byte[] ReadAll(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
