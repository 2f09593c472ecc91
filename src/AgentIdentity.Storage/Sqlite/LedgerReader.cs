using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Commitments;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>A connection that only reads, with its statements. One thread at a time.</summary>
internal sealed class LedgerReader : IDisposable
{
    private const int CacheKibibytes = 8 * 1024;

    private readonly Connection _connection;
    private readonly Statement _begin, _end, _indexedSize, _entriesFrom, _leavesFrom, _bodiesFrom, _entriesOfSubject, _tile, _document;

    public LedgerReader(string path)
    {
        _connection = Connection.OpenReader(path, CacheKibibytes);
        _begin = _connection.Prepare("BEGIN");
        _end = _connection.Prepare("COMMIT");
        _indexedSize = _connection.Prepare("SELECT value FROM meta WHERE name = 'indexed_size'");
        _entriesFrom = _connection.Prepare("SELECT idx, subjects, leaf, entry, opening FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?");
        _leavesFrom = _connection.Prepare("SELECT idx, leaf FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?");
        _bodiesFrom = _connection.Prepare("SELECT idx, entry FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?");
        _entriesOfSubject = _connection.Prepare(
            "SELECT e.idx, e.subjects, e.leaf, e.entry, e.opening FROM subject_index s CROSS JOIN entries e ON e.idx = s.idx "
            + "WHERE s.subject = ? AND s.seq >= ? AND s.idx < ? ORDER BY s.seq LIMIT ?");
        _tile = _connection.Prepare("SELECT hashes FROM tiles WHERE level = ? AND idx = ?");
        _document = _connection.Prepare("SELECT version, content FROM documents WHERE name = ?");
    }

    public IReadOnlyList<StoredEntry> Read(LeafIndex first, int countMax)
    {
        var entries = new List<StoredEntry>();
        _entriesFrom.Bind(1, Signed(first.Value)).Bind(2, countMax).ForEach(row =>
        {
            RequireNext(row, first, entries.Count);
            entries.Add(Entry(row));
            return true;
        });
        return entries;
    }

    public IReadOnlyList<byte[]> ReadLeaves(LeafIndex first, int countMax)
    {
        var leaves = new List<byte[]>();
        _leavesFrom.Bind(1, Signed(first.Value)).Bind(2, countMax).ForEach(row =>
        {
            RequireNext(row, first, leaves.Count);
            leaves.Add(row.Bytes(1).ToArray());
            return true;
        });
        return leaves;
    }

    /// <summary>Shows entries where SQLite holds them, without leaf and opening: whoever indexes reads them all.</summary>
    public void ReadBodies(ulong first, int countMax, EntryVisitor visit)
    {
        var count = 0;
        _bodiesFrom.Bind(1, Signed(first)).Bind(2, countMax).ForEach(row =>
        {
            RequireNext(row, new LeafIndex(first), count++);
            return visit((ulong)row.Integer(0), row.Bytes(1));
        });
    }

    /// <summary>What the index knows, and then what it does not know yet, all at one moment.</summary>
    public IReadOnlyList<StoredEntry> ReadBySubject(SubjectId subject, ulong firstSequence, int countMax)
    {
        var entries = new List<StoredEntry>();
        _begin.Execute();
        try
        {
            var indexed = _indexedSize.First(row => row.Integer(0));
            _entriesOfSubject.Bind(1, subject.ToArray()).Bind(2, Signed(firstSequence)).Bind(3, indexed).Bind(4, countMax).ForEach(row =>
            {
                entries.Add(Entry(row));
                return true;
            });
            if (entries.Count < countMax)
                AddUnindexed(entries, indexed, subject, firstSequence, countMax);
            return entries;
        }
        finally
        {
            _end.Execute();
        }
    }

    public ReadOnlyMemory<byte>? ReadTile(int level, ulong index) =>
        _tile.Bind(1, level).Bind(2, Signed(index)).First(row => (ReadOnlyMemory<byte>?)row.Bytes(0).ToArray());

    public StoredDocument? ReadDocument(string name) =>
        _document.Bind(1, name).First(row => new StoredDocument(row.Integer(0), row.Bytes(1).ToArray()));

    /// <summary>Rows for the subject index from the entries at and after <paramref name="first"/>, up to a limit.</summary>
    /// <returns>The index after the last entry read.</returns>
    public ulong ReadSubjects(ulong first, int rowsMax, List<SubjectRow> rows)
    {
        _entriesFrom.Bind(1, Signed(first)).Bind(2, -1).ForEach(row =>
        {
            SubjectBytes.AddRows(row.Bytes(1), row.Integer(0), rows);
            first = (ulong)row.Integer(0) + 1;
            return rows.Count < rowsMax;
        });
        return first;
    }

    /// <summary>What SQLite finds wrong with the file: pages, the order of keys, and rows that the tables do not allow.</summary>
    public IReadOnlyList<string> CheckFile()
    {
        var problems = new List<string>();
        _connection.Prepare("PRAGMA quick_check(20)").ForEach(row =>
        {
            if (row.Text(0) is var problem && problem != "ok")
                problems.Add(problem);
            return true;
        });
        return problems;
    }

    public long CountTiles() => _connection.ReadInteger("SELECT count(*) FROM tiles");

    /// <summary>Every row of the subject index, and up to where it is complete, at one moment.</summary>
    public ulong ReadSubjectIndex(Action<SubjectSequence, LeafIndex> show)
    {
        _begin.Execute();
        try
        {
            var indexed = _indexedSize.First(row => row.Integer(0));
            _connection.Prepare("SELECT subject, seq, idx FROM subject_index").ForEach(row =>
            {
                var subject = row.Bytes(0);
                if (subject.Length != SubjectId.Size)
                    throw new InvalidDataException($"a row names a subject of {subject.Length} bytes");
                show(new SubjectSequence(SubjectId.Read(subject), (ulong)row.Integer(1)), new LeafIndex((ulong)row.Integer(2)));
                return true;
            });
            return (ulong)indexed;
        }
        finally
        {
            _end.Execute();
        }
    }

    public void Dispose() => _connection.Dispose();

    private void AddUnindexed(List<StoredEntry> entries, long indexed, SubjectId subject, ulong firstSequence, int countMax) =>
        _entriesFrom.Bind(1, indexed).Bind(2, -1).ForEach(row =>
        {
            if (SubjectBytes.Names(row.Bytes(1), subject, firstSequence))
                entries.Add(Entry(row));
            return entries.Count < countMax;
        });

    private static void RequireNext(Statement row, LeafIndex first, int count)
    {
        if ((ulong)row.Integer(0) != first.Value + (ulong)count)
            throw new InvalidDataException($"The ledger has a gap: entry {first.Value + (ulong)count} is missing before entry {row.Integer(0)}.");
    }

    private static StoredEntry Entry(Statement row) =>
        new(new LeafIndex((ulong)row.Integer(0)), row.Bytes(2).ToArray(), row.Bytes(3).ToArray(), row.Bytes(4).ToArray(), SubjectBytes.Read(row.Bytes(1)));

    // No row has an index or sequence number beyond the signed range.
    private static long Signed(ulong value) => (long)Math.Min(value, long.MaxValue);
}
