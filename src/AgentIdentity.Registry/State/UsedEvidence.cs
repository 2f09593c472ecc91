using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>Evidence that has been used, until nobody would take it any more: each piece is good once.</summary>
/// <remarks>Changed by the writer; read by it and by whoever looks before asking it.</remarks>
public sealed class UsedEvidence
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Hash, long> _until = [];
    private readonly PriorityQueue<Hash, long> _ends = new();

    /// <summary>When evidence that says so is over for everybody, in ms since 1970.</summary>
    /// <param name="expiresAt">Seconds since 1970.</param>
    public static long Until(long expiresAt) => (expiresAt + (long)WorkloadToken.Skew.TotalSeconds) * 1000;

    /// <summary>Whether it was used, as long as that is remembered: until an entry that is later.</summary>
    public bool Contains(in Hash hash)
    {
        lock (_gate)
            return _until.ContainsKey(hash);
    }

    /// <summary>Remembers a piece of evidence, and forgets those that were over by <paramref name="at"/>.</summary>
    /// <param name="hash">What it hashes to.</param>
    /// <param name="until">Ms since 1970: when nobody takes it any more.</param>
    /// <param name="at">Ms since 1970.</param>
    internal void Add(in Hash hash, long until, long at)
    {
        lock (_gate)
        {
            while (_ends.TryPeek(out var over, out var end) && end < at)
            {
                _ends.Dequeue();
                _until.Remove(over);
            }
            if (_until.TryAdd(hash, until))
                _ends.Enqueue(hash, until);
        }
    }

    internal IReadOnlyList<EvidenceUse> Copy()
    {
        lock (_gate)
            return [.. _until.Select(use => new EvidenceUse(use.Key, use.Value)).OrderBy(use => use.Hash)];
    }

    internal void Restore(IReadOnlyList<EvidenceUse> uses)
    {
        foreach (var use in uses)
            Add(use.Hash, use.Until, at: 0);
    }
}

/// <summary>A piece of evidence that was used, and until when (ms since 1970) that matters.</summary>
internal sealed record EvidenceUse(Hash Hash, long Until);
