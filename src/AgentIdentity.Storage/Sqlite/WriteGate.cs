namespace AgentIdentity.Storage.Sqlite;

/// <summary>Lets one thread write at a time, and those who wait in turn.</summary>
/// <remarks>
/// A lock alone is not fair: a thread that writes in a loop takes it again before a waiting one is awake. Here whoever waits for the lock holds the turn,
/// so the writer of entries and the background thread alternate when both are busy, and the subject index keeps up with any load.
/// </remarks>
internal sealed class WriteGate
{
    private readonly Lock _turn = new();
    private readonly Lock _write = new();

    public Lock.Scope Enter()
    {
        lock (_turn)
            return _write.EnterScope();
    }
}
