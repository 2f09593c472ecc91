namespace AgentIdentity.Storage;

/// <summary>What a store writes.</summary>
public enum DiskWork
{
    /// <summary>What is answered when it is durable.</summary>
    Commit,

    /// <summary>Stops for which the ledger has no room.</summary>
    ControlJournal,

    /// <summary>The database's own journal into the database, in the background; the end of it holds up commits.</summary>
    JournalCopy,

    /// <summary>Rows of the index of subjects, in the background; each slice holds up commits.</summary>
    Index,
}

/// <summary>What a store is writing, and since when. A disk that stalls fails nothing and fills nothing, so that nothing else would tell of it.</summary>
public sealed class DiskWatch(TimeProvider clock)
{
    private readonly Lock _gate = new();

    // Under the gate, in the order of their beginnings: a writer, and whoever waits for it.
    private readonly List<Writing> _writing = [];

    /// <summary>Told of each write that has ended, with how long it took, by the thread that wrote.</summary>
    public event Action<DiskWork, TimeSpan>? Ended;

    /// <summary>What has been going on for longest, and for how long; null when nothing is written.</summary>
    public (DiskWork Work, TimeSpan For)? Oldest
    {
        get
        {
            lock (_gate)
                return _writing is [var oldest, ..] ? (oldest.Work, clock.GetElapsedTime(oldest.Since)) : null;
        }
    }

    /// <summary>Something is written until this is disposed of.</summary>
    public IDisposable Begin(DiskWork work)
    {
        var begun = new Writing(this, work, clock.GetTimestamp());
        lock (_gate)
            _writing.Add(begun);
        return begun;
    }

    private void End(Writing ended)
    {
        lock (_gate)
            _writing.Remove(ended);
        Ended?.Invoke(ended.Work, clock.GetElapsedTime(ended.Since));
    }

    private sealed class Writing(DiskWatch watch, DiskWork work, long since) : IDisposable
    {
        public DiskWork Work => work;

        public long Since => since;

        public void Dispose() => watch.End(this);
    }
}
