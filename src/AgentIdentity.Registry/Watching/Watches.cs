using System.Collections.Concurrent;
using System.Threading.Channels;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Tells everybody who watches of each epoch, in order, as soon as its entry is applied; and of the proof when a checkpoint covers it.</summary>
/// <remarks>The writer only hands entries over. A thread of its own changes the views, signs each delta once for each view, and fills the queues.</remarks>
internal sealed class Watches : IAsyncDisposable
{
    private readonly RegistryState _state;
    private readonly Standing _standing;
    private readonly RegistryName _name;
    private readonly CheckpointPublisher _checkpoints;
    private readonly EntryProofs _proofs;
    private readonly LoggedItems _items;
    private readonly EnforcerLeases _leases;
    private readonly ReadyProbes _probes;
    private readonly Action<string> _log;
    private readonly Action<Exception> _failed;
    private readonly Channel<Applied> _applied = Channel.CreateUnbounded<Applied>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<LeafIndex, TimeSpan> _toldAt = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _telling;
    private readonly ulong _position;
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Owned by whoever holds the gate.
    private readonly Lock _gate = new();
    private readonly SortedDictionary<ulong, StopRecord> _inForce = [];
    private readonly Dictionary<Hash, View> _views = [];
    private readonly Dictionary<SubjectId, WatchStream> _streams = [];
    private NoteSignerKey? _key;
    private ulong _epoch;

    /// <param name="failed">Called once, when nobody can be told anything any more.</param>
    public Watches(
        RegistryState state, Standing standing, RegistryName name, CheckpointPublisher checkpoints, EntryProofs proofs, LoggedItems items, EnforcerLeases leases, ReadyProbes probes, Action<string> log, Action<Exception> failed)
    {
        (_state, _standing, _name, _checkpoints, _proofs, _items, _leases, _probes, _log, _failed) = (state, standing, name, checkpoints, proofs, items, leases, probes, log, failed);
        foreach (var stop in state.Stops.InForce)
            _inForce.Add(stop.Denial.Index.Value, stop);
        (_epoch, _position) = (state.Epoch, state.Position);
        _telling = Task.Run(TellAsync);
    }

    /// <summary>Ends when something that a report shows has changed.</summary>
    public Task Changed => _changed.Task;

    /// <summary>When a stop was told, since the start of this process: leases that were granted later went out behind it. What was stopped before the start, at the start; what is not told yet, now.</summary>
    public TimeSpan ToldAt(LeafIndex stop) => _toldAt.TryGetValue(stop, out var at) ? at : _position > stop.Value ? TimeSpan.Zero : _leases.Now;

