using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>What an enforcer says when it begins to watch.</summary>
/// <param name="KnownCheckpoint">The largest checkpoint that it holds; may be empty.</param>
/// <param name="LastNote">The last delta or snapshot that it holds; may be empty.</param>
/// <param name="LastPayload">What that delta denies.</param>
/// <param name="Orders">Break-glass orders that it obeys.</param>
/// <param name="IsObserving">Whether it only reports what it would refuse.</param>
public sealed record WatchWish(string KnownCheckpoint, string LastNote, byte[] LastPayload, IReadOnlyList<string> Orders, bool IsObserving);

/// <summary>The registry's side of the watch: what enforcers say is checked, answered, and put on the record where it changes something. docs/formats.md, "Watch".</summary>
public sealed class EnforcerWatch : IAsyncDisposable
{
    private const string Method = "/agentidentity.v1.Access/Watch";
    private const int NonceMin = 16;
    private const int NonceMax = 32;
    private const int ItemsMax = 256;
    private const int UnloggedMax = 4096;

    // A denial that is younger may have been told without its proof.
    private static readonly TimeSpan UnprovenMax = TimeSpan.FromSeconds(10);

    private readonly RegistrySettings _settings;
    private readonly RegistryState _state;
    private readonly Standing _standing;
    private readonly Sequencer _sequencer;
    private readonly Stopping.Stopping _stopping;
    private readonly CheckpointPublisher _checkpoints;
    private readonly PublishedLog _log;
    private readonly SeenCheckpoints _seen;
    private readonly RefusalJournal _refusals;
    private readonly TimeProvider _clock;
    private readonly EntryProofs _proofs;
    private readonly WatchKey _key;
    private readonly PresentedNote _notes;
    private readonly LoggedItems _items;
    private readonly Acknowledging _acknowledging;
    private readonly LeaseGrants _grants;
    private readonly Alarming _alarming;
    private readonly Probing _probing;

    internal EnforcerWatch(
        RegistrySettings settings, RegistryState state, Standing standing, Sequencer sequencer, Stopping.Stopping stopping, IRegistryKeys keys, CheckpointPublisher checkpoints, PublishedLog log, ProofReader proofs, SeenCheckpoints seen,
        RefusalJournal refusals, ILedgerStore store, Issuing.Issuing issuing, ReadyProbes probes, TimeProvider clock, Action<string> say)
    {
        (_settings, _state, _standing, _sequencer, _stopping, _checkpoints, _log, _seen, _refusals, _clock) = (settings, state, standing, sequencer, stopping, checkpoints, log, seen, refusals, clock);
        _proofs = new EntryProofs(store, proofs);
        _key = new WatchKey(state, keys, sequencer);
        _notes = new PresentedNote(state, _key, stopping, say);
        _items = new LoggedItems(state, store, clock);
        Admissions = new Admissions(clock);
        _acknowledging = new Acknowledging(settings, state, sequencer, new SignedRoots(log));
        _grants = new LeaseGrants(settings, state, sequencer);
        _alarming = new Alarming(sequencer, say);
        Leases = new EnforcerLeases(clock, TimeSpan.FromTicks(Math.Max(settings.LongestLease.Ticks, state.Leases.OutstandingAt(clock.GetUtcNow()).Ticks)), settings.EnforcerLease);
        Watches = new Watches(state, standing, settings.Name, checkpoints, _proofs, _items, Leases, probes, say, sequencer.Fail);
        _probing = new Probing(settings, state, sequencer, issuing, probes, Watches, clock, say);
        sequencer.Applied += Watches.Hand;
        standing.Ended.ContinueWith(ended => Watches.EndAll(Halted()), TaskScheduler.Default);
    }

    /// <summary>How often enforcers have let each agent in, as they say.</summary>
    public Admissions Admissions { get; }

    /// <summary>Is told of each enforcer that asks for a decision, before that is made.</summary>
    public void Asks(CallerRecord enforcer) => Leases.Asks(enforcer.Id);

    internal Watches Watches { get; }

    internal EnforcerLeases Leases { get; }

