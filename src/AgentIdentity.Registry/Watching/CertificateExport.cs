using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>One certificate on its way out: the evidence is gathered first, then each entry is proven as it leaves.</summary>
public sealed class CertificateExport
{
    private readonly RegistryState _state;
    private readonly ILedgerStore _store;
    private readonly NoteSignerKey _logKey;
    private readonly SignedTree _tree;
    private readonly ShownAnchor? _anchor;
    private readonly SignedDenials _denials;
    private readonly long _madeAt;
    private readonly string _incident;
    private readonly SignedEntries _signed;

    // What the file shows: entries with the places of their items, the stops, and the trees that enforcers have seen.
    private readonly SortedDictionary<ulong, SortedSet<uint>> _entries = [];
    private readonly SortedSet<ulong> _trees = [];
    private readonly CertifiedStop[] _stops;

    internal CertificateExport(RegistryState state, ILedgerStore store, NoteSignerKey logKey, SignedTree tree, ShownAnchor? anchor, IReadOnlyList<StopReport> stops, SignedDenials denials, TimeProvider clock)
    {
        (_state, _store, _logKey, _tree, _anchor, _denials, _signed) = (state, store, logKey, tree, anchor, denials, new SignedEntries(tree));
        _incident = stops[0].Stop.Incident;
        foreach (var log in state.Logs)
            Show(log.From);
        // A stop that was written after the checkpoint, while it was waited for, is for the next certificate.
        var covered = stops.Where(stop => Size.Contains(stop.Stop.Denial.Index)).ToArray();
        _stops = [.. covered.Select(Certify)];
        ShowPeople(covered);
        // The clock may have been set back; the certificate is not older than what it shows.
        _madeAt = Math.Max(clock.GetUtcNow().ToUnixTimeMilliseconds(), state.LastAt);
    }

    /// <summary>How many stops it is about.</summary>
    public int Stops => _stops.Length;

    private TreeSize Size => _tree.Checkpoint.Size;

    /// <summary>The items of the file, made as they are asked for.</summary>
    public IEnumerable<byte[]> Items()
    {
        using var writer = new CertificateFileWriter();
        yield return writer.Header(new CertificateHeader(_logKey.Verifier.ToString(), _incident, _tree.Checkpoint.Note));
        foreach (var (index, positions) in _entries)
            yield return writer.Entry(Open(new LeafIndex(index), positions));
        foreach (var stop in _stops)
            yield return writer.Stop(stop);
        foreach (var size in _trees)
            yield return writer.Tree(new CertifiedTree(new TreeSize(size), SignedEntries.Join(ConsistencyProof.Build(new TreeSize(size), Size, _tree.Node))));
        if (_anchor is not null)
            yield return writer.Anchor(_anchor);
        yield return writer.SealAndEnd(_logKey, _madeAt);
    }

    private CertificateEntry Open(LeafIndex index, SortedSet<uint> positions)
    {
        var opened = _signed.Open(_store.Read(index, 1)[0], out var opening);
        return new CertificateEntry(opened, positions.Count == 0 ? [] : [.. SignedEntries.Items(opening.Items, i => positions.Contains((uint)i)).Select(SignedEntries.Show)]);
    }

    private CertifiedStop Certify(StopReport report)
    {
        var stop = report.Stop;
        Show(stop.Denial.Index);
        if (stop.Lifted is { By: var by } && Size.Contains(by))
            Show(by);
        if (stop.Rule is { } rule)
            Show(rule.Rules);
        var exposed = stop.Exposure.Audiences.Select(audience => new ItemPlace(audience.Index, audience.Position)).Distinct().OrderBy(place => place.Entry.Value).ThenBy(place => place.Position).ToArray();
        Array.ForEach(exposed, Show);
        var (signed, word) = (new List<SignedDenial>(), new List<EnforcerWord>());
        foreach (var enforcer in report.Enforcers)
        {
            if (_denials.Observing(enforcer.Enforcer, Size) is { } observing)
                Show(observing.Place, observing.Seen);
            // What one has signed and was seen not to keep proves nothing; that it was is said in its place.
            if (enforcer.Progress != EnforcerProgress.Lying && _denials.Find(stop, enforcer.Enforcer, Size) is { } found)
            {
                signed.Add(found.Denial);
                Show(found.Denial.Acknowledgement, found.Seen);
            }
            else
            {
                word.Add(new EnforcerWord(enforcer.Enforcer.Id, enforcer.Progress, enforcer.At, enforcer.LeaseUntil));
            }
        }
        return new CertifiedStop(
            stop.Denial.Index, DenialFormat.Encode(stop.Denial), exposed, [.. signed.OrderBy(one => one.Acknowledgement.Entry.Value).ThenBy(one => one.Acknowledgement.Position)],
            [.. word.OrderBy(one => one.Enforcer)]);
    }

    // Everybody who is registered, who had to acknowledge, and of whom an entry that is shown has an acknowledgement: whoever checks it picks who is needed. And all that two people have changed.
    private void ShowPeople(IReadOnlyList<StopReport> stops)
    {
        var enforcers = _state.Callers.Where(caller => caller.Role == CallerRole.Enforcer).Select(caller => caller.Id).ToHashSet();
        enforcers.UnionWith(stops.SelectMany(stop => stop.Stop.Exposure.Enforcers).Concat(SubjectsOfAcknowledgements()));
        foreach (var id in enforcers)
            ShowIfCovered(_store.ReadBySubject(id, 0, 1)[0].Index);
        foreach (var change in _state.PeopleChanges)
            ShowIfCovered(change.Index);
    }

    private SubjectId[] SubjectsOfAcknowledgements() =>
        [.. _entries.Where(entry => entry.Value.Count > 0).Select(entry => _store.Read(new LeafIndex(entry.Key), 1)[0])
            .Where(row => Entry.TryDecode(row.Entry, out var entry) && entry.Body is EnforcersAcknowledged).SelectMany(row => row.Subjects.Select(subject => subject.Subject))];

    private void ShowIfCovered(LeafIndex index)
    {
        if (Size.Contains(index))
            Show(index);
    }

    private void Show(LeafIndex index) => _entries.TryAdd(index.Value, []);

    private void Show(ItemPlace place)
    {
        Show(place.Entry);
        _entries[place.Entry.Value].Add(place.Position);
    }

    private void Show(ItemPlace place, TreeSize seen)
    {
        Show(place);
        if (seen.Value > 0)
            _trees.Add(seen.Value);
    }
}
