namespace AgentIdentity.Registry.Recovery;

/// <summary>Where the newest snapshot of the state is kept. A snapshot only makes a start faster: without one, or with a damaged one, the ledger is read from its beginning.</summary>
/// <remarks>Durability: <see cref="Save"/> replaces the old snapshot as a whole or not at all. Concurrency: one caller at a time.</remarks>
public interface ISnapshotStore
{
    void Save(Action<Stream> write);

    /// <summary>The newest snapshot, or null.</summary>
    Stream? Open();
}
