using AgentIdentity.Ledger;
using AgentIdentity.Storage.Commitments;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>What the index of commitments reads in the store.</summary>
internal sealed class CommittedEntries(LedgerWriter writer, ReaderPool readers) : ICommittedEntries
{
    public ulong Size => writer.State.Size.Value;

    public void Read(ulong first, int countMax, EntryVisitor visit) => readers.Read(reader =>
    {
        reader.ReadBodies(first, countMax, visit);
        return true;
    });

    public Hash LeafHash(ulong index) => MerkleHash.Leaf(readers.Read(reader => reader.ReadLeaves(new LeafIndex(index), 1))[0]);
}
