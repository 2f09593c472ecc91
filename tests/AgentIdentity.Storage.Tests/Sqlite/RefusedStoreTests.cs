using System.Security.Cryptography;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Sqlite;

/// <summary>A store that cannot be opened says so in one sentence, with what to do, and leaves the file as it was.</summary>
public sealed class RefusedStoreTests : IDisposable
{
    private const int Size = 300;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.Combine(SqliteLedgerStore.FileName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_store_that_is_open_is_refused_a_second_time()
    {
        using var store = Open();

        AssertRefused("in use by another process: stop that process, or choose another folder");
        store.Append(1);
    }

    [Fact]
    public async Task A_store_held_by_another_process_is_refused_until_that_process_is_gone()
    {
        using var child = ChildProcess.Start("hold", _folder.Path);
        Assert.Equal("open", await child.Output.ReadLineAsync());

        AssertRefused("in use by another process");

        await child.KillAsync();
        Open().Dispose();
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_refused()
    {
        var file = _folder.Combine("file");
        File.WriteAllText(file, "");

        var refusal = Assert.Throws<StoreRefusedException>(() => SqliteLedgerStore.Open(Path.Combine(file, "data")));

        Assert.Contains("choose a folder that this user may write to", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PRAGMA user_version = 1000")]
    [InlineData("UPDATE meta SET value = 1000 WHERE name = 'data_version'")]
    public void A_file_from_a_newer_version_is_refused(string change)
    {
        Fill();
        Change(change);

        AssertRefused("written by a newer AgentIdentity (version 1000 of its data, this one knows up to ");
    }

    [Fact]
    public void A_file_from_an_earlier_version_stays_one_until_entries_are_added()
    {
        Fill();
        Change("UPDATE meta SET value = 1 WHERE name = 'data_version'");
        using (var store = SqliteLedgerStore.Open(_folder.Path))
        {
            Assert.True(store.TryWriteDocument("small", 0, new byte[1]));
            store.Writer.Connection.Execute("PRAGMA max_page_count = 100");
            Assert.Throws<StoreFullException>(() => store.Append(10_000));
            store.AppendToReserve(new LeafIndex(Size), Entries(Size, 1));
        }

        using (var store = Open())
        {
            Assert.Null(store.FirstReserved);
            Assert.Equal(1, DataVersion());
            store.Append(1);
        }
        Assert.Equal(LedgerSchema.DataVersion, DataVersion());
    }

    [Fact]
    public void A_file_from_an_earlier_version_that_was_added_to_is_refused_by_a_version_that_knows_fewer_kinds_of_entries()
    {
        Fill();
        Change("UPDATE meta SET value = 1 WHERE name = 'data_version'");
        using (var store = Open())
            store.Append(1);
        Change($"UPDATE meta SET value = value + 1 WHERE name = 'data_version' AND value = {Enum.GetValues<EntryKind>().Length}");

        AssertRefused("written by a newer AgentIdentity");
    }

    [Theory]
    [InlineData("PRAGMA application_id = 7")]
    [InlineData("DROP TABLE tiles")]
    [InlineData("DELETE FROM meta")]
    [InlineData("DELETE FROM entries WHERE idx = 0")]
    [InlineData("DELETE FROM entries WHERE idx = 150")]
    [InlineData("DELETE FROM entries WHERE idx = 299")]
    [InlineData("UPDATE meta SET value = 301 WHERE name = 'indexed_size'")]
    [InlineData("UPDATE checkpoint SET root = x'00'")]
    public void A_file_whose_tables_are_not_ours_or_do_not_agree_is_refused_as_damaged(string change)
    {
        Fill();
        Change(change);

        AssertRefused("is damaged (", "): restore the data folder from a backup");
    }

    [Fact]
    public void A_hole_too_small_to_be_seen_at_the_start_is_found_by_the_read_that_meets_it()
    {
        using (var store = Open())
            store.Append(2_500);
        Change("DELETE FROM entries WHERE idx = 1001");

        using var damaged = Open();

        AssertEntries(0, 1001, damaged.Read(default, 1001));
        Assert.Throws<InvalidDataException>(() => damaged.Read(default, 1002 + 1));
        Assert.Throws<InvalidDataException>(() => damaged.Read(new LeafIndex(1001), 1));
    }

    [Fact]
    public void A_file_cut_short_anywhere_is_refused_as_damaged()
    {
        Fill();
        var whole = File.ReadAllBytes(Database);
        for (var length = 0; length < whole.Length; length += length < 1024 ? 97 : 1009)
        {
            File.WriteAllBytes(Database, whole[..length]);
            AssertRefused("is damaged (");
            Assert.Equal(length, new FileInfo(Database).Length);
        }
    }

    [Fact]
    public void A_file_of_random_bytes_is_refused_as_damaged()
    {
        File.WriteAllBytes(Database, RandomNumberGenerator.GetBytes(50_000));

        AssertRefused("is damaged (", "file is not a database");
    }

    [Fact]
    public void A_file_with_a_zeroed_header_is_refused_as_damaged()
    {
        Fill();
        Overwrite(0, new byte[100]);

        AssertRefused("is damaged (", "file is not a database");
    }

    [Fact]
    public void A_journal_without_its_database_is_refused_and_kept()
    {
        File.WriteAllText(Database + "-wal", "what a crash left");

        AssertRefused("is damaged (only its journal is there)");
        Assert.True(File.Exists(Database + "-wal"));
    }

    [Fact]
    public void A_page_overwritten_with_zeros_is_refused_or_fails_the_reads_that_need_it_but_never_hides_an_entry()
    {
        const int Page = 4096;
        Fill();
        var whole = File.ReadAllBytes(Database);
        var noticed = 0;
        for (var offset = Page; offset < whole.Length; offset += Page)
        {
            File.WriteAllBytes(Database, whole);
            Overwrite(offset, new byte[Page]);
            if (Record.Exception(ReadEverything) is not { } failure)
                continue;
            Assert.True(failure is StoreRefusedException or SqliteException or InvalidDataException, failure.ToString());
            noticed++;
        }

        Assert.True(noticed >= whole.Length / Page - 4, $"{noticed} damaged pages of {whole.Length / Page} were noticed");
    }

    private SqliteLedgerStore Open() => SqliteLedgerStore.Open(_folder.Path, housekeeping: null);

    private void Fill()
    {
        using var store = Open();
        store.Append(Size);
        store.TryPublish(default, Checkpoint(Size), [Tile(5)]);
    }

    private void ReadEverything()
    {
        using var store = Open();
        AssertEntries(0, Size, store.Read(default, Size + 1));
        for (var subject = 0; subject < Subjects; subject++)
            Assert.Equal(Size / Subjects, store.ReadBySubject(Subject(subject), 0, Size).Count);
        Assert.Equal(Checkpoint(Size), store.LastCheckpoint);
        Assert.Equal(Tile(5).Hashes, store.ReadTile(0, 0)!.Value.ToArray());
    }

    private void Change(string sql)
    {
        using var connection = Connection.OpenWriter(Database, cacheKibibytes: 64);
        connection.Execute(sql);
    }

    private long DataVersion()
    {
        using var connection = Connection.OpenReader(Database, cacheKibibytes: 64);
        return LedgerSchema.ReadDataVersion(connection);
    }

    private void Overwrite(long offset, byte[] bytes)
    {
        using var file = File.OpenWrite(Database);
        file.Position = offset;
        file.Write(bytes);
    }

    private void AssertRefused(params string[] parts)
    {
        var refusal = Assert.Throws<StoreRefusedException>(Open);
        Assert.All(parts, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(". ", refusal.Message, StringComparison.Ordinal);
    }
}
