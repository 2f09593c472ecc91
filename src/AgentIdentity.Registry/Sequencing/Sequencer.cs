using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Sequencing;

/// <summary>In which order the decisions of one group are taken.</summary>
public enum Lane
{
    /// <summary>First, and never turned away: nothing that the group decides may overtake a stop.</summary>
    Stop,

    /// <summary>Stops by sponsors: behind all others, since on a full disk they leave operators room for theirs.</summary>
    SponsorStop,

    /// <summary>Next, whoever else waits: what operators do about people, rules and stops, and their looks, which go on the record before they are answered.</summary>
    Control,

    /// <summary>In the order in which they came.</summary>
    Ordinary,

    /// <summary>Last, since what they add to is the last of the group: credentials, and what enforcers have signed.</summary>
    Issuance,
}

/// <summary>
/// The one writer. It takes everyone who waits, decides each in order against everything sequenced and pending, makes the group durable
/// with one commit, applies it to memory, answers, and signs a checkpoint each second when the log has grown.
/// </summary>
public sealed class Sequencer : IDisposable
{
    // Above 512 rows a commit gains little and waits long; the queue holds what the writer does in about a second.
    private const int GroupMax = 512;
    private const int QueueMax = 8192;

    // In the place of the time since when somebody waits.
    private const long Nobody = long.MaxValue;

    // Of the thousand stops that the reserve holds. The longest of these take half of it: nobody whose key was stolen may keep operators from stopping what counts.
    private const int SponsorsReservedMax = 192;

    private readonly ILedgerStore _store;
    private readonly RegistryState _state;
    private readonly Standing _standing;
    private readonly CheckpointPublisher _publisher;
    private readonly TimeProvider _clock;
    private readonly Action<string> _log;
    private readonly Thread _writer;
    private readonly TaskCompletionSource<Exception> _halted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Owned by whoever holds the gate.
    private readonly object _gate = new();
    // In the order in which they are served: one for each lane, and one for the last two, which come in one order.
    private readonly Queue<Work>[] _queues = [[], [], [], []];
    private bool _isClosing;

    // When the oldest decision of the group that the writer is at was handed in.
    private long _groupSince = Nobody;

    // The last that was handed in of each. Written by whoever holds the gate, read anywhere.
    private volatile Task _lastStop = Task.CompletedTask;
    private volatile Task _lastSponsorStop = Task.CompletedTask;

    public Sequencer(ILedgerStore store, RegistryState state, Standing standing, CheckpointPublisher publisher, TimeProvider clock, Action<string> log)
    {
        _store = store;
        _state = state;
        _standing = standing;
        _publisher = publisher;
        _clock = clock;
        _log = log;
        _writer = new Thread(Write) { IsBackground = true, Name = "sequencer" };
        _writer.Start();
    }

    /// <summary>Ends with the storage error, or whatever else, after which nothing more is acknowledged; the process must end.</summary>
    public Task<Exception> Halted => _halted.Task;

    /// <summary>Called by the writer between two groups, after a checkpoint.</summary>
    public Action? AfterCheckpoint { get; set; }

    /// <summary>Asked by the writer what else to record before what the group decides, its stops apart; they wait for nothing.</summary>
    internal Action<Draft>? BeforeOthers { get; set; }

    /// <summary>Whether an entry waits for room in what was set aside, and is in the ledger's own file only when there is some.</summary>
    public bool IsIndexPending(LeafIndex index) => _store.FirstReserved is { } first && index.Value >= first.Value;

    /// <summary>Told by the writer of each entry when it is durable and applied, before anybody is answered. It must not take long.</summary>
    internal Action<LeafIndex, Entry, Opening>? Applied { get; set; }

    /// <summary>How long the oldest decision has been waiting for its answer, which is when it is durable; zero when none waits.</summary>
    public TimeSpan OldestWaiting
    {
        get
        {
            lock (_gate)
            {
                var since = Volatile.Read(ref _groupSince);
                foreach (var queue in _queues)
                    since = Math.Min(since, queue.TryPeek(out var first) ? first.Since : Nobody);
                return since == Nobody ? TimeSpan.Zero : _clock.GetElapsedTime(since);
            }
        }
    }

    /// <summary>Ends when the stops that have been asked for so far are durable and applied, or refused. Soon, unless the disk stalls.</summary>
    internal Task StopsSettled => _lastSponsorStop.IsCompleted ? _lastStop : Task.WhenAll(_lastStop, _lastSponsorStop);

