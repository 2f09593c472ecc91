using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Anchors;
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
public sealed class TrailExports(RegistryState state, ILedgerStore store, CheckpointPublisher publisher, HeadsReader heads, Anchors? anchors)
{
    /// <summary>Settles what the file covers: the newest checkpoint, and what it holds about the agent.</summary>
    /// <param name="agent">Whom the file is about.</param>
    /// <param name="from">The first activity to open, by its number among the entries about the agent.</param>
    /// <param name="to">The first activity to leave closed again.</param>
    /// <param name="cancellation">Ends the wait for a checkpoint.</param>
    public async Task<Outcome<TrailExport>> BeginAsync(SubjectId agent, ulong from, ulong to, CancellationToken cancellation) =>
        await heads.FindAsync(agent, cancellation).ConfigureAwait(false) is { } view
            ? new TrailExport(state, store, publisher.LogKey, view, agent, new ActivityRange(from, to), anchors?.Beside(view.Tree))
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
    private readonly ShownAnchor? _anchor;
    private readonly SignedEntries _signed;
    private readonly TrailFileWriter _writer = new();
    private readonly HashSet<LeafIndex> _heldByForks;

    internal TrailExport(RegistryState state, ILedgerStore store, string logKey, SubjectView view, SubjectId agent, ActivityRange range, ShownAnchor? anchor)
    {
        (_state, _store, _logKey, _view, _agent, _range, _anchor, _signed) = (state, store, logKey, view, agent, range, anchor, new SignedEntries(view.Tree));
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
        var keyEntries = _state.IssuerKeys.Spans.Select(span => span.From).Concat(_state.Logs.Select(log => log.From)).Concat(OperatorEntries()).DistinctBy(from => from.Value).OrderBy(from => from.Value);
        foreach (var from in keyEntries)
        {
            if (Size.Contains(from))
                yield return _writer.RegistryEntry(_signed.Open(_store.Read(from, 1)[0], out _));
        }
        while (EntriesMade < Entries)
        {
            var page = _store.ReadBySubject(_agent, EntriesMade, (int)Math.Min(PageEntries, Entries - EntriesMade));
            if (page.Count == 0)
                throw new LedgerDamagedException($"Entry number {EntriesMade} about agent {_agent} is missing.");
            foreach (var row in page)
                yield return _writer.Entry(Show(row, EntriesMade++));
        }
        yield return _writer.HeadsAndEnd(_signed.Open(_store.Read(_view.Heads.Index, 1)[0], out _), _view.Heads.Map.Prove(_view.Label), _anchor);
    }

    // Who approved an erasure may have come after genesis. What two people have changed besides (enforcers, the sealed key) is no part of a trail.
    private IEnumerable<LeafIndex> OperatorEntries()
    {
        var operators = ((Genesis)Body(default).Body).Operators.Select(person => person.Id).ToHashSet();
        foreach (var change in _state.PeopleChanges.Where(change => Size.Contains(change.Index)))
        {
            var entry = Body(change.Index);
            if (entry.Body is OperatorAdded)
                operators.Add(entry.Subjects[0].Id);
            if (entry.Body is OperatorAdded || (entry.Body is CallerRemoved removed && operators.Contains(removed.Caller)))
                yield return change.Index;
        }
    }

    private Entry Body(LeafIndex index) => Entry.TryDecode(_store.Read(index, 1)[0].Entry, out var entry) ? entry : throw new LedgerDamagedException($"Entry {index} cannot be read.");

    private TreeSize Size => _signed.Size;

    // What a fork names is opened whatever was asked for: without it nobody could check the accusation.
    private LeafIndex Held(LeafIndex fork) => Body(fork).Body is Fork { Held: var held }
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
        var opened = _signed.Open(row, out var opening);
        return new AgentEntry(expected, row.Leaf, opened, [.. Reading.Items(opening.Items, _agent).Select(SignedEntries.Show)]);
    }

    // What was erased behind the checkpoint, while the file is made, is shown closed: the entry that says so is not in the file.
    private AgentEntry ShowErased(StoredEntry row, ulong sequence) => Size.Contains(Erasures.Stub(row).ErasedBy)
        ? new AgentEntry(sequence, row.Leaf, null, []) { Erased = new ErasedEntry(row.Index, SignedEntries.Join(_signed.Path(row)), row.Entry) }
        : new AgentEntry(sequence, row.Leaf, null, []);
}
