using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>What an epoch changes, before it is asked for whom.</summary>
internal sealed record Change(ulong Epoch, LeafIndex Index, DeltaKind Kind, byte[] Payload, IReadOnlyList<LeafIndex> Removed, StopRecord? Added)
{
    public Hash PayloadHash { get; } = Sha256.Hash(Payload);
}

/// <summary>What one set of audiences is shown, and who watches it. Each epoch is signed once, whoever many watch.</summary>
internal sealed class View
{
    // Who acknowledges an epoch does it in a moment, or has been cut off.
    private const int EpochsMax = 1024;

    // Stops that may come while one heartbeat is signed, before its next signature is waited for under the lock.
    private const int OvertakenMax = 3;

    private readonly Lock _lock = new();

    // Owned by whoever holds the lock.
    private readonly DenyList _denials = new();
    private readonly List<WatchStream> _streams = [];
    private readonly Dictionary<ulong, Hash> _digests = [];
    private readonly Queue<ulong> _epochs = [];
    private ulong _epoch;
    private Hash _digest;
    private (string Note, NoteVerifierKey Key)? _snapshot;

    public View(IReadOnlyList<string> audiences, RegistryName registry, IEnumerable<StopRecord> inForce, ulong epoch)
    {
        Audiences = audiences;
        Id = ViewId.Of(audiences);
        Callees = AgentsAmong(audiences, registry);
        foreach (var record in inForce.Where(IsShown))
            _denials.Add(record.Denial);
        Reach(epoch);
    }

    /// <summary>The agents among audiences.</summary>
    public static IReadOnlyList<SubjectId> AgentsAmong(IReadOnlyList<string> audiences, RegistryName registry) =>
        [.. audiences.Select(audience => registry.TryParseAgentDid(audience, out var agent) ? agent : (SubjectId?)null).OfType<SubjectId>()];

    public IReadOnlyList<string> Audiences { get; }

    /// <summary>The agents among them.</summary>
    public IReadOnlyList<SubjectId> Callees { get; }

    public Hash Id { get; }

    public bool IsWatched
    {
        get
        {
            lock (_lock)
                return _streams.Count > 0;
        }
    }

    public bool IsShown(StopRecord stop) => stop.IsShownTo(Audiences, Callees);

    /// <summary>The digest that the view had at an epoch; null for one that it has not reached, or not while it was watched.</summary>
    public Hash? DigestAt(ulong epoch)
    {
        lock (_lock)
            return _digests.TryGetValue(epoch, out var digest) ? digest : null;
    }

    /// <summary>Begins to tell: what is shown now, and everything from here on.</summary>
    public Snapshot Attach(WatchStream stream, NoteSignerKey key, out ulong epoch)
    {
        lock (_lock)
        {
            epoch = _epoch;
            var snapshot = new Snapshot(SnapshotNote(key), [.. _denials.Denials]);
            _streams.Add(stream);
            return snapshot;
        }
    }

    public void Detach(WatchStream stream)
    {
        lock (_lock)
            _streams.Remove(stream);
    }

    /// <summary>Tells all who watch of an epoch.</summary>
    /// <returns>Whether it changes anything here.</returns>
    public bool Advance(Change change, NoteSignerKey key)
    {
        lock (_lock)
        {
            var kind = Take(change) ? change.Kind : DeltaKind.None;
            Reach(change.Epoch);
            if (_streams.Count == 0)
                return false;
            var isShown = kind != DeltaKind.None;
            var note = new DeltaNote(Id, _epoch, (ulong)_denials.Count, _digest, kind, isShown ? change.PayloadHash : null).Sign(key);
            Post(new Delta(note, isShown ? change.Payload : []));
            return isShown;
        }
    }

    public void Tell(WatchMessage message)
    {
        lock (_lock)
            Post(message);
    }

    /// <summary>Answers a nonce, between what was said and what is to be said.</summary>
    /// <param name="stream">Who asks.</param>
    /// <param name="make">Makes and signs the answer, again when an epoch came meanwhile.</param>
    public void Answer(WatchStream stream, Func<ulong, ulong, Hash, Heartbeat> make)
    {
        // Not under the lock: a key in a token takes its time, a thousand enforcers ask, and stops are told under the lock.
        for (var overtaken = 0; overtaken < OvertakenMax; overtaken++)
        {
            var (epoch, count, digest) = Now;
            var heartbeat = make(epoch, count, digest);
            lock (_lock)
            {
                if (_epoch == epoch)
                {
                    stream.Post(heartbeat);
                    return;
                }
            }
        }
        lock (_lock)
            stream.Post(make(_epoch, (ulong)_denials.Count, _digest));
    }

    private (ulong Epoch, ulong Count, Hash Digest) Now
    {
        get
        {
            lock (_lock)
                return (_epoch, (ulong)_denials.Count, _digest);
        }
    }

    // One for all who come at an epoch: after a start that is everybody.
    private string SnapshotNote(NoteSignerKey key)
    {
        if (_snapshot is not { } signed || signed.Key != key.Verifier)
            _snapshot = signed = (new SnapshotNote(Id, _epoch, (ulong)_denials.Count, _digest).Sign(key), key.Verifier);
        return signed.Note;
    }

    private bool Take(Change change)
    {
        var isChanged = change.Kind == DeltaKind.Other && change.Added is null;
        foreach (var index in change.Removed)
            isChanged |= _denials.Remove(index) is not null;
        if (change.Added is not { } added || !IsShown(added))
            return isChanged;
        _denials.Add(added.Denial);
        return true;
    }

    private void Reach(ulong epoch)
    {
        (_epoch, _digest, _snapshot) = (epoch, _denials.Digest, null);
        _digests[epoch] = _digest;
        _epochs.Enqueue(epoch);
        if (_epochs.Count > EpochsMax)
            _digests.Remove(_epochs.Dequeue());
    }

    private void Post(WatchMessage message)
    {
        foreach (var stream in _streams)
            stream.Post(message);
    }
}