    public async Task<Outcome<WatchStream>> BeginAsync(CallerRecord enforcer, WatchWish wish, CancellationToken cancellation)
    {
        if (_standing.IsHalted)
            return Halted();
        // Whoever holds a checkpoint need not wait for the first: there is one, or the ledger was put back.
        if (wish.KnownCheckpoint.Length == 0)
            await _checkpoints.WhenCoversAsync(default, cancellation).ConfigureAwait(false);
        // Before anything is believed: a ledger that was put back takes no denials either.
        var goesOn = _seen.Present(wish.KnownCheckpoint);
        if (goesOn.IsRefused)
            return Refused.Because(goesOn.Refusal, goesOn.Detail);
        var key = await _key.RequireAsync().ConfigureAwait(false);
        if (key.IsRefused)
            return Refused.Because(key.Refusal, key.Detail);
        var granted = await _grants.RequireAsync().ConfigureAwait(false);
        if (granted.IsRefused)
            return Refused.Because(granted.Refusal, granted.Detail);
        foreach (var order in wish.Orders)
        {
            // One that was lifted stays with the enforcer until it has the proof: no reason to turn it away.
            if (await _stopping.ObeyAsync(order).ConfigureAwait(false) is { IsRefused: true } refused)
                _refusals.Note(Method, refused.Refusal.Name(), enforcer.Key.KeyId);
        }
        var reached = await _notes.TakeAsync(enforcer, wish.LastNote, wish.LastPayload).ConfigureAwait(false);
        if (reached.IsRefused)
            return Refused.Because(reached.Refusal, reached.Detail);

        await Watches.WhenToldAsync(_state.Epoch, cancellation).ConfigureAwait(false);
        var (stream, snapshot, epoch) = Watches.Attach(enforcer, wish.IsObserving, key.Value);
        // What comes from here on ends the stream.
        if (_standing.OfCaller(enforcer.Key.KeyId) is { } unserved)
        {
            End(stream);
            return unserved;
        }
        stream.Classes = _state.Leases.Classes;
        try
        {
            // Who presents nothing comes for the first time, holds nothing, and takes the greeting's word for who they are.
            var (people, lifts) = wish.LastNote.Length == 0 ? ([], []) : Approved(stream.View, reached.Value, epoch);
            // Whoever was not shown a change of people goes on trusting those who were removed, and the next connection would not know that it was not.
            if (people.Length > 0)
                await _checkpoints.WhenCoversAsync(people[^1], cancellation).ConfigureAwait(false);
            var size = _log.Newest!.Checkpoint.Size;
            var greeting = new Greeting(
                new WatchKeyNote(_state.Log.Origin, key.Value.Verifier).Sign(_checkpoints.Signer), _settings.EnforcerLease, stream.Classes, goesOn.Value.Links.Count > 0 ? goesOn.Value : null,
                stream.View.Callees, terms => new TermsNote(size, Sha256.Hash(terms)).Sign(key.Value));
            // A lift without its proof leaves the enforcer refusing, and presenting the note from before it: no reason to keep a stop from it meanwhile.
            stream.Opening = [greeting, .. people.Concat(lifts).Where(size.Contains).OrderBy(index => index.Value).Select(_proofs.Prove), snapshot];
            foreach (var late in lifts.Where(lift => !size.Contains(lift)))
                _ = Watches.ProveAsync(late, stream.Post, stream.Ended);
        }
        catch
        {
            End(stream);
            throw;
        }
        ProveRecent(stream);
        _probing.Want();
        return stream;
    }

    /// <summary>Answers a nonce: from when it was sent, the enforcer may go on for a lease.</summary>
    public async Task<Outcome<bool>> AnswerAsync(WatchStream stream, byte[] nonce, TreeSize held)
    {
        if (nonce.Length is < NonceMin or > NonceMax)
            return Refuse(stream, Refusal.MessageMalformed, $"A nonce has {NonceMin} to {NonceMax} bytes.");
        var text = CanonicalBase64Url.Encode(nonce);
        if (!stream.Nonces.TryAdd(text))
            return Refuse(stream, Refusal.MessageMalformed, "This nonce was sent before.");
        // Whom a stop denies here is let in there until it is told, and it is told when it is durable: on a disk that stalls, leases would be renewed over it for as long.
        await _sequencer.StopsSettled.ConfigureAwait(false);
        if (_standing.IsHalted)
            return Halted();
        var key = await _key.RequireAsync().ConfigureAwait(false);
        var granted = await _grants.RequireAsync().ConfigureAwait(false);
        // Told of what was on the record while the disk was full: a lease of those would not be known of after a restart.
        if (granted.IsRefused || !_state.Leases.Classes.SequenceEqual(stream.Classes))
            return Refused.Because(granted.IsRefused ? granted.Refusal : Refusal.WatchOutdated, "The leases of classes are others since: watch again.");
        var tree = _log.Newest!;
        var (size, root) = (tree.Checkpoint.Size, tree.Checkpoint.Root);
        if (held.Value > size.Value)
            return Refuse(stream, Refusal.CheckpointNotOurs, $"The newest checkpoint has {size} entries: present the one of {held} when you begin to watch.");
        var path = held.Value == 0 ? [] : ConsistencyProof.Build(held, size, tree.Node);
        // Before it is answered: a stop that is told between the two, and lost on the way, must find this lease.
        Leases.Grant(stream.Enforcer.Id, _grants.Longest(stream.Classes));
        stream.View.Answer(stream, (epoch, count, digest) => new Heartbeat(
            new HeartbeatNote(stream.View.Id, text, epoch, count, digest, (uint)_settings.EnforcerLease.TotalMilliseconds, size, root).Sign(key.Value), tree.Checkpoint.Note, path));
        _probing.Want();
        return true;
    }

