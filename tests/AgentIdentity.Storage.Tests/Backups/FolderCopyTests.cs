using AgentIdentity.Storage.Backups;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Backups;

public sealed class FolderCopyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_copy_of_a_folder_whose_process_was_killed_holds_what_is_in_the_journal_alone()
    {
        var (data, killed, copied) = (_folder.Combine("data"), _folder.Combine("killed"), _folder.Combine("copied"));
        Directory.CreateDirectory(killed);
        using (var store = SqliteLedgerStore.Open(data, housekeeping: null))
        {
            store.Append(10);
            foreach (var file in (string[])[SqliteLedgerStore.FileName, SqliteLedgerStore.FileName + "-wal"])
                File.Copy(Path.Combine(data, file), Path.Combine(killed, file));
        }

        FolderCopy.TakeResting(killed, copied);

        using var copy = SqliteLedgerStore.OpenExisting(copied);
        AssertEntries(0, 10, copy.Read(default, 100));
    }
}
