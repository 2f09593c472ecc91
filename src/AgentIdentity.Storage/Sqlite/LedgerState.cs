using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>What is committed, small enough to be read again whenever there is doubt. Two are equal if and only if no write lies between them.</summary>
/// <param name="Size">The number of entries in the database.</param>
/// <param name="Indexed">Entries below this are in the subject index.</param>
/// <param name="Checkpoint">The newest checkpoint.</param>
/// <param name="DocumentWrites">The versions of all documents, added up.</param>
internal sealed record LedgerState(TreeSize Size, TreeSize Indexed, StoredCheckpoint? Checkpoint, long DocumentWrites)
{
    /// <summary>Entries that follow those of the database and are in the control journal.</summary>
    public IReadOnlyList<StoredEntry> Reserved { get; init; } = [];

    /// <summary>The number of entries, wherever they are.</summary>
    public TreeSize Whole => new(Size.Value + (ulong)Reserved.Count);

    public TreeSize CheckpointSize => Checkpoint?.Size ?? default;
}