    /// <summary>Takes what the enforcer has signed. What is not true ends the stream, by name and on the record.</summary>
    public async Task<Outcome<bool>> AcknowledgeAsync(WatchStream stream, string token)
    {
        var taken = await _acknowledging.TakeAsync(stream, token).ConfigureAwait(false);
        return taken.IsRefused ? Refuse(stream, taken.Refusal, taken.Detail) : taken;
    }

    /// <summary>Looks for what the enforcer has let in. What the ledger does not hold is answered and put on the record: somebody else signs with our key.</summary>
    /// <param name="stream">Who says so.</param>
    /// <param name="items">What it has let in.</param>
    /// <param name="counts">How often each, since it was started; none when it does not count.</param>
    public async Task<Outcome<bool>> AcceptedAsync(WatchStream stream, IReadOnlyList<Hash> items, IReadOnlyList<uint> counts)
    {
        if (items.Count > ItemsMax || (counts.Count > 0 && counts.Count != items.Count))
            return Refuse(stream, Refusal.MessageMalformed, $"At most {ItemsMax} items at a time, and a count for each or none.");
        var missing = await _items.MissingAsync(items).ConfigureAwait(false);
        for (var i = 0; i < counts.Count; i++)
        {
            if (_items.Find(items[i]) is { } credential)
                Admissions.Add(stream.Enforcer.Id, credential, items[i], counts[i]);
        }
        if (missing.Count == 0)
            return true;
        stream.Post(new Unlogged(missing));
        // The first thousands say that a key is in other hands; to write down all would be a way to flood the ledger.
        var news = stream.Unlogged.Count < UnloggedMax ? missing.Where(stream.Unlogged.Add).ToArray() : [];
        if (news.Length == 0)
            return true;
        var enforcer = stream.Enforcer.Id;
        var written = await _sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => draft.Stage(enforcer, new CredentialsUnlogged(enforcer, news), enforcer)).ConfigureAwait(false);
        if (!written.IsRefused)
            return true;
        // Nobody tells it again on this stream who refuses it now: that there was something is counted, and on the record when there is room.
        stream.Unlogged.ExceptWith(news);
        _refusals.Note(Method, Refusal.CredentialUnlogged.Name(), stream.Enforcer.Key.KeyId);
        return written.Refusal == Refusal.StorageFull ? true : Refused.Because(written.Refusal, written.Detail);
    }

    /// <summary>Takes an alarm of the enforcer.</summary>
    public async Task<Outcome<bool>> AlarmedAsync(WatchStream stream, string name, string detail, long raisedAt)
    {
        var taken = await _alarming.TakeAsync(stream.Enforcer, new EnforcerAlarmed(stream.Enforcer.Id, name, detail, raisedAt)).ConfigureAwait(false);
        if (taken.Refusal == Refusal.MessageMalformed)
            return Refuse(stream, taken.Refusal, taken.Detail);
        if (taken.IsRefused || !taken.Value)
            _refusals.Note(Method, "ALARM_NOT_RECORDED", stream.Enforcer.Key.KeyId);
        return true;
    }

    public void End(WatchStream stream)
    {
        Watches.Detach(stream);
        stream.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _probing.DisposeAsync().ConfigureAwait(false);
        await Watches.DisposeAsync().ConfigureAwait(false);
        _key.Dispose();
    }

    private Refused Halted() => Refused.Because(_standing.Everyone, "The registry denies everything, and says nothing more that counts.");

    private Refused Refuse(WatchStream stream, Refusal refusal, string detail)
    {
        _refusals.Note(Method, refusal.Name(), stream.Enforcer.Key.KeyId);
        return Refused.Because(refusal, detail);
    }

    // What the snapshot does not show any more and the enforcer may still hold, and who may lift it: it gives nothing up, and trusts nobody new, without proof. A stop that is younger
    // than the note may be among it: whoever hears of one over a gap refuses it, and goes on presenting the note from before the gap.
    private (LeafIndex[] People, LeafIndex[] Lifts) Approved(View view, ulong reached, ulong epoch)
    {
        bool IsNews(ulong opened) => opened > reached && opened <= epoch;
        var lifts = _state.Stops.All.Where(stop => stop.Lifted is { } lifted && IsNews(lifted.Epoch) && view.IsShown(stop)).Select(stop => stop.Lifted!.By).Distinct();
        var people = _state.PeopleChanges.Where(change => IsNews(change.Epoch)).Select(change => change.Index);
        return ([.. people.OrderBy(index => index.Value)], [.. lifts]);
    }

    private void ProveRecent(WatchStream stream)
    {
        var since = (_clock.GetUtcNow() - UnprovenMax).ToUnixTimeMilliseconds();
        foreach (var stop in _state.Stops.InForce.Where(stop => stop.At >= since && stream.View.IsShown(stop)))
            _ = Watches.ProveAsync(stop.Denial.Index, stream.Post, stream.Ended);
    }
}
