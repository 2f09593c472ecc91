using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Storage.Commitments;

namespace AgentIdentity.Storage.Tests.Commitments;

/// <summary>A ledger of activities and erasures in memory. What it holds can be told without an index.</summary>
internal sealed class PlainLedger : ICommittedEntries
{
    private static readonly SubjectId Agent = Fixtures.Subject(1);

    private readonly List<byte[]> _entries = [];
    private readonly Dictionary<Hash, SortedSet<ulong>> _held = [];

    public ulong Size { get; private set; }

    /// <summary>How many entries were shown.</summary>
    public long Shown { get; private set; }

    /// <summary>Ledgers with another one have other leaves.</summary>
    public int Salt { get; init; }

    /// <summary>Reads fail with it, when there is one.</summary>
    public Exception? Failure { get; set; }

    public IEnumerable<Hash> Commitments => _held.Keys;

    /// <summary>Where a commitment stands, as far as it was not erased.</summary>
    public IReadOnlyCollection<ulong> Holders(Hash commitment) => _held.GetValueOrDefault(commitment) ?? [];

    public ulong Record(params Hash[] commitments)
    {
        var statement = SignedStatement.Encode("localhost:5000", Agent, default, Size + 1, default, 1, StatementKind.Activity, commitments);
        foreach (var commitment in commitments)
        {
            if (!_held.TryGetValue(commitment, out var holders))
                _held[commitment] = holders = [];
            holders.Add(Size);
        }
        return Append(new Activity(statement, KeyAlgorithm.ES256, new byte[64], Quarantined: false));
    }

    /// <summary>Something that holds no commitment.</summary>
    public ulong Look() => Append(new PrivateDataRead("/a/b", "", 1));

    public ulong Erase(params ulong[] indexes)
    {
        foreach (var index in indexes)
        {
            if (Entry.TryReadCommitments(_entries[(int)index], out var commitments))
            {
                foreach (var commitment in commitments)
                    _held[commitment].Remove(index);
            }
            _entries[(int)index] = [0xab];
        }
        return Append(new ActivitiesErased(Agent, [.. indexes.Select(index => new LeafIndex(index))], "asked for", [], [.. indexes.Select(_ => default(Hash))]));
    }

    public void Read(ulong first, int countMax, EntryVisitor visit)
    {
        if (Failure is not null)
            throw Failure;
        for (var index = first; index < Math.Min(first + (ulong)countMax, Size); index++)
        {
            Shown++;
            if (!visit(index, _entries[(int)index]))
                return;
        }
    }

    public Hash LeafHash(ulong index) => Sha256.Hash([.. BitConverter.GetBytes(index), .. BitConverter.GetBytes(Salt)]);

    private ulong Append(EntryBody body)
    {
        _entries.Add(new Entry((long)Size, [new EntrySubject(Agent, Size + 1)], Agent, body).Encode());
        return Size++;
    }
}
