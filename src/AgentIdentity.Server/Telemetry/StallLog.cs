using AgentIdentity.Storage;

namespace AgentIdentity.Server.Telemetry;

/// <summary>Says in the log that writing to the ledger takes long: while it does, each minute anew, and once when it is over. docs/operations.md, "A slow disk".</summary>
internal sealed class StallLog : IDisposable
{
    // Writes take milliseconds, and tens of them where others use the disk too.
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    // A disk that is slow again and again is one story.
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(5);

    private readonly DiskWatch _disk;
    private readonly Func<TimeSpan> _oldestWrite;
    private readonly TimeProvider _clock;
    private readonly Action<string> _warn;
    private readonly ITimer _timer;

    // Owned by whoever holds the gate.
    private readonly Lock _gate = new();
    private long? _toldAt;
    private long _slowAt;
    private (string What, TimeSpan Took) _longest;

    /// <param name="disk">What is written.</param>
    /// <param name="oldestWrite">How long the oldest write has been waiting for its answer.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="warn">Takes what there is to say.</param>
    public StallLog(DiskWatch disk, Func<TimeSpan> oldestWrite, TimeProvider clock, Action<string> warn)
    {
        (_disk, _oldestWrite, _clock, _warn) = (disk, oldestWrite, clock, warn);
        _disk.Ended += Took;
        _timer = clock.CreateTimer(_ => Look(), null, LookEvery, LookEvery);
    }

    /// <summary>What was written, as a label.</summary>
    public static string Label(DiskWork work) => work switch
    {
        DiskWork.Commit => "commit",
        DiskWork.ControlJournal => "control-journal",
        DiskWork.JournalCopy => "journal-copy",
        DiskWork.Index => "index",
        _ => throw new ArgumentOutOfRangeException(nameof(work), work, null),
    };

    public void Dispose()
    {
        _timer.Dispose();
        _disk.Ended -= Took;
    }

    internal void Look()
    {
        // Told outside the gate: whoever writes must never wait for a log.
        if (Sentence() is { } sentence)
            _warn(sentence);
    }

    private string? Sentence()
    {
        lock (_gate)
        {
            var (written, waiting) = (_disk.Oldest, _oldestWrite());
            if (written is { } now)
                Note(Label(now.Work), now.For);
            Note("waiting", waiting);
            if (_longest.Took < Slow)
                return null;
            if (_clock.GetElapsedTime(_slowAt) >= Calm)
                return TheEnd();
            return _toldAt is { } told && _clock.GetElapsedTime(told) < TellEvery ? null : Slowness(written, waiting);
        }
    }

    // One that ended between two looks counts too.
    private void Took(DiskWork work, TimeSpan took)
    {
        if (took < Slow)
            return;
        lock (_gate)
            Note(Label(work), took);
    }

    private void Note(string what, TimeSpan took)
    {
        if (took < Slow)
            return;
        _slowAt = _clock.GetTimestamp();
        if (took > _longest.Took)
            _longest = (what, took);
    }

    private string Slowness((DiskWork Work, TimeSpan For)? written, TimeSpan waiting)
    {
        _toldAt = _clock.GetTimestamp();
        var disk = written is { } now ? $"{Label(now.Work)}, for {now.For.TotalSeconds:F1} s" : "nothing";
        return $"Writing to the ledger takes long: {_longest.What}, {_longest.Took.TotalSeconds:F1} s. On the disk now: {disk}; the oldest write waits for {waiting.TotalSeconds:F1} s. "
            + "A stop that waits is in force here, and answered when it is durable. docs/operations.md, \"A slow disk\".";
    }

    private string TheEnd()
    {
        var said = $"Writing to the ledger is quick again; longest took {_longest.What}, {_longest.Took.TotalSeconds:F1} s.";
        (_toldAt, _longest) = (null, default);
        return said;
    }
}