    /// <summary>Ends when everybody who watches has been told of this epoch.</summary>
    public async Task WhenToldAsync(ulong epoch, CancellationToken cancellation)
    {
        while (true)
        {
            // Taken before the look, so that a change between the look and the wait is not missed.
            var changed = Changed;
            lock (_gate)
            {
                if (_epoch >= epoch)
                    return;
            }
            await changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Called by the writer for each entry.</summary>
    public void Hand(LeafIndex index, Entry entry, Opening opening)
    {
        if (entry.Body is CredentialsIssued)
            _items.Issued(index, opening.Items);
        if (entry.Body is CredentialsIssued or EnforcersAcknowledged or EnforcerAlarmed || ChangedActor(entry.Body) is not null || EpochOf(entry.Body) is not null)
            _applied.Writer.TryWrite(new Applied(index, entry));
    }

    /// <summary>Begins a stream. It takes the place of another one of the same enforcer, which may not know yet that its connection is gone.</summary>
    public (WatchStream Stream, Snapshot Snapshot, ulong Epoch) Attach(CallerRecord enforcer, bool isObserving, NoteSignerKey key)
    {
        lock (_gate)
        {
            _key = key;
            var view = ViewOf(enforcer.Audiences);
            var stream = new WatchStream(enforcer, view, isObserving);
            if (_streams.Remove(enforcer.Id, out var older))
                End(older, Refused.Because(Credentials.Refusal.WatchReplaced, "Another stream was begun under this key: an enforcer is one process."));
            // Which may fail: who is among the streams has somebody who takes it away again.
            var snapshot = view.Attach(stream, key, out var epoch);
            _streams.Add(enforcer.Id, stream);
            foreach (var set in _probes.All)
                Show(set, view, stream.Post);
            Pulse();
            return (stream, snapshot, epoch);
        }
    }

    public void Detach(WatchStream stream)
    {
        lock (_gate)
        {
            stream.View.Detach(stream);
            if (_streams.TryGetValue(stream.Enforcer.Id, out var held) && held == stream)
                _streams.Remove(stream.Enforcer.Id);
            Pulse();
        }
    }

    public WatchStream? Find(SubjectId enforcer)
    {
        lock (_gate)
            return _streams.GetValueOrDefault(enforcer);
    }

    public bool HasStreams
    {
        get
        {
            lock (_gate)
                return _streams.Count > 0;
        }
    }

    /// <summary>Shows probes to everybody who watches, and has the next stop that wants some use them.</summary>
    public void Offer(ProbeSet set)
    {
        lock (_gate)
        {
            foreach (var view in _views.Values)
                Show(set, view, view.Tell);
            // Not before: a stop must not overtake the probe that it names.
            _probes.Add(set);
        }
    }

    /// <summary>Ends all streams: nothing that would be said from now on counts.</summary>
    public void EndAll(Refused refused)
    {
        lock (_gate)
        {
            foreach (var stream in _streams.Values)
                stream.End(refused);
        }
    }

    public void Pulse() => Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>Sends the proof of an entry when a checkpoint covers it.</summary>
    public async Task ProveAsync(LeafIndex index, Action<EntryProof> tell, CancellationToken until = default)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, until);
        try
        {
            await _checkpoints.WhenCoversAsync(index, ending.Token).ConfigureAwait(false);
            tell(_proofs.Prove(index));
        }
        catch (OperationCanceledException)
        {
            // The registry ends, or nobody listens any more; who watches hears the rest from the next one.
        }
        catch (LedgerDamagedException damaged)
        {
            // Enforcers alarm when a proof does not come, and are right.
            _log($"Enforcers cannot be shown the proof of entry {index}: {damaged.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _applied.Writer.TryComplete();
        await _ending.CancelAsync().ConfigureAwait(false);
        await _telling.ConfigureAwait(false);
        _ending.Dispose();
    }

    private static void Show(ProbeSet set, View view, Action<WatchMessage> tell)
    {
        if (set.For(view.Audiences) is { } probe)
            tell(new ProbeShown(probe.Credential));
    }

    private static void End(WatchStream stream, Refused refused)
    {
        stream.View.Detach(stream);
        stream.End(refused);
    }

    private async Task TellAsync()
    {
        try
        {
            await foreach (var applied in _applied.Reader.ReadAllAsync().ConfigureAwait(false))
                Tell(applied);
        }
        catch (Exception failure)
        {
            // The key that signs does not answer, or it is a bug. Whoever is told of no stop any more must not be granted leases either.
            _failed(failure);
        }
    }

    private void Tell(Applied applied)
    {
        if (applied.Entry.Body is CredentialsIssued)
        {
            _items.CatchUpIfKept();
            return;
        }
        if (ChangedActor(applied.Entry.Body) is { } agent)
            GreetAnew(agent);
        if (applied.Entry.Body is CallerRemoved or Stop { Scope.Kind: ScopeKind.Key })
            EndUnserved();
        if (ChangeOf(applied) is { } change && Tell(change) is { Length: > 0 } shown)
            _ = ProveAsync(change.Index, proof => Array.ForEach(shown, view => view.Tell(proof)));
        Pulse();
    }

    // Before anything that is told behind this entry: a stop of the new key must find nobody who signs that it refuses, and knows the agent by the old one.
    private void GreetAnew(SubjectId agent)
    {
        lock (_gate)
        {
            foreach (var stream in _streams.Values.Where(stream => stream.View.Callees.Contains(agent)).ToArray())
                End(stream, Refused.Because(Credentials.Refusal.WatchOutdated, "An agent that is one of the audiences has another key since: watch again."));
        }
    }

    // Two people have removed the enforcer, or its key is stopped: what it says counts no more, and it is told nothing.
    private void EndUnserved()
    {
        lock (_gate)
        {
            foreach (var stream in _streams.Values)
            {
                if (_standing.OfCaller(stream.Enforcer.Key.KeyId) is { } unserved)
                    stream.End(unserved);
            }
        }
    }

    // The views that it changes: only they are shown the entry.
    private View[] Tell(Change change)
    {
        lock (_gate)
        {
            foreach (var index in change.Removed)
                _inForce.Remove(index.Value);
            if (change.Added is { } added)
                _inForce.Add(added.Denial.Index.Value, added);
            _epoch = change.Epoch;
            // A view that nobody watches is made again when somebody does.
            foreach (var view in _views.Values.Where(view => !view.IsWatched).ToArray())
                _views.Remove(view.Id);
            View[] shown = _key is { } key ? [.. _views.Values.Where(view => view.Advance(change, key))] : [];
            _toldAt[change.Index] = _leases.Now;
            return shown;
        }
    }

    private View ViewOf(IReadOnlyList<string> audiences)
    {
        var id = ViewId.Of(audiences);
        if (!_views.TryGetValue(id, out var view))
            _views.Add(id, view = new View(audiences, _name, _inForce.Values, _epoch));
        return view;
    }

    private Change? ChangeOf(Applied applied)
    {
        var (index, entry) = applied;
        if (EpochOf(entry.Body) is not { } epoch)
            return null;
        var added = _state.Stops.Find(index);
        return entry.Body switch
        {
            Stop or CompromiseCut { Approvals.Count: 0 } => new Change(epoch, index, DeltaKind.Deny, DenialFormat.Encode(added!.Denial), [], added),
            // Two people have moved it: the older ones of its scope are gone.
            CompromiseCut cut => new Change(epoch, index, DeltaKind.Other, entry.Encode(), [.. _state.Stops.Of(cut.Scope).Where(stop => stop.Lifted?.By == index).Select(stop => stop.Denial.Index)], added),
            Restored restored => new Change(epoch, index, DeltaKind.Lift, entry.Encode(), restored.Stops, null),
            _ => new Change(epoch, index, DeltaKind.Other, entry.Encode(), [], null),
        };
    }

    // Whose key it changes: of what a stop may name an agent by, only that does not stay for good.
    private static SubjectId? ChangedActor(EntryBody body) => (body as AgentKeyRotated)?.AgentId;

    private static ulong? EpochOf(EntryBody body) => body switch
    {
        Stop stop => stop.Epoch,
        Restored restored => restored.Epoch,
        CompromiseCut cut => cut.Epoch,
        BlueprintDefined blueprint => blueprint.Epoch,
        OperatorAdded added => added.Epoch,
        CallerRemoved removed => removed.Epoch,
        BreakGlassKeySet set => set.Epoch,
        _ => null,
    };

    private sealed record Applied(LeafIndex Index, Entry Entry);
}
