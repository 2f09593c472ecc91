using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage.Commitments;

/// <summary>How large the parts of the index are.</summary>
/// <param name="TailMax">The tail becomes a run at so many pairs, or entries: 8 MiB of memory, searched from end to end in a third of a millisecond, read again in two seconds after a crash.</param>
/// <param name="MergeWidth">So many neighbours of one size become one run: few runs to look into, and each pair is written again once for each size.</param>
internal sealed record IndexRules(int TailMax = 1 << 19, int MergeWidth = 4);

/// <summary>
/// Finds entries by commitment. Commitments are in no order, and a row of a sorted table for each would cost commits most of their speed; so pairs gather in a
/// tail in memory, become sorted files (runs), and these are merged. A cache of the ledger: nothing is lost with it.
/// </summary>
/// <remarks>Each entry is covered by one run, or by the tail, or by nothing yet. Searches may come from any thread; all else is for the one that tends.</remarks>
internal sealed class CommitmentIndex : IDisposable
{
    // A search brings the tail up to date itself, so that what is acknowledged is found: as many entries as a busy registry commits in half a second.
    private const int CatchUpMax = 8192;

    // A search may wait for so many entries to be read by another: a few milliseconds.
    private const int StepEntries = 1024;

    // A merge lets the tail grow on this often.
    private const int PairsBetweenLooks = 1 << 18;

    private readonly ICommittedEntries _ledger;
    private readonly IndexRules _rules;
    private readonly RunFolder _folder;

    // Guards what follows. Runs are added, replaced and removed by the one that tends, which reads the list without it.
    private readonly Lock _gate = new();
    private readonly List<RunFile> _runs;
    private Tail? _flushing;
    private Tail _tail;
    private Erasure? _erasure;

    public CommitmentIndex(string path, ICommittedEntries ledger, IndexRules rules)
    {
        _ledger = ledger;
        _rules = rules;
        _folder = new RunFolder(path);
        _runs = _folder.Open(ledger);
        _tail = new Tail(FirstGap(_runs), ledger.Size);
    }

    /// <summary>The runs, for tests.</summary>
    internal IReadOnlyList<RunFile> Runs => _runs;

    /// <inheritdoc cref="ILedgerStore.FindCommitment"/>
    public CommitmentPlaces Find(in Hash commitment, LeafIndex from, int countMax)
    {
        var (prefix, places, searched) = (CommitmentPair.PrefixOf(in commitment), new List<ulong>(), 0UL);
        lock (_gate)
        {
            for (var read = 0; Extend() && read < CatchUpMax; read += StepEntries)
            {
            }
            foreach (var segment in Segments().TakeWhile(segment => segment.From == searched))
            {
                if (!TryAddPlaces(segment, prefix, from.Value, countMax, places))
                    break;
                searched = segment.To;
            }
        }
        return new CommitmentPlaces([.. places.Select(place => new LeafIndex(place))], new TreeSize(searched));
    }

    /// <summary>Brings everything in order, until there is nothing left to do: erasures first, since what they took is not to be written again.</summary>
    /// <exception cref="IOException">A run cannot be written. What was to be in it stays in memory, and the next call tries again.</exception>
    public void Tend(CancellationToken stop)
    {
        var isBehind = true;
        while (isBehind && !stop.IsCancellationRequested)
        {
            isBehind = ExtendOnce();
            RemoveDamaged();
            try
            {
                isBehind |= Erase(stop) || Flush() || Merge(stop);
            }
            catch (RunDamagedException)
            {
                // The run knows, and goes in the next round.
                isBehind = true;
            }
        }
    }

    /// <summary>Leaves the tail as a run, so that the next start need not read it again.</summary>
    public void Dispose()
    {
        try
        {
            if (_erasure is null && (_flushing is not null || !_tail.IsEmpty))
                FlushNow();
        }
        catch (Exception)
        {
            // Whatever it was, the next start reads these entries in the ledger; an end is not to fail for a cache.
        }
        _runs.ForEach(run => run.Dispose());
    }

    private static bool TryAddPlaces(ISegment segment, ulong prefix, ulong from, int countMax, List<ulong> places)
    {
        var before = places.Count;
        try
        {
            segment.AddPlaces(prefix, from, countMax, places);
            return true;
        }
        catch (RunDamagedException)
        {
            places.RemoveRange(before, places.Count - before);
            return false;
        }
    }

    private static ulong FirstGap(IEnumerable<ISegment> segments)
    {
        var covered = 0UL;
        foreach (var segment in segments.TakeWhile(segment => segment.From == covered))
            covered = segment.To;
        return covered;
    }

    // Ascending. A tail that fills a gap lies before runs.
    private IEnumerable<ISegment> Segments()
    {
        IEnumerable<ISegment> segments = _tail.IsEmpty ? Written() : Written().Append(_tail);
        return segments.OrderBy(segment => segment.From);
    }

    private IEnumerable<ISegment> Written()
    {
        IEnumerable<ISegment> runs = _runs.Where(run => !run.IsDamaged);
        return _flushing is null ? runs : runs.Append(_flushing).OrderBy(segment => segment.From);
    }

    private bool ExtendOnce()
    {
        lock (_gate)
            return Extend();
    }

    // Reads on in the ledger, up to its end or to the next run behind a gap; true when there is more to read.
    private bool Extend()
    {
        if (_tail.IsEmpty)
            _tail = new Tail(FirstGap(Written()), _ledger.Size);
        if (MustFlush)
            return false;
        var end = End;
        var count = (int)Math.Min(StepEntries, end - _tail.To);
        if (count > 0)
            _ledger.Read(_tail.To, count, Add);
        return _tail.To < end && !MustFlush;
    }

