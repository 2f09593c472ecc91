using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Recovery;

/// <summary>What a store keeps beside what <see cref="ILedgerStore"/> shows of it: for the check of every stored byte, while nobody writes.</summary>
/// <remarks>A row that cannot be read is an exception whose message says what the store met.</remarks>
public interface ILedgerRows
{
    /// <summary>What the store itself finds wrong with its file, a sentence each; nothing when it is sound.</summary>
    IReadOnlyList<string> CheckFile();

    /// <summary>How many tiles are stored.</summary>
    long CountTiles();

    /// <summary>Shows each row of the index of subjects, in the order of subject and sequence.</summary>
    /// <returns>Entries below this have all their rows; rows of later ones may be there or not.</returns>
    TreeSize ReadSubjectIndex(Action<SubjectSequence, LeafIndex> row);
}
