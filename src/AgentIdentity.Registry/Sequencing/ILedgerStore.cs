using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Sequencing;

/// <summary>Where entries, tiles, checkpoints and a few small documents are kept. The source of truth; everything else is folded from it.</summary>
/// <remarks>
/// Durability: a method that returns has made its change durable (on stable storage, not in a cache of the process or the system).
/// Concurrency: writes may come from any thread and are carried out one after the other; reads never wait for a write.
/// Idempotence: none. A write whose outcome is unknown is settled by reopening and reading, never by trying again.
/// Errors: <see cref="StoreFullException"/> means that nothing was written and the store is still good. Any other exception from a write
/// means that the outcome is unknown: the store refuses every further write, and the process must end.
/// </remarks>
public interface ILedgerStore : IDisposable
{
    /// <summary>The number of entries. Their indexes run from 0 without a gap.</summary>
    TreeSize Size { get; }

    /// <summary>Appends entries in one durable transaction. <paramref name="first"/> must equal <see cref="Size"/>: a second writer is a bug.</summary>
    void Append(LeafIndex first, IReadOnlyList<StoredEntry> entries);

    /// <summary>
    /// Makes entries durable in room that was set aside, after <see cref="Append"/> has found none. From then on they count as appended wherever they are read, every other write is refused
    /// with <see cref="StoreFullException"/>, and the first one that finds room again is preceded by them.
    /// </summary>
    /// <exception cref="StoreFullException">What was set aside is used up, or there was nothing to set aside.</exception>
    void AppendToReserve(LeafIndex first, IReadOnlyList<StoredEntry> entries);

    /// <summary>The first entry that is still where <see cref="AppendToReserve"/> has put it; null when there is none.</summary>
    LeafIndex? FirstReserved { get; }

    /// <summary>
    /// As <see cref="Append"/>, and in the same transaction each of <paramref name="stubs"/> takes the place of an entry that is there, whose opening becomes empty; its leaf and subjects stay.
    /// The old bytes are then in no file of the store: true. False when a long read keeps them from being overwritten in the journal for now; that is made up for as soon as it has ended.
    /// </summary>
    bool AppendErasing(LeafIndex first, IReadOnlyList<StoredEntry> entries, IReadOnlyList<StoredStub> stubs);

    /// <summary>Up to <paramref name="countMax"/> entries from <paramref name="first"/>, in order; fewer only at the end.</summary>
    IReadOnlyList<StoredEntry> Read(LeafIndex first, int countMax);

    /// <summary>The public leaves alone, as <see cref="Read"/> gives them with their entries: these may be a hundred times as large.</summary>
    IReadOnlyList<byte[]> ReadLeaves(LeafIndex first, int countMax);

    /// <summary>Up to <paramref name="countMax"/> entries that name the subject, from its sequence number <paramref name="firstSequence"/>, in order, with everything appended before the call.</summary>
    IReadOnlyList<StoredEntry> ReadBySubject(SubjectId subject, ulong firstSequence, int countMax);

    /// <summary>
    /// Up to <paramref name="countMax"/> entries from <paramref name="from"/> on, ascending, that may hold an activity with this commitment: each is to be read and held against it,
    /// since the index that answers keeps a part of each commitment, and what was erased may stand in it for a while. None that holds it is missing below the size that was searched.
    /// </summary>
    CommitmentPlaces FindCommitment(in Hash commitment, LeafIndex from, int countMax);

    /// <summary>The newest checkpoint published, or null before the first.</summary>
    StoredCheckpoint? LastCheckpoint { get; }

    /// <summary>
    /// Replaces the checkpoint and the tiles that changed with it, in one durable transaction, if the last one still has size <paramref name="expected"/>
    /// (0 before the first); false when it does not, and then nothing was written.
    /// </summary>
    bool TryPublish(TreeSize expected, StoredCheckpoint next, IReadOnlyList<StoredTile> tiles);

    /// <summary>The widest version of a tile that was published, or null.</summary>
    ReadOnlyMemory<byte>? ReadTile(int level, ulong index);

    /// <summary>A small document (up to 64 KiB), or null.</summary>
    StoredDocument? ReadDocument(string name);

    /// <summary>Writes a small document if its version is still <paramref name="expectedVersion"/> (0 when there is none); false when it is not.</summary>
    bool TryWriteDocument(string name, long expectedVersion, ReadOnlyMemory<byte> content);
}

/// <summary>An entry as it is kept: the public leaf, the private entry, and what opens the leaf.</summary>
/// <param name="Index">Its place in the log.</param>
/// <param name="Leaf">docs/formats.md, "Leaf". Public.</param>
/// <param name="Entry">docs/formats.md, "Entry". Private.</param>
/// <param name="Opening">docs/formats.md, "Opening": salt, labels, issuance items. Private. Empty when the entry was erased and a stub stands in its place.</param>
/// <param name="Subjects">Whom the entry is about, ascending by id.</param>
public sealed record StoredEntry(LeafIndex Index, byte[] Leaf, byte[] Entry, byte[] Opening, IReadOnlyList<SubjectSequence> Subjects)
{
    public bool IsErased => Opening.Length == 0;
}

/// <summary>What takes the place of an entry that is erased: docs/formats.md, "Erased stub".</summary>
public sealed record StoredStub(LeafIndex Index, byte[] Stub);

/// <summary>Where a commitment may stand.</summary>
/// <param name="Entries">Ascending.</param>
/// <param name="Searched">Entries below this were looked at; behind it the index is still being made.</param>
public sealed record CommitmentPlaces(IReadOnlyList<LeafIndex> Entries, TreeSize Searched);

/// <summary>An entry's place among all entries about one subject.</summary>
public readonly record struct SubjectSequence(SubjectId Subject, ulong Sequence);

/// <summary>A signed checkpoint as it was published.</summary>
public sealed record StoredCheckpoint(TreeSize Size, Hash Root, string Note);

/// <summary>A tile of the tree: up to 256 hashes of 32 bytes.</summary>
public sealed record StoredTile(int Level, ulong Index, byte[] Hashes);

/// <summary>A small document and its version, which grows by one with each write.</summary>
public sealed record StoredDocument(long Version, ReadOnlyMemory<byte> Content);

/// <summary>There is no room: nothing was written, and the store can go on when there is room again.</summary>
public sealed class StoreFullException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The data folder cannot be opened, and the message says in one sentence why and what to do.</summary>
public sealed class StoreRefusedException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether what is stored is damaged; otherwise it was not looked at.</summary>
    public bool IsDamage { get; init; }
}