    private ulong End => Written().FirstOrDefault(segment => segment.From >= _tail.To)?.From ?? _ledger.Size;

    private bool IsFull => _tail.Count >= _rules.TailMax || _tail.To - _tail.From >= (ulong)_rules.TailMax;

    // At the end of a gap, or above one, the tail is needed elsewhere.
    private bool MustFlush => !_tail.IsEmpty && (IsFull || Written().Any(segment => segment.From == _tail.To) || FirstGap(Written()) < _tail.From);

    private bool Add(ulong index, ReadOnlySpan<byte> entry)
    {
        if (Entry.HasKind(entry, EntryKind.ActivitiesErased) && Entry.TryDecode(entry.ToArray(), out var decoded) && decoded.Body is ActivitiesErased erased)
            _erasure = Erasure.Join(_erasure, index, erased);
        Entry.TryReadCommitments(entry, out var commitments);
        _tail.Add(index, commitments);
        return !IsFull;
    }

    private void RemoveDamaged()
    {
        lock (_gate)
        {
            foreach (var run in _runs.Where(run => run.IsDamaged).ToArray())
            {
                _runs.Remove(run);
                run.Delete();
            }
        }
    }

    // What was erased leaves memory and files. No tail that has seen the erasure becomes a run before, so after a crash it is seen again.
    private bool Erase(CancellationToken stop)
    {
        if (_erasure is not { } erasure)
            return false;
        lock (_gate)
        {
            _flushing?.Remove(erasure.Indexes);
            _tail.Remove(erasure.Indexes);
        }
        foreach (var run in _runs.Where(run => erasure.Concerns(run.Header)).ToArray())
        {
            if (Holds(run, erasure.Indexes) && !Replace([run], erasure.Indexes, stop))
                return true;
        }
        lock (_gate)
            _erasure = ReferenceEquals(_erasure, erasure) ? null : _erasure;
        return true;
    }

    private static bool Holds(RunFile run, IReadOnlySet<ulong> indexes)
    {
        for (var pairs = run.Read(); pairs.MoveNext();)
        {
            if (indexes.Contains(pairs.Current.Index))
                return true;
        }
        return false;
    }

    private bool Flush()
    {
        lock (_gate)
        {
            if (_erasure is not null || (_flushing is null && !MustFlush))
                return false;
        }
        FlushNow();
        return true;
    }

    private void FlushNow()
    {
        lock (_gate)
        {
            if (_flushing is null)
                (_flushing, _tail) = (_tail, new Tail(_tail.To, _ledger.Size));
        }
        var run = _folder.Make(_flushing.From, _flushing.To, _flushing.AsOf, _ledger, writer =>
        {
            foreach (var pair in _flushing.Sorted())
                writer.Add(pair);
            return true;
        })!;
        lock (_gate)
        {
            _runs.Insert(_runs.Count(other => other.From < run.From), run);
            _flushing = null;
        }
    }

    private bool Merge(CancellationToken stop)
    {
        for (var first = 0; first + _rules.MergeWidth <= _runs.Count; first++)
        {
            var parts = _runs.GetRange(first, _rules.MergeWidth);
            if (parts.Zip(parts.Skip(1)).All(pair => pair.First.To == pair.Second.From && Tier(pair.First) == Tier(pair.Second)))
                return Replace(parts, erased: null, stop);
        }
        return false;
    }

    // Runs of one tier differ in size by less than the width.
    private int Tier(RunFile run)
    {
        var tier = 0;
        for (var size = run.Header.Count / (ulong)_rules.TailMax; size >= (ulong)_rules.MergeWidth; size /= (ulong)_rules.MergeWidth)
            tier++;
        return tier;
    }

    // One run takes the place of its parts, which are neighbours. False when it was given up.
    private bool Replace(List<RunFile> parts, IReadOnlySet<ulong>? erased, CancellationToken stop)
    {
        var made = _folder.Make(parts[0].From, parts[^1].To, parts.Min(part => part.Header.AsOf), _ledger, writer => Copy(parts, erased, writer, stop));
        if (made is null)
            return false;
        lock (_gate)
        {
            var place = _runs.IndexOf(parts[0]);
            _runs.RemoveRange(place, parts.Count);
            _runs.Insert(place, made);
        }
        foreach (var part in parts)
        {
            if (part.Path == made.Path)
                part.Dispose();
            else
                part.Delete();
        }
        return true;
    }

    private bool Copy(List<RunFile> parts, IReadOnlySet<ulong>? erased, RunWriter writer, CancellationToken stop)
    {
        var cursors = parts.Select(part => part.Read()).Where(cursor => cursor.MoveNext()).ToList();
        for (var pairs = 1L; cursors.Count > 0; pairs++)
        {
            if (pairs % PairsBetweenLooks == 0 && !KeepUp(stop))
                return false;
            var least = Least(cursors);
            if (erased is null || !erased.Contains(least.Current.Index))
                writer.Add(least.Current);
            if (!least.MoveNext())
                cursors.Remove(least);
        }
        return true;
    }

    private static RunCursor Least(List<RunCursor> cursors)
    {
        var least = cursors[0];
        for (var i = 1; i < cursors.Count; i++)
        {
            if (cursors[i].Current.CompareTo(least.Current) < 0)
                least = cursors[i];
        }
        return least;
    }

    // A merge of gigabytes takes a minute, and what comes in meanwhile is to be found.
    private bool KeepUp(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && (ExtendOnce() || Flush()))
        {
        }
        return !stop.IsCancellationRequested;
    }
}
