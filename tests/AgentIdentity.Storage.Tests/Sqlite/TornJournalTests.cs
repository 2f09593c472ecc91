using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Sqlite;

/// <summary>
/// What a power failure leaves of the last commit is a part of its frames in the journal. The store then opens as it was before that commit: never refused,
/// never with a part of it.
/// </summary>
public sealed class TornJournalTests : IDisposable
{
    private const int Before = 3;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.Combine(SqliteLedgerStore.FileName);

    private string Journal => Database + "-wal";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_commit_torn_at_any_byte_is_not_there_at_all()
    {
        var (database, journal, start) = RecordCommit(entries: 1);
        for (var length = start; length < journal.Length; length++)
            AssertOpensWith(Before, database, journal[..length]);
        AssertOpensWith(Before + 1, database, journal);
    }

    [Fact]
    public void A_commit_of_many_pages_torn_anywhere_is_not_there_at_all()
    {
        var (database, journal, start) = RecordCommit(entries: 60);
        for (var length = start; length < journal.Length; length += 101)
            AssertOpensWith(Before, database, journal[..length]);
        AssertOpensWith(Before + 60, database, journal);
    }

    [Fact]
    public void A_commit_with_a_bit_turned_is_not_there_at_all()
    {
        var (database, journal, start) = RecordCommit(entries: 60);
        var places = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            var damaged = journal.ToArray();
            damaged[places.Next(start, journal.Length)] ^= (byte)(1 << places.Next(8));
            AssertOpensWith(Before, database, damaged);
        }
    }

    [Fact]
    public void A_torn_commit_is_followed_by_the_next_as_if_it_had_never_been()
    {
        var (database, journal, start) = RecordCommit(entries: 60);
        Restore(database, journal[..((start + journal.Length) / 2)]);
        using (var store = SqliteLedgerStore.Open(_folder.Path))
            store.Append(5);

        using var reopened = SqliteLedgerStore.Open(_folder.Path);
        AssertEntries(0, Before + 5, reopened.Read(default, 100));
    }

    /// <summary>The files as they are after a commit, and how long the journal was before it.</summary>
    private (byte[] Database, byte[] Journal, int Start) RecordCommit(int entries)
    {
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        store.Append(Before);
        var start = (int)new FileInfo(Journal).Length;
        store.Append(entries);
        return (ReadShared(Database), ReadShared(Journal), start);
    }

    private void AssertOpensWith(int size, byte[] database, byte[] journal)
    {
        Restore(database, journal);
        using var store = SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
        Assert.Equal(new TreeSize((ulong)size), store.Size);
        AssertEntries(0, size, store.Read(default, 100));
    }

    private void Restore(byte[] database, byte[] journal)
    {
        File.WriteAllBytes(Database, database);
        File.WriteAllBytes(Journal, journal);
        File.Delete(Database + "-shm");
    }

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
