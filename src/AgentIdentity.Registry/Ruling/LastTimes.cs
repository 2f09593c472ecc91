using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Ruling;

/// <summary>When something happened the last so many times.</summary>
internal sealed class LastTimes(int count)
{
    private readonly (long At, LeafIndex? Entry)[] _times = new (long, LeafIndex?)[count];
    private long _added;

    /// <summary>When it was last; in whatever unit the caller counts.</summary>
    public long Newest => _added == 0 ? long.MinValue : _times[(_added - 1) % count].At;

    /// <summary>The entries that were named, oldest first.</summary>
    public IReadOnlyList<LeafIndex> Entries => [.. _times.Where(time => time.Entry is not null).Select(time => time.Entry!.Value).OrderBy(entry => entry.Value)];

    /// <summary>Whether all of the last so many lie less than a window back from now.</summary>
    public bool AreWithin(long window, long now) => _added >= count && now - _times[_added % count].At < window;

    public void Add(long at, LeafIndex? entry = null) => _times[_added++ % count] = (at, entry);
}
