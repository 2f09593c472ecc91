using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Erasing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Reading;

/// <summary>Makes trail files: docs/formats.md, "Trail file".</summary>
public sealed class TrailExports(RegistryState state, ILedgerStore store, CheckpointPublisher publisher, HeadsReader heads)
{
    /// <summary>Settles what the file covers: the newest checkpoint, and what it holds about the agent.</summary>
    /// <param name="agent">Whom the file is about.</param>
    /// <param name="from">The first activity to open, by its number among the entries about the agent.</param>
    /// <param name="to">The first activity to leave closed again.</param>
    /// <param name="cancellation">Ends the wait for a checkpoint.</param>
    public async Task<Outcome<TrailExport>> BeginAsync(SubjectId agent, ulong from, ulong to, CancellationToken cancellation) =>
        await heads.FindAsync(agent, cancellation).ConfigureAwait(false) is { } view
            ? new TrailExport(state, store, publisher.LogKey, view, agent, new ActivityRange(from, to))
            : HeadsReader.NotCovered();
}

/// <summary>Which activities are opened, by their numbers among the entries about the agent.</summary>
internal sealed record ActivityRange(ulong From, ulong To)
{
    public bool Contains(ulong sequence) => sequence >= From && sequence < To;
}

/// <summary>One trail file on its way out. Every proof is checked before it leaves: what is stored and does not lead to the signed root ends the export.</summary>
public sealed class TrailExport
{
    // A page of the largest statements is 8 MB.
    private const int PageEntries = 256;

    private readonly RegistryState _state;
    private readonly ILedgerStore _store;
    private readonly string _logKey;
    private readonly SubjectView _view;
    private readonly SubjectId _agent;
    private readonly ActivityRange _range;
    private readonly TrailFileWriter _writer = new();
    private readonly HashSet<LeafIndex> _heldByForks;

    internal TrailExport(RegistryState state, ILedgerStore store, string logKey, SubjectView view, SubjectId agent, ActivityRange range)
    {
        (_state, _store, _logKey, _view, _agent, _range) = (state, store, logKey, view, agent, range);
        _heldByForks = [.. (state.FindAgent(agent)?.Chains ?? []).Select(chain => chain.Fork).OfType<LeafIndex>().Where(fork => Size.Contains(fork)).Select(Held)];
    }

    /// <summary>How many entries are about the agent.</summary>
    public ulong Entries => _view.Head.Count;

    /// <summary>How many of them have been made.</summary>
    public ulong EntriesMade { get; private set; }

    /// <summary>The items of the file, made as they are asked for. Once.</summary>
    public IEnumerable<byte[]> Items()
    {
        yield return _writer.Header(new TrailHeader(_logKey, _agent, _view.Label, _view.Tree.Checkpoint.Note));
        var keyEntries = _state.IssuerKeys.Spans.Select(span => span.From).Concat(_state.Logs.Select(log => log.From)).Concat(_state.OperatorEntries).DistinctBy(from => from.Value).OrderBy(from => from.Value);
        foreach (var from in keyEntries)
        {
            if (Size.Contains(from))
                yield return _writer.RegistryEntry(Open(_store.Read(from, 1)[0], out _));
        }
        while (EntriesMade < Entries)
        {
            var page = _store.ReadBySubject(_agent, EntriesMade, (int)Math.Min(PageEntries, Entries - EntriesMade));
            if (page.Count == 0)
                throw new LedgerDamagedException($"Entry number {EntriesMade} about agent {_agent} is missing.");
            foreach (var row in page)
                yield return _writer.Entry(Show(row, EntriesMade++));
        }
        yield return _writer.HeadsAndEnd(Open(_store.Read(_view.Heads.Index, 1)[0], out _), _view.Heads.Map.Prove(_view.Label));
    }

    private TreeSize Size => _view.Tree.Checkpoint.Size;

    // What a fork names is opened whatever was asked for: without it nobody could check the accusation.
    private LeafIndex Held(LeafIndex fork) => Entry.TryDecode(_store.Read(fork, 1)[0].Entry, out var entry) && entry.Body is Fork { Held: var held }
        ? held
        : throw new LedgerDamagedException($"Entry {fork} was a fork of its agent and cannot be read as one.");

    private AgentEntry Show(StoredEntry row, ulong expected)
    {
        if (row.Subjects.First(subject => subject.Subject == _agent).Sequence != expected)
            throw new LedgerDamagedException($"Entry {row.Index} is not number {expected} about its agent.");
        if (row.IsErased)
            return ShowErased(row, expected);
        if (!_range.Contains(expected) && !_heldByForks.Contains(row.Index) && Leaf.TryDecode(row.Leaf, out var leaf) && (EntryClass)leaf.Class is not EntryClass.Authority)
            return new AgentEntry(expected, row.Leaf, null, []);
        var opened = Open(row, out var opening);
        return new AgentEntry(expected, row.Leaf, opened, [.. Reading.Items(opening.Items, _agent).Select(item => new OwnItem(item.Position, item.Item, Join(item.Path)))]);
    }

    // What was erased behind the checkpoint, while the file is made, is shown closed: the entry that says so is not in the file.
    private AgentEntry ShowErased(StoredEntry row, ulong sequence) => Size.Contains(Erasures.Stub(row).ErasedBy)
        ? new AgentEntry(sequence, row.Leaf, null, []) { Erased = new ErasedEntry(row.Index, Join(Path(row)), row.Entry) }
        : new AgentEntry(sequence, row.Leaf, null, []);

    private Hash[] Path(StoredEntry row)
    {
        var path = InclusionProof.Build(row.Index, Size, _view.Tree.Node);
        return InclusionProof.Verify(row.Index, Size, MerkleHash.Leaf(row.Leaf), path, _view.Tree.Checkpoint.Root)
            ? path
            : throw new LedgerDamagedException($"The leaf of entry {row.Index} is not the one that was signed.");
    }

    private OpenedEntry Open(StoredEntry row, out Opening opening)
    {
        var path = Path(row);
        if (!Opening.TryDecode(row.Opening, out opening) || !Leaf.TryDecode(row.Leaf, out var leaf) || Leaf.Commit(opening.Salt.ToArray(), row.Entry) != leaf.Commitment)
            throw new LedgerDamagedException($"Entry {row.Index} as stored does not open its leaf.");
        return new OpenedEntry(row.Index, row.Leaf, Join(path), row.Entry, opening.Salt);
    }

    private static byte[] Join(ReadOnlySpan<Hash> path)
    {
        var bytes = new byte[path.Length * Hash.Size];
        for (var i = 0; i < path.Length; i++)
            path[i].CopyTo(bytes.AsSpan(i * Hash.Size));
        return bytes;
    }
}
