using AgentIdentity.Ledger;

namespace AgentIdentity.Storage.Commitments;

/// <summary>Sees an entry, whose bytes are good during the call only; true to see the next.</summary>
internal delegate bool EntryVisitor(ulong index, ReadOnlySpan<byte> entry);

/// <summary>The ledger, as far as the index of commitments needs it. Only what is durable is shown. Safe for all threads.</summary>
internal interface ICommittedEntries
{
    ulong Size { get; }

    /// <summary>Shows up to <paramref name="countMax"/> entries from <paramref name="first"/> on, in order, until the visitor has enough.</summary>
    void Read(ulong first, int countMax, EntryVisitor visit);

    /// <summary>The hash of the leaf of an entry that is there.</summary>
    Hash LeafHash(ulong index);
}
