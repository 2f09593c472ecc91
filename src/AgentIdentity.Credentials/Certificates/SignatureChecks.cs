using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>An acknowledgement that is its enforcer's, and when it entered the ledger (ms since 1970).</summary>
internal sealed record GoodSignature(RegisteredEnforcer Enforcer, Acknowledgement Signed, long At);

/// <summary>What enforcers have signed: each by its own key, for this registry, over its own view, and having seen this history.</summary>
internal sealed class SignatureChecks
{
    private readonly Dictionary<ItemPlace, GoodSignature> _good = [];
    private readonly Dictionary<SubjectId, Acknowledgement> _newest = [];
    private readonly SortedSet<string> _seers = new(StringComparer.Ordinal);
    private readonly Dictionary<TreeSize, CertifiedTree> _trees = [];
    private readonly ShownEntries _shown;
    private readonly EnforcerRegister _people;
    private readonly Checkpoint _checkpoint;
    private readonly CertificateFindings _notes;

    public SignatureChecks(CertificateFile file, ShownEntries shown, EnforcerRegister people, Checkpoint checkpoint, CertificateFindings notes)
    {
        (_shown, _people, _checkpoint, _notes) = (shown, people, checkpoint, notes);
        TreeSize? before = null;
        foreach (var tree in file.Trees)
        {
            if (tree.Size.Value <= before?.Value)
                notes.Add(CertificateProperty.OneHistory, $"the tree of {tree.Size} stands in another order, or twice");
            before = tree.Size;
            _trees[tree.Size] = tree;
        }
        foreach (var (place, entry, item) in shown.Items)
        {
            if (entry.Body is EnforcersAcknowledged)
                Take(place, entry, item);
        }
    }

    /// <summary>Enforcers whose signed tree goes on in that of the checkpoint.</summary>
    public IReadOnlyCollection<string> Seers => _seers;

    public GoodSignature? Find(ItemPlace place) => _good.GetValueOrDefault(place);

    /// <summary>Whether the newest that is shown of an enforcer says that it refuses nothing.</summary>
    public bool IsObserving(RegisteredEnforcer enforcer) => _newest.TryGetValue(enforcer.Id, out var newest) && newest.IsObserving;

    private void Take(ItemPlace place, Entry entry, ReadOnlyMemory<byte> item)
    {
        if (_shown.Genesis is not { } genesis || !Acknowledgement.TryRead(Encoding.ASCII.GetString(item.Span), genesis.PublicUrl, out var signed, out var key))
        {
            Wrong(place, "it is not signed, or for another registry");
            return;
        }
        if (_people.Find(key) is not { } enforcer)
        {
            Wrong(place, "its key is that of no enforcer in the file");
            return;
        }
        if (Problem(place, entry, enforcer, signed) is { } problem)
        {
            Wrong(place, $"{enforcer.Body.Name}: {problem}");
            return;
        }
        _good[place] = new GoodSignature(enforcer, signed, entry.At);
        _newest[enforcer.Id] = signed;
        CheckHistory(place, enforcer, signed);
    }

    private string? Problem(ItemPlace place, Entry entry, RegisteredEnforcer enforcer, Acknowledgement signed)
    {
        if (enforcer.Registered.Value >= place.Entry.Value || !entry.Subjects.Any(subject => subject.Id == enforcer.Id))
            return "the entry is not about it";
        if (!LogOrigin.IsAtOrBefore(signed.Origin, _checkpoint.Origin))
            return "it is for another log";
        if (signed.View != ViewId.Of(enforcer.Body.Audiences))
            return "it is for another view than that of its audiences";
        return signed.Size.Value > place.Entry.Value ? "it names a tree that was not there yet" : null;
    }

    // An enforcer that signs before it has seen a checkpoint names none.
    private void CheckHistory(ItemPlace place, RegisteredEnforcer enforcer, Acknowledgement signed)
    {
        if (signed.Size.Value == 0)
            return;
        if (_trees.TryGetValue(signed.Size, out var tree) && ConsistencyProof.Verify(signed.Size, _checkpoint.Size, signed.Root, _checkpoint.Root, Hash.ReadMany(tree.Path.Span)))
            _seers.Add(enforcer.Body.Name);
        else
            _notes.Add(CertificateProperty.OneHistory, $"{enforcer.Body.Name} has seen a tree of {signed.Size} that does not lead to this one (entry {place.Entry})");
    }

    private void Wrong(ItemPlace place, string words) => _notes.Add(CertificateProperty.Acknowledgements, $"entry {place.Entry}, place {place.Position}: {words}");
}