    /// <summary>Lets the writer decide, and answers when what it decided is durable and applied.</summary>
    public Task<Outcome<T>> DecideAsync<T>(Lane lane, Func<Draft, Outcome<T>> decide)
    {
        var work = new Work<T>(lane, _clock.GetTimestamp(), decide);
        lock (_gate)
        {
            if (_isClosing || _standing.IsHalted)
                return Task.FromResult<Outcome<T>>(Refused.Because(_standing.IsHalted ? _standing.Everyone : Refusal.RegistryHalted, "The registry takes no writes now."));
            var queue = _queues[(int)(lane < Lane.Ordinary ? lane : Lane.Ordinary)];
            if (lane != Lane.Stop && queue.Count >= QueueMax)
                return Task.FromResult<Outcome<T>>(Refused.Because(Refusal.Overloaded, "More writes are waiting than can be served soon; try again later."));
            queue.Enqueue(work);
            if (lane == Lane.Stop)
                _lastStop = work.Answer;
            else if (lane == Lane.SponsorStop)
                _lastSponsorStop = work.Answer;
            Monitor.Pulse(_gate);
        }
        return work.Answer;
    }

    /// <summary>Denies everybody, and has the process end. Called from any thread.</summary>
    internal void Fail(Exception failure)
    {
        _standing.Halt();
        _halted.TrySetResult(failure);
    }

