using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>
/// The denials as the registry shows them, and those that it shows no more and that go on being refused until their lift is proven. Owned by the watch;
/// what it changes in the deny state, decisions see at once.
/// </summary>
internal sealed class DenialBook(DenyState denyState)
{
    private readonly Dictionary<ulong, Denial> _denied = [];

    // Proven before the delta or the snapshot that it explains: of what is shown, and of nothing else. Restores lift for others too, and those would add up.
    private readonly HashSet<ulong> _liftedEarly = [];
    private DenyList _shown = new();

    /// <summary>What the registry shows, oldest first.</summary>
    public IEnumerable<Denial> Shown => _shown.Denials;

    /// <summary>What it shows no more and what is refused all the same.</summary>
    public IEnumerable<Denial> Held => _denied.Values.Where(denial => !_shown.Contains(denial.Index));

    /// <summary>Whether something is refused that the registry shows no more.</summary>
    public bool HasHeld => _denied.Count > _shown.Count;

    public ulong Count => (ulong)_shown.Count;

    public Hash Digest => _shown.Digest;

    public bool IsDenied(LeafIndex index) => _denied.ContainsKey(index.Value);

    /// <summary>Whether the registry shows it.</summary>
    public bool IsShown(LeafIndex index) => _shown.Contains(index);

    public Denial? Find(LeafIndex index) => _denied.GetValueOrDefault(index.Value);

    /// <summary>Denies. False when the registry cannot show it behind those that it has shown; it is refused all the same.</summary>
    public bool Deny(Denial denial)
    {
        Refuse(denial);
        if (_shown.Denials.LastOrDefault() is { } last && last.Index.Value >= denial.Index.Value)
            return false;
        _shown.Add(denial);
        return true;
    }

    /// <summary>Refuses what the registry has shown before and shows no more.</summary>
    public void Hold(Denial denial) => Refuse(denial);

    /// <summary>The registry shows it no more. It goes on being refused, unless its lift was proven before.</summary>
    public void Unlist(LeafIndex index)
    {
        if (_shown.Remove(index) is not null && _liftedEarly.Remove(index.Value))
            Lift(index);
    }

    /// <summary>Its lift is proven. True when it is refused no more.</summary>
    public bool Lift(LeafIndex index)
    {
        if (_shown.Contains(index))
        {
            _liftedEarly.Add(index.Value);
            return false;
        }
        if (!_denied.Remove(index.Value, out var denial))
            return false;
        denyState.Remove(denial);
        return true;
    }

    /// <summary>The cuts of a scope before an entry: what a later cut with two people's approval takes the place of.</summary>
    public LeafIndex[] CutsBefore(Scope scope, LeafIndex index) =>
        [.. _denied.Values.Where(denial => denial.After is not null && denial.Scope == scope && denial.Index.Value < index.Value).Select(denial => denial.Index)];

    /// <summary>Whether a snapshot says of a denial that is held something else than was said of it before.</summary>
    public bool Contradicts(Denial shown) => Find(shown.Index) is { } held && !DenialFormat.Encode(held).AsSpan().SequenceEqual(DenialFormat.Encode(shown));

    /// <summary>Takes what a snapshot shows for what the registry shows. Gives the denials that were shown before, are no more, and whose lift is not proven.</summary>
    public IReadOnlyList<Denial> Replace(DenyList snapshot)
    {
        foreach (var denial in snapshot.Denials)
            Refuse(denial);
        var gone = _shown.Denials.Where(denial => !snapshot.Contains(denial.Index)).ToArray();
        _shown = snapshot;
        foreach (var denial in gone.Where(denial => _liftedEarly.Contains(denial.Index.Value)))
            Lift(denial.Index);
        _liftedEarly.RemoveWhere(index => !snapshot.Contains(new LeafIndex(index)));
        return [.. gone.Where(denial => IsDenied(denial.Index))];
    }

    private void Refuse(Denial denial)
    {
        if (_denied.TryAdd(denial.Index.Value, denial))
            denyState.Add(denial);
    }
}
