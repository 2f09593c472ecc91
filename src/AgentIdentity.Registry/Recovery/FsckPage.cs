using System.Collections.Concurrent;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Erasing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>One entry with all that can be said of it alone.</summary>
internal sealed class FsckEntry(LeafIndex index)
{
    public LeafIndex Index { get; } = index;

    /// <summary>Null when the row cannot be read; <see cref="Problem"/> then says why.</summary>
    public StoredEntry? Row { get; init; }

    public Entry? Entry { get; init; }

    public Opening? Opening { get; init; }

    /// <summary>What stays of an activity that was erased, and is what the entry that erased it says. Its leaf is held against tiles and root alone.</summary>
    public ErasedStub? Stub { get; init; }

    public string? Problem { get; init; }

    /// <summary>The hash of the leaf as it is stored.</summary>
    public Hash StoredLeafHash { get; init; }

    /// <summary>Whether the leaf is the one that entry, opening and labels make. Null while a label was not known yet.</summary>
    public bool? IsLeafRight { get; set; }

    /// <summary>The leaf that entry and opening make; null when a label is not known.</summary>
    public byte[]? MakeLeaf(ConcurrentDictionary<SubjectId, Hash> labels)
    {
        if (Entry is null || Opening is null || Entry.Subjects.Count > Leaf.NullifiersMax)
            return null;
        var nullifiers = new Hash[Entry.Subjects.Count];
        Span<byte> secret = stackalloc byte[Hash.Size];
        for (var i = 0; i < nullifiers.Length; i++)
        {
            if (!labels.TryGetValue(Entry.Subjects[i].Id, out var label))
                return null;
            label.CopyTo(secret);
            nullifiers[i] = Leaf.Nullifier(secret, Entry.Subjects[i].Sequence);
        }
        Array.Sort(nullifiers);
        // Of two subjects with one label, which is a finding of its own, no leaf can be made.
        for (var i = 1; i < nullifiers.Length; i++)
        {
            if (nullifiers[i - 1] == nullifiers[i])
                return null;
        }
        Opening.Salt.CopyTo(secret);
        return Leaf.Encode((byte)Entry.Body.Class, nullifiers, secret, Row!.Entry);
    }
}

/// <summary>A run of entries, read and looked at one by one. What needs those before them is left to the fold.</summary>
internal sealed record FsckPage(ulong End, FsckEntry[] Entries)
{
    public static FsckPage Read(ILedgerStore store, ulong first, ulong end, ConcurrentDictionary<SubjectId, Hash> labels)
    {
        var entries = new FsckEntry[end - first];
        var erasures = new Erasures(store);
        if (TryRead(store, first, entries.Length, out _) is { } rows && rows.Count == entries.Length)
        {
            for (var i = 0; i < entries.Length; i++)
                entries[i] = LookAt(rows[i], erasures, labels);
            return new FsckPage(end, entries);
        }
        // One of them cannot be read: the others can, one by one.
        for (var i = 0; i < entries.Length; i++)
        {
            var row = TryRead(store, first + (ulong)i, 1, out var problem);
            entries[i] = row is { Count: 1 } ? LookAt(row[0], erasures, labels) : new FsckEntry(new LeafIndex(first + (ulong)i)) { Problem = problem };
        }
        return new FsckPage(end, entries);
    }

    // Whatever the store throws over damaged bytes is what this is here to report.
    private static IReadOnlyList<StoredEntry>? TryRead(ILedgerStore store, ulong first, int count, out string problem)
    {
        problem = "it is missing";
        try
        {
            return store.Read(new LeafIndex(first), count);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            problem = failure.Message.TrimEnd('.');
            return null;
        }
    }

    private static FsckEntry LookAtErased(StoredEntry row, Erasures erasures)
    {
        try
        {
            return new FsckEntry(row.Index) { Row = row, Stub = erasures.Require(row), StoredLeafHash = MerkleHash.Leaf(row.Leaf), IsLeafRight = true };
        }
        catch (LedgerDamagedException damaged)
        {
            return new FsckEntry(row.Index) { Row = row, Problem = damaged.Message.TrimEnd('.'), StoredLeafHash = MerkleHash.Leaf(row.Leaf), IsLeafRight = false };
        }
    }

    // What an entry erases and is there again.
    private static string? Undone(StoredEntry row, Entry entry, Erasures erasures)
    {
        try
        {
            if (entry.Body is ActivitiesErased erasure)
                erasures.RequireDone(row.Index, erasure);
            return null;
        }
        catch (LedgerDamagedException damaged)
        {
            return damaged.Message.TrimEnd('.');
        }
    }

    private static FsckEntry LookAt(StoredEntry row, Erasures erasures, ConcurrentDictionary<SubjectId, Hash> labels)
    {
        if (row.IsErased)
            return LookAtErased(row, erasures);
        var hasEntry = Entry.TryDecode(row.Entry, out var entry);
        var hasOpening = Opening.TryDecode(row.Opening, out var opening);
        var looked = new FsckEntry(row.Index)
        {
            Row = row,
            Entry = hasEntry ? entry : null,
            Opening = hasOpening ? opening : null,
            Problem = hasEntry ? hasOpening ? Undone(row, entry, erasures) : "its opening cannot be read" : "it cannot be read as an entry of a known version and kind",
            StoredLeafHash = MerkleHash.Leaf(row.Leaf),
        };
        if (looked.Problem is not null)
            looked.IsLeafRight = false;
        else if (looked.MakeLeaf(labels) is { } leaf)
            looked.IsLeafRight = leaf.AsSpan().SequenceEqual(row.Leaf);
        return looked;
    }
}