    /// <summary>Writes what is waiting, signs the last checkpoint and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.Pulse(_gate);
        }
        if (Thread.CurrentThread != _writer)
            _writer.Join();
    }

    private void Write()
    {
        var group = new List<Work>(GroupMax);
        try
        {
            // A folder from before there were heads: its last checkpoint has none to prove from, and a quiet registry would add none.
            if (_state is { IsBootstrapped: true, LastHeads: null } && !_standing.IsHalted)
                TryAppendHeads(_clock.GetUtcNow());
            while (Take(group))
            {
                if (group.Count > 0)
                    Commit(group);
                Volatile.Write(ref _groupSince, Nobody);
                if (_publisher.UntilDue(_clock.GetUtcNow()) <= TimeSpan.Zero)
                    Publish();
                group.Clear();
            }
            Publish();
        }
        catch (Exception failure)
        {
            // What is durable is not known any more. Nobody is let in and nothing is acknowledged until the ledger has been read again.
            Fail(failure);
            Abandon(group);
        }
    }

    // Waits for work, or until a checkpoint is due. False at the end.
    private bool Take(List<Work> group)
    {
        lock (_gate)
        {
            while (Array.TrueForAll(_queues, static queue => queue.Count == 0) && !_isClosing)
            {
                var pause = _publisher.UntilDue(_clock.GetUtcNow());
                if (pause <= TimeSpan.Zero)
                    return true;
                Monitor.Wait(_gate, pause);
            }
            foreach (var queue in _queues)
            {
                while (group.Count < GroupMax && queue.TryDequeue(out var work))
                    group.Add(work);
            }
            Volatile.Write(ref _groupSince, group.Count == 0 ? Nobody : group.Min(static work => work.Since));
            return group.Count > 0 || !_isClosing;
        }
    }

    private void Commit(List<Work> group)
    {
        if (IsDenied(group))
            return;
        var draft = new Draft(_state, _standing, _clock.GetUtcNow());
        Decide(draft, group, Lane.Stop);
        var first = draft.Entries.Count;
        Decide(draft, group, Lane.SponsorStop);
        EndStops(draft, group);
        foreach (var lane in (ReadOnlySpan<Lane>)[Lane.Control, Lane.Ordinary, Lane.Issuance])
            Decide(draft, group, lane);
        draft.Seal();
        if (draft.Entries.Count > 0 && !TryAppend(draft))
            KeepStops(draft, group, first);
        if (IsDenied(group))
            return;
        foreach (var work in group)
            work.Complete();
    }

    private static void Decide(Draft draft, List<Work> group, Lane lane)
    {
        foreach (var work in group)
        {
            if (work.Lane != lane)
                continue;
            work.Decide(draft);
            work.Through = draft.Entries.Count;
        }
    }

    private void EndStops(Draft draft, List<Work> group)
    {
        draft.EndStops();
        if (_state.IsBootstrapped && group.Exists(static work => !work.IsStop))
            BeforeOthers?.Invoke(draft);
    }

    // A full disk turns everybody away but stops: they stand first in the group, so that they keep places and epochs when the rest is left out. Those of sponsors stand last among them, as far as there is room for them.
    private void KeepStops(Draft draft, List<Work> group, int first)
    {
        var rows = draft.StopRows();
        var reserved = _store.FirstReserved is { } from ? (int)(_state.Position - from.Value) : 0;
        var kept = TryReserve(draft, rows[..first]) ? first : 0;
        var behind = Math.Min(rows.Length, Math.Max(first, SponsorsReservedMax - reserved));
        if (kept == first && TryReserve(draft, rows[first..behind]))
            kept = behind;
        foreach (var work in group)
        {
            if (!work.IsStop || work.Through > kept)
                work.Fail(Refusal.StorageFull, "There is no room to write; nothing was recorded.");
        }
    }

    private bool TryReserve(Draft draft, StoredEntry[] rows)
    {
        if (rows.Length == 0)
            return true;
        try
        {
            _store.AppendToReserve(rows[0].Index, rows);
        }
        catch (StoreFullException full)
        {
            _log($"Stops are not durable: {full.Message}");
            return false;
        }
        Apply(draft, rows);
        return true;
    }

    // Nothing is acknowledged from the moment on in which everybody is denied, whatever was decided before.
    private bool IsDenied(List<Work> group)
    {
        if (!_standing.IsHalted)
            return false;
        foreach (var work in group)
            work.Fail(_standing.Everyone, "The registry takes no writes now.");
        return true;
    }

    // The heads entry stands last under its checkpoint, so that whoever holds the checkpoint knows where to find it.
    private void Publish()
    {
        var now = _clock.GetUtcNow();
        if (_standing.IsHalted)
            _publisher.Postpone(now);
        else if (_publisher.HasGrown && TryAppendHeads(now) && _publisher.PublishNow(now))
            AfterCheckpoint?.Invoke();
    }

    private bool TryAppendHeads(DateTimeOffset now)
    {
        // There already is one when its checkpoint found no room.
        if (_state.LastHeads is { } last && last.Index.Value + 1 == _state.Position)
            return true;
        var draft = new Draft(_state, _standing, now);
        draft.Stage(draft.RegistryId, _state.NextHeads(), draft.RegistryId);
        if (TryAppend(draft))
            return true;
        _publisher.Postpone(now);
        return false;
    }

    private bool TryAppend(Draft draft)
    {
        var rows = draft.ToRows();
        try
        {
            if (draft.Erased.Count == 0)
                _store.Append(rows[0].Index, rows);
            else
                draft.IsErasedForGood = _store.AppendErasing(rows[0].Index, rows, draft.Erased);
        }
        catch (StoreFullException full)
        {
            _log($"Writes are refused: {full.Message}");
            return false;
        }
        var leafHashes = Apply(draft, rows);
        draft.Rows = rows;
        draft.Promise = _publisher.Promise(rows[0].Index, leafHashes, draft.At);
        return true;
    }

    private Hash[] Apply(Draft draft, StoredEntry[] rows)
    {
        var leafHashes = Array.ConvertAll(rows, row => MerkleHash.Leaf(row.Leaf));
        for (var i = 0; i < rows.Length; i++)
        {
            var staged = draft.Find(rows[i].Index);
            _state.Apply(staged.Index, staged.Entry, staged.Opening, in leafHashes[i]);
            _publisher.Append(in leafHashes[i]);
            Applied?.Invoke(staged.Index, staged.Entry, staged.Opening);
        }
        return leafHashes;
    }

    private void Abandon(List<Work> group)
    {
        lock (_gate)
        {
            foreach (var work in group.Concat(_queues.SelectMany(static queue => queue)))
                work.Fail(Refusal.RegistryHalted, "The write may or may not have been recorded; ask again when the registry is back.");
            foreach (var queue in _queues)
                queue.Clear();
        }
    }

    private abstract class Work(Lane lane, long since)
    {
        public Lane Lane { get; } = lane;

        /// <summary>When it was handed in, by the clock's timestamps.</summary>
        public long Since { get; } = since;

        public bool IsStop => Lane is Lane.Stop or Lane.SponsorStop;

        /// <summary>How many entries of the group its answer may rest on: those up to its own.</summary>
        public int Through { get; set; }

        public abstract void Decide(Draft draft);

        public abstract void Complete();

        public abstract void Fail(Refusal refusal, string detail);
    }

    private sealed class Work<T>(Lane lane, long since, Func<Draft, Outcome<T>> decide) : Work(lane, since)
    {
        private readonly TaskCompletionSource<Outcome<T>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Outcome<T> _decided;

        public Task<Outcome<T>> Answer => _answer.Task;

        public override void Decide(Draft draft) => _decided = decide(draft);

        public override void Complete() => _answer.TrySetResult(_decided);

        public override void Fail(Refusal refusal, string detail) => _answer.TrySetResult(Refused.Because(refusal, detail));
    }
}
