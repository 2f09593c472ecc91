namespace AgentIdentity.Registry.Recovery;

/// <summary>What is kept beside the ledger: the newest snapshot of the state, which only makes a start faster (without one, or with a damaged one, the ledger is read from its beginning), and the newest checkpoint.</summary>
/// <remarks>Durability: <see cref="Save"/> replaces the old snapshot as a whole or not at all; the checkpoint may be an older one after a power failure. Concurrency: one caller at a time for each.</remarks>
public interface ISnapshotStore
{
    void Save(Action<Stream> write);

    /// <summary>The newest snapshot, or null.</summary>
    Stream? Open();

    /// <summary>Keeps a checkpoint that was published, so that a start knows when the ledger holds less than it did.</summary>
    void KeepCheckpoint(string note);

    /// <summary>The note that was kept last, or null.</summary>
    byte[]? KeptCheckpoint();
}
