using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>A heads entry and the map whose root it holds.</summary>
public sealed record CommittedHeads(LeafIndex Index, HeadMap Map);

/// <summary>What a snapshot keeps of the last heads entry: the map was the present one, but for the registry itself, whom that entry is about.</summary>
internal sealed record HeadsCopy(LeafIndex Index, Head RegistryBefore);

/// <summary>The map from label to head over everything applied. Owned by the writer; what a heads entry committed to is read by all.</summary>
/// <remarks>The map never changes, it is replaced: so the one that was committed to stays as long as somebody proves from it.</remarks>
internal sealed class SubjectHeads
{
    // Hashing is done a few hundred subjects at a time, so that no group of writes waits for a second's worth of it.
    private const int ChangedMax = 256;

    private readonly HashSet<SubjectCursor> _changed = [];
    private HeadMap _map = HeadMap.Empty;
    private Head _registryBefore;
    private volatile CommittedHeads? _committed;

    public CommittedHeads? Committed => _committed;

    public void Changed(SubjectCursor subject)
    {
        _changed.Add(subject);
        if (_changed.Count >= ChangedMax)
            Settle();
    }

    /// <summary>What a heads entry at the end of the log says.</summary>
    public Heads Next()
    {
        Settle();
        return new Heads(_map.Root, (ulong)_map.Count, _committed?.Index ?? default);
    }

    /// <summary>Takes a heads entry, before the registry itself is counted for it.</summary>
    /// <exception cref="LedgerDamagedException">It says something else than the entries below it.</exception>
    public void Commit(LeafIndex index, Heads heads, RegistryState state)
    {
        if (Next() != heads)
            throw new LedgerDamagedException($"The heads that entry {index} commits to are not those of the entries below it.");
        _registryBefore = state.Cursor(state.Founding!.RegistryId)!.Head;
        _committed = new CommittedHeads(index, _map);
    }

    public HeadsCopy? CopyCommitted() => _committed is { } last ? new HeadsCopy(last.Index, _registryBefore) : null;

    public void Restore(IReadOnlyDictionary<SubjectId, SubjectCursor> subjects, Founding? founding, HeadsCopy? last)
    {
        var heads = subjects.Values.ToDictionary(subject => subject.Label, subject => subject.Head);
        if (last is not null && founding is not null)
        {
            var registry = subjects[founding.RegistryId];
            heads[registry.Label] = last.RegistryBefore;
            _committed = new CommittedHeads(last.Index, HeadMap.Empty.With(heads.ToArray()));
            (_map, _registryBefore) = (_committed.Map, last.RegistryBefore);
            _changed.Add(registry);
        }
        else
        {
            _map = HeadMap.Empty.With(heads.ToArray());
        }
        // Now, at the start, and not when the first group of writes waits for it.
        _ = _map.Root;
    }

    private void Settle()
    {
        if (_changed.Count == 0)
            return;
        _map = _map.With(_changed.Select(subject => KeyValuePair.Create(subject.Label, subject.Head)).ToArray());
        _ = _map.Root;
        _changed.Clear();
    }
}
