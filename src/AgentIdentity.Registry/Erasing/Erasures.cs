using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Erasing;

/// <summary>Holds what stays of erased activities against the entries that erased them, and the other way round. One thread at a time.</summary>
public sealed class Erasures(ILedgerStore store)
{
    // Stubs that follow each other are mostly of one erasure.
    private (LeafIndex Index, ActivitiesErased Body)? _last;

    /// <summary>The stub in a row whose entry was erased.</summary>
    /// <exception cref="LedgerDamagedException">There is none, or it is filed under another subject than it names.</exception>
    public static ErasedStub Stub(StoredEntry row) =>
        ErasedStub.TryDecode(row.Entry, out var stub) && row.Subjects is [var subject] && subject == new SubjectSequence(stub.AgentId, stub.SubjectSequence)
            ? stub
            : throw new LedgerDamagedException($"Entry {row.Index} was erased, and what stays of it cannot be read.");

    /// <summary>The same, when the ledger holds the entry that erased it, and that names this stub.</summary>
    public ErasedStub Require(StoredEntry row)
    {
        var stub = Stub(row);
        return Erasure(row.Index, stub.ErasedBy) is { } erasure && erasure.Names(row.Index, stub)
            ? stub
            : throw new LedgerDamagedException($"Entry {row.Index} is gone, and entry {stub.ErasedBy} is not what erased it.");
    }

    /// <summary>What a row holds is what was written, or what its erasure has left of that. Asked before anything is put on the record because of it: what the disk has changed is nobody's word.</summary>
    /// <exception cref="LedgerDamagedException">It is not.</exception>
    internal void RequireGenuine(StoredEntry row, SignedTree? signed)
    {
        Reading.Reading.RequireSigned(row, signed);
        if (row.IsErased)
            Require(row);
        else
            Reading.Reading.Genuine(row);
    }

    /// <summary>Nothing that an entry erases is there again.</summary>
    public void RequireDone(LeafIndex index, ActivitiesErased erasure)
    {
        foreach (var erased in erasure.Indexes)
        {
            if (store.Read(erased, 1) is not [{ IsErased: true } row] || Stub(row) is not { } stub || stub.ErasedBy != index || !erasure.Names(erased, stub))
                throw new LedgerDamagedException($"Entry {erased} was erased by entry {index}, and is there again.");
        }
    }

    private ActivitiesErased? Erasure(LeafIndex erased, LeafIndex by)
    {
        if (_last is { } last && last.Index == by)
            return last.Body;
        if (by.Value <= erased.Value || store.Read(by, 1) is not [{ IsErased: false } row] || !Entry.TryDecode(row.Entry, out var entry) || entry.Body is not ActivitiesErased body)
            return null;
        _last = (by, body);
        return body;
    }
}
