using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Watching;

/// <summary>A credential of the registry's own, for some of the audiences that enforcers answer for. docs/formats.md, "Probe".</summary>
internal sealed record Probe(SubjectId Jti, string Credential, IReadOnlyList<string> Audiences, long ExpiresAt, LeafIndex Index);

/// <summary>The probes that ride along with one stop, ascending by jti: together they reach every enforcer that is registered.</summary>
internal sealed record ProbeSet(IReadOnlyList<Probe> Probes)
{
    public long ExpiresAt => Probes.Min(probe => probe.ExpiresAt);

    /// <summary>Whether a cut after this entry covers them: it covers nothing older.</summary>
    public bool IsIssuedAfter(LeafIndex entry) => Probes.All(probe => probe.Index.Value > entry.Value);

    /// <summary>The one to show to whoever answers for these audiences.</summary>
    public Probe? For(IReadOnlyList<string> audiences) => Probes.FirstOrDefault(probe => probe.Audiences.Any(audience => audiences.Contains(audience, StringComparer.Ordinal)));
}

/// <summary>The probes that enforcers were sent and no stop has used yet. For all threads.</summary>
internal sealed class ReadyProbes
{
    private readonly Lock _lock = new();
    private readonly List<ProbeSet> _sets = [];

    /// <summary>Called when one is used up.</summary>
    public Action Used { get; set; } = static () => { };

    public IReadOnlyList<ProbeSet> All
    {
        get
        {
            lock (_lock)
                return [.. _sets];
        }
    }

    public void Add(ProbeSet set)
    {
        lock (_lock)
            _sets.Add(set);
    }

    /// <summary>Drops those that a stop could still use, because they come to their end or do not reach everybody any more.</summary>
    public void Drop(Predicate<ProbeSet> isDropped)
    {
        lock (_lock)
            _sets.RemoveAll(isDropped);
    }

    /// <summary>Takes the probes of one stop or cut; none when there are none. It never waits for them.</summary>
    /// <param name="seconds">The time of the stop, since 1970.</param>
    /// <param name="after">For a cut, the last entry that is still good.</param>
    public IReadOnlyList<SubjectId> Take(long seconds, LeafIndex? after)
    {
        lock (_lock)
        {
            if (_sets.Find(set => set.ExpiresAt > seconds && (after is not { } last || set.IsIssuedAfter(last))) is not { } set)
                return [];
            _sets.Remove(set);
            Used();
            return [.. set.Probes.Select(probe => probe.Jti)];
        }
    }
}
