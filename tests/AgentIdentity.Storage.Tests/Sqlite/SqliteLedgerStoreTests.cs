using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Storage.Tests.Sqlite;

public sealed class SqliteLedgerStoreTests : LedgerStoreSuite, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ILedgerStore Open() => SqliteLedgerStore.Open(_folder.Path);
}

/// <summary>The same when nothing is ever indexed, as if the background thread were slow without end.</summary>
public sealed class SqliteLedgerStoreWithoutHousekeepingTests : LedgerStoreSuite, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ILedgerStore Open() => SqliteLedgerStore.Open(_folder.Path, housekeeping: null);
}

/// <summary>The same when the background thread never rests, and copies the journal at every opportunity.</summary>
public sealed class SqliteLedgerStoreWithRestlessHousekeepingTests : LedgerStoreSuite, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ILedgerStore Open() => SqliteLedgerStore.Open(_folder.Path, new Housekeeping(TimeSpan.Zero, JournalPagesMax: 1));
}
