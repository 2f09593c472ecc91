using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>The entries of a certificate that are what their leaves commit to, and the items that stand under their roots.</summary>
internal sealed class ShownEntries
{
    private readonly SortedDictionary<ulong, Entry> _entries = [];
    private readonly SortedDictionary<(ulong Entry, uint Position), ReadOnlyMemory<byte>> _items = [];

    private ShownEntries(Genesis? genesis) => Genesis = genesis;

    /// <summary>How the log began; null when that is not shown.</summary>
    public Genesis? Genesis { get; }

    /// <summary>In the order of the ledger.</summary>
    public IEnumerable<(LeafIndex Index, Entry Entry)> All => _entries.Select(pair => (new LeafIndex(pair.Key), pair.Value));

    /// <summary>In the order of the ledger.</summary>
    public IEnumerable<(ItemPlace Place, Entry Entry, ReadOnlyMemory<byte> Item)> Items =>
        _items.Select(pair => (new ItemPlace(new LeafIndex(pair.Key.Entry), pair.Key.Position), _entries[pair.Key.Entry], pair.Value));

    /// <summary>When the last entry that is shown was written.</summary>
    public long NewestAt => _entries.Count == 0 ? 0 : _entries.Values.Last().At;

    public Entry? Find(LeafIndex index) => _entries.GetValueOrDefault(index.Value);

    public ReadOnlyMemory<byte>? Find(ItemPlace place) => _items.TryGetValue((place.Entry.Value, place.Position), out var item) ? item : null;

    public static ShownEntries Open(CertificateFile file, Checkpoint checkpoint, NoteVerifierKey logKey, CertificateFindings notes)
    {
        var keys = new RegistryKeyWalk(checkpoint, logKey, problem => notes.Add(CertificateProperty.RegistryKeys, problem));
        var (opened, problems) = (new Entry?[file.Entries.Count], new List<TrailProblem>[file.Entries.Count]);
        Parallel.For(0, opened.Length, i => opened[i] = EntryCheck.Open(file.Entries[i].Opened, checkpoint, problems[i] = []));
        for (var i = 0; i < opened.Length; i++)
        {
            var index = file.Entries[i].Index;
            foreach (var problem in problems[i])
                notes.Add(problem.Property == TrailProperty.Tree ? CertificateProperty.Tree : CertificateProperty.Openings, $"entry {index}: {problem.Words}");
            if (i > 0 && index.Value <= file.Entries[i - 1].Index.Value)
                notes.Add(CertificateProperty.Openings, $"entry {index}: the ledger index does not ascend");
            if (opened[i]?.Body is Entries.Genesis or LogSucceeded or RegistryKeyRotated)
                keys.Take(index, opened[i]);
        }
        keys.End();
        var shown = new ShownEntries(keys.Genesis);
        for (var i = 0; i < opened.Length; i++)
        {
            // What does not hold by itself says nothing to the checks behind this one.
            if (opened[i] is { } entry && problems[i].Count == 0)
                shown.Take(file.Entries[i], entry, notes);
        }
        return shown;
    }

    private void Take(CertificateEntry shown, Entry entry, CertificateFindings notes)
    {
        _entries[shown.Index.Value] = entry;
        uint next = 0;
        foreach (var item in shown.Items)
        {
            var (property, root, count) = entry.Body switch
            {
                CredentialsIssued issued => (CertificateProperty.Exposure, issued.Root, issued.Count),
                EnforcersAcknowledged acknowledged => (CertificateProperty.Acknowledgements, acknowledged.Root, acknowledged.Count),
                _ => (CertificateProperty.Openings, default, 0u),
            };
            if (item.Position < next || !EntryCheck.Leads(item.Path, new LeafIndex(item.Position), new TreeSize(count), MerkleHash.Leaf(item.Item.Span), root))
                notes.Add(property, $"entry {shown.Index}: the item in place {item.Position} does not stand under its root");
            else
                _items[(shown.Index.Value, item.Position)] = item.Item;
            next = item.Position + 1;
        }
    }
}
