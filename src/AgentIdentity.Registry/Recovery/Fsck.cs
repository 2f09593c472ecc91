using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Recovery;

/// <summary>Something that is stored and is not what the entries make of it.</summary>
/// <param name="Index">The entry that it is about, when it is about one.</param>
/// <param name="Meaning">What was found, and what that means.</param>
public sealed record Finding(LeafIndex? Index, string Meaning)
{
    public override string ToString() => Index is { } index ? $"entry {index}: {Meaning}" : Meaning;
}

/// <summary>What a check covered, and how much of it was wrong.</summary>
/// <param name="Folded">Entries from here on were held against the tree alone: the one here is not genuine, so that what follows it adds up to nothing. <paramref name="Entries"/> when all are sound.</param>
public sealed record FsckReport(ulong Entries, ulong Folded, ulong Tiles, ulong Signatures, long Findings);

/// <summary>
/// Rebuilds everything from the entries and compares every stored byte with it: openings, leaves, nullifiers, the fold with its chains, issuances and
/// heads, every tile, the checkpoint, the index of subjects, the snapshot. Nobody may write meanwhile.
/// </summary>
public sealed class Fsck
{
    // A multiple of a tile's width, so that a page ends where tiles do. Some are read ahead, so that one core decodes and hashes while another folds.
    private const int PageEntries = 1024;
    private const int PagesAhead = 4;

    private readonly ILedgerStore _store;
    private readonly FsckFindings _findings;
    private readonly FsckTree _tree;
    private readonly FsckFold _fold;
    private readonly FsckSnapshot _snapshot;

    private Fsck(ILedgerStore store, ISnapshotStore snapshots, bool withSignatures, Action<Finding> found)
    {
        _store = store;
        _findings = new FsckFindings(found);
        _tree = new FsckTree(store, _findings);
        _snapshot = new FsckSnapshot(snapshots, _findings);
        _fold = new FsckFold(_findings, withSignatures);
    }

    /// <summary>Checks a whole store.</summary>
    /// <param name="withSignatures">Also verifies the signature of each statement and each enrolment proof, which takes longer than all the rest.</param>
    /// <param name="found">Is told of each finding as it is made.</param>
    /// <param name="progress">Is told, page by page, up to where the entries are checked.</param>
    public static async Task<FsckReport> RunAsync(
        ILedgerStore store, ILedgerRows rows, ISnapshotStore snapshots, bool withSignatures, Action<Finding> found, Action<TreeSize> progress, CancellationToken cancellation)
    {
        var check = new Fsck(store, snapshots, withSignatures, found);
        var file = Task.Run(rows.CheckFile, cancellation);
        await check.ReadEntriesAsync(progress, cancellation).ConfigureAwait(false);
        check._tree.Finish(check._fold);
        check._tree.CompareCount(rows);
        check._fold.CompareIndex(rows);
        // Where something else is wrong with the ledger, that says already what to do. And a snapshot that tells of more is what shows the loss: nobody is to delete it.
        if (check._findings.Count == 0 && Start.Lost(check._fold.State, store, snapshots) is { } lost)
            check._findings.Add(lost);
        else
            check._snapshot.Finish(check._fold);
        check.CompareFounding();
        foreach (var problem in await file.ConfigureAwait(false))
            check._findings.Add($"The store's file is damaged: {problem}.");
        return new FsckReport(store.Size.Value, check._fold.State.Position, check._tree.Tiles, check._fold.Signatures, check._findings.Count);
    }

    private void CompareFounding()
    {
        if (_fold.State is { Founding: { } founding, IssuerKeys: var issuers }
            && !FoundingDocument.IsOf(_store, new FoundingKeys(founding.RegistryId, issuers.All.First(), founding.LogKey, _fold.State.DidKeys.All.FirstOrDefault())))
            _findings.Add("The founding keys that were kept before the genesis entry are not those that it names.");
        if (_fold.Logs is [.., var log] && LogKeyDocument.Read(_store) != log.Key)
            _findings.Add("The log's key as it is kept for the next start is not the one that the entries name: the snapshot will not be believed.");
    }

    private async Task ReadEntriesAsync(Action<TreeSize> progress, CancellationToken cancellation)
    {
        var ahead = new Queue<Task<FsckPage>>();
        for (ulong next = 0; next < _store.Size.Value || ahead.Count > 0;)
        {
            for (; ahead.Count < PagesAhead && next < _store.Size.Value; next += PageEntries)
                ahead.Enqueue(ReadAsync(next, cancellation));
            var page = await ahead.Dequeue().ConfigureAwait(false);
            foreach (var entry in page.Entries)
            {
                _fold.LearnLabels(entry);
                var settled = _tree.Settle(entry, _fold.Labels);
                _fold.Apply(entry, settled);
                _tree.Append(entry.Index, settled.LeafHash);
                _snapshot.Compare(_fold, _tree);
            }
            _tree.CompareFull();
            _fold.VerifySignatures();
            progress(new TreeSize(page.End));
        }
    }

    private Task<FsckPage> ReadAsync(ulong first, CancellationToken cancellation)
    {
        var end = Math.Min(first + PageEntries, _store.Size.Value);
        return Task.Run(() => FsckPage.Read(_store, first, end, _fold.Labels), cancellation);
    }
}

/// <summary>Passes findings on, and counts them.</summary>
internal sealed class FsckFindings(Action<Finding> found)
{
    public long Count { get; private set; }

    public void Add(string meaning) => Add(null, meaning);

    public void Add(LeafIndex? index, string meaning)
    {
        Count++;
        found(new Finding(index, meaning));
    }
}
