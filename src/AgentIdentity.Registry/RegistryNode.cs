using System.Runtime.CompilerServices;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Authenticating;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Delegating;
using AgentIdentity.Registry.Dids;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Verifying;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Registry.Witnessing;

namespace AgentIdentity.Registry;

/// <summary>One registry: its state, its writer, and what may be asked of it.</summary>
public sealed class RegistryNode : IAsyncDisposable
{
    // Clocks of one machine are set right by less than this each day.
    private static readonly TimeSpan ClockLeeway = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _clock;
    private readonly Action<string> _alarm;
    private readonly Snapshots _snapshots;
    private readonly DidKeeper _didKeeper;
    private bool _isClockTold;

    private RegistryNode(
        RegistrySettings settings, RegistryState state, FoundingKeys founding, ILedgerStore store, ISnapshotStore snapshots, IRegistryKeys keys, TimeProvider clock, Action<string> log, ulong snapshotPosition)
    {
        Settings = settings;
        State = state;
        var alarm = settings.Alarmed ?? log;
        (_clock, _alarm) = (clock, alarm);
        Standing = new Standing(state);
        var (origin, before) = state.IsBootstrapped ? (state.Log.Origin, state.Logs.Count > 1 ? state.Logs[^2] : null) : (settings.Name.Origin, null);
        var logKey = keys.Log(state.IsBootstrapped ? state.Log.KeyId : founding.Log.KeyId);
        Checkpoints = new CheckpointPublisher(store, new NoteSignerKey(origin, logKey), before);
        Start.Grow(Checkpoints, store);
        _snapshots = new Snapshots(settings, state, Checkpoints, snapshots, logKey, log) { LastPosition = snapshotPosition };
        // Until it is known whether others have seen more of this log than there is here.
        Checkpoints.Hold(SigningHold.Opening);
        Sequencer = new Sequencer(store, state, Standing, Checkpoints, clock, alarm) { AfterCheckpoint = _snapshots.AfterCheckpoint };
        Nonces = new BootNonces(clock, "dpop");
        Proofs = new RequestProofs(state, Standing, Nonces, new ReplayStore(settings.ReplayCapacity, clock, noncesAreOurs: true), new ReplayStore(settings.OperatorReplayCapacity, clock, noncesAreOurs: true), clock);
        CredentialReader = new CredentialReader(settings, state);
        Issuing = new Issuing.Issuing(settings, state, Sequencer, CredentialReader, keys);
        PublishedLog = new PublishedLog(state, store, Checkpoints);
        Dids = new DidLogs(settings, state, Sequencer, store, PublishedLog, keys, clock);
        _didKeeper = new DidKeeper(state, Dids, clock, alarm);
        Enrolment = new Enrolment(settings, state, Sequencer, Issuing, new Attesting.Attesting(settings, state, clock), Dids, clock);
        Verification = new Verification(settings, state, Standing, CredentialReader, clock);
        Delegating = new Delegating.Delegating(settings, Verification, Sequencer, Issuing);
        Spending = new Spending(Verification, Sequencer);
        Recording = new Recording.Recording(state, Sequencer, Checkpoints, PublishedLog, store);
        Operating = new Operating.Operating(settings, state, Sequencer, keys, founding, clock);
        Approvals = new Approvals(settings, state, clock);
        var probes = new ReadyProbes();
        Stopping = new Stopping.Stopping(settings, state, Standing, Sequencer, Approvals, probes.Take, clock);
        Ruling = new Ruling.Ruling(state, Standing, Sequencer, Approvals, Stopping, clock, alarm);
        Verification.Refused = Ruling.Saw;
        Verification.Unlogged = new UnloggedAlarm(clock, alarm).Raise;
        KeyRotation = new Rotating.KeyRotation(settings, state, Sequencer, Enrolment, Dids, clock);
        KeyReplacement = new Rotating.KeyReplacement(state, Sequencer, Stopping);
        People = new People(settings, Sequencer, Approvals, clock);
        Erasing = new Erasing.Erasing(state, Sequencer, Approvals, PublishedLog, store);
        Refusals = new RefusalJournal(Sequencer, state);
        Reads = new ReadJournal(Sequencer);
        Reading = new Reading.Reading(state, store, PublishedLog, clock);
        Responding = new Questions.Responding(state, store, settings.Name, Verification.Decisions, clock);
        CommitmentSearch = new Reading.CommitmentSearch(store, PublishedLog);
        Anchors = settings.IsAnchored ? new Anchors(Checkpoints) : null;
        LeafProofs = new ProofReader(store, PublishedLog, Anchors);
        SeenCheckpoints = new SeenCheckpoints(store, Checkpoints, PublishedLog, new SuccessionReader(state, store), Standing, alarm);
        Witness = new LogWitness(store, () => WitnessKeyDocument.Open(store, keys, settings.Name.Origin), settings.WitnessedLogs, Standing, Checkpoints, clock);
        Sequencer.BeforeOthers = Witness.Record;
        Cosigning = settings.WitnessPolicy is { } policy ? new Cosigning(policy, settings.StartUnwitnessed, settings.Outside(), Checkpoints, PublishedLog, SeenCheckpoints, clock, alarm) : null;
        Heads = new HeadsReader(state, store, Checkpoints, PublishedLog);
        TrailExports = new Reading.TrailExports(state, store, Checkpoints, Heads, Anchors);
        Watch = new EnforcerWatch(settings, state, Standing, Sequencer, Stopping, keys, Checkpoints, PublishedLog, LeafProofs, SeenCheckpoints, Refusals, store, Issuing, probes, clock, alarm);
        Propagation = new Propagation(state, settings.Name, Watch);
        Sequencer.Applied += (index, entry, _) => Tell(index, entry.Body.Kind);
        Sequencer.Applied += (_, entry, _) => Witness.Remember(entry);
        Sequencer.Applied += (index, entry, _) => Ruling.Saw(index, entry);
        StatusLists = new Status.StatusLists(settings, state, Standing, keys, clock);
        Doors = new Doors(state, Watch);
        CertificateExports = new CertificateExports(settings, state, store, Checkpoints, PublishedLog, Anchors, Propagation, clock);
        Checkpoints.Release(SigningHold.Opening);
    }

    public RegistrySettings Settings { get; }

    public RegistryState State { get; }

    public Standing Standing { get; }

    public CheckpointPublisher Checkpoints { get; }

    /// <summary>What <c>dpop-nonce</c> hands out.</summary>
    public BootNonces Nonces { get; }

    public RequestProofs Proofs { get; }

    /// <summary>Reads credentials that are presented, and counts why some are none.</summary>
    public CredentialReader CredentialReader { get; }

    public Enrolment Enrolment { get; }

    /// <summary>The DID logs of the registry and its agents.</summary>
    public DidLogs Dids { get; }

    public Issuing.Issuing Issuing { get; }

    public Verification Verification { get; }

    public Delegating.Delegating Delegating { get; }

    public Spending Spending { get; }

    public Recording.Recording Recording { get; }

    public Stopping.Stopping Stopping { get; }

    /// <summary>What stops by itself.</summary>
    public Ruling.Ruling Ruling { get; }

    /// <summary>Gives agents other keys.</summary>
    public Rotating.KeyRotation KeyRotation { get; }

    /// <summary>Orders that agents be given other keys.</summary>
    public Rotating.KeyReplacement KeyReplacement { get; }

    public Operating.Operating Operating { get; }

    /// <summary>What takes two people.</summary>
    public Approvals Approvals { get; }

    /// <summary>Operators and other callers, as two people change them.</summary>
    public People People { get; }

    public Erasing.Erasing Erasing { get; }

    public RefusalJournal Refusals { get; }

    public ReadJournal Reads { get; }

    public Reading.Reading Reading { get; }

    /// <summary>What responders ask.</summary>
    public Questions.Responding Responding { get; }

    public Reading.CommitmentSearch CommitmentSearch { get; }

    public PublishedLog PublishedLog { get; }

    public ProofReader LeafProofs { get; }

    public Reading.TrailExports TrailExports { get; }

    public HeadsReader Heads { get; }

    /// <summary>Cosigns for other registries.</summary>
    public LogWitness Witness { get; }

    /// <summary>Has others cosign; null when nobody is asked.</summary>
    public Cosigning? Cosigning { get; }

    /// <summary>What a chain holds of this log; null when nothing is anchored.</summary>
    public Anchors? Anchors { get; }

    public SeenCheckpoints SeenCheckpoints { get; }

    /// <summary>What enforcers are told, and what they answer.</summary>
    public EnforcerWatch Watch { get; }

    /// <summary>How far stops have come.</summary>
    public Propagation Propagation { get; }

    public Doors Doors { get; }

    public CertificateExports CertificateExports { get; }

    /// <summary>What those read who ask no enforcer.</summary>
    public Status.StatusLists StatusLists { get; }

    /// <summary>Is told of each stop when it is RECORDED, by the writer: whoever listens hands it on and is gone.</summary>
    public event Action<LeafIndex>? StopRecorded;

    /// <summary>How long the oldest write has been waiting to be durable; zero when none waits.</summary>
    public TimeSpan OldestWrite => Sequencer.OldestWaiting;

    /// <summary>Ends with the storage error after which the process must end.</summary>
    public Task<Exception> Halted => Sequencer.Halted;

    internal Sequencer Sequencer { get; }

    /// <summary>Opens a registry on its store: snapshot, tail, and the tree held against the last signed checkpoint.</summary>
    /// <exception cref="LedgerDamagedException">What is stored contradicts itself or what was signed.</exception>
    /// <exception cref="KeysRefusedException">A key that the ledger names is missing or cannot be opened.</exception>
    /// <exception cref="StoreRefusedException">The folder belongs to a registry with another public URL. (Its operator mode is the one it was founded with, whatever the settings say.)</exception>
    public static RegistryNode Open(RegistrySettings settings, ILedgerStore store, ISnapshotStore snapshots, IRegistryKeys keys, TimeProvider clock, Action<string> log)
    {
        Ed25519.RequireSupport();
        try
        {
            return Restore(settings, store, snapshots, keys, clock, log);
        }
        catch (InvalidDataException damaged)
        {
            throw new LedgerDamagedException($"The stored tree cannot be read: {damaged.Message}");
        }
    }

    /// <summary>The newest checkpoint and those that follow, the newest only for who comes late. Ends when nothing is signed any more.</summary>
    public async IAsyncEnumerable<StoredCheckpoint> WatchCheckpointsAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        TreeSize seen = default;
        while (!Standing.IsHalted)
        {
            var next = Checkpoints.WhenCoversAsync(new LeafIndex(seen.Value), cancellation);
            if (await Task.WhenAny(next, Standing.Ended).ConfigureAwait(false) != next)
                yield break;
            await next.ConfigureAwait(false);
            var newest = Checkpoints.Last!;
            seen = newest.Size;
            yield return newest;
        }
    }

    /// <summary>Lets DID logs follow revocations and new keys from here on.</summary>
    public void KeepDids()
    {
        Sequencer.Applied += (index, entry, _) => _didKeeper.Hand(index, entry);
        _didKeeper.Start();
    }

    /// <summary>How far the newest entry lies ahead of this machine's clock: entries never go back in time, so after a clock that was ahead they wait for it. Zero in order.</summary>
    public TimeSpan ClockBehind => DateTimeOffset.FromUnixTimeMilliseconds(State.LastAt) - _clock.GetUtcNow() is var behind && behind > TimeSpan.Zero ? behind : TimeSpan.Zero;

    /// <summary>Puts on the record what was gathered for it: refusals of the control listener, and looks that there was no room for. Called each second by the host.</summary>
    public async Task FlushJournalsAsync()
    {
        LookAtClock();
        await Refusals.FlushAsync().ConfigureAwait(false);
        await Reads.FlushAsync().ConfigureAwait(false);
    }

    /// <summary>Writes what waits, signs the last checkpoint, and leaves a snapshot.</summary>
    public async ValueTask DisposeAsync()
    {
        await _didKeeper.DisposeAsync().ConfigureAwait(false);
        await FlushJournalsAsync().ConfigureAwait(false);
        Sequencer.Dispose();
        if (Cosigning is not null)
            await Cosigning.DisposeAsync().ConfigureAwait(false);
        await Watch.DisposeAsync().ConfigureAwait(false);
        if (!Standing.IsHalted)
            await _snapshots.FinishAsync().ConfigureAwait(false);
        Operating.Dispose();
        Issuing.Dispose();
        Erasing.Dispose();
    }

    private void LookAtClock()
    {
        var behind = ClockBehind;
        if (behind <= ClockLeeway)
            _isClockTold = false;
        else if (!_isClockTold)
        {
            _isClockTold = true;
            _alarm($"The newest entry of the ledger is of {_clock.GetUtcNow() + behind:u}, which this machine's clock reaches in {behind.TotalSeconds:F0} s: the clock is behind, or was ahead. Until then what is issued is not yet valid anywhere; stops hold. Set the clock if it is wrong, and wait if it is right.");
        }
    }

    private void Tell(LeafIndex index, EntryKind kind)
    {
        if (kind == EntryKind.Stop)
            StopRecorded?.Invoke(index);
    }

    // A key is deleted once the entry that replaces it is durable. Who was ended between the two, or copied the folder then, has left it, and it can still sign.
    private static void RetireReplaced(RegistryState state, IRegistryKeys keys)
    {
        var replaced = state.Logs.Select(log => log.KeyId).SkipLast(1)
            .Concat(state.IssuerKeys.All.Select(key => key.KeyId).SkipLast(1)).Concat(state.IntegrityKeys.All.Select(key => key.KeyId).SkipLast(1));
        foreach (var keyId in replaced)
            keys.Retire(keyId);
    }

    private static RegistryNode Restore(RegistrySettings settings, ILedgerStore store, ISnapshotStore snapshots, IRegistryKeys keys, TimeProvider clock, Action<string> log)
    {
        var state = Start.Load(store, snapshots, log, out var snapshotPosition);
        if (state.Founding is { } known)
            RequireSame(settings, known);
        Start.RequireNothingLost(state, store, snapshots, isSnapshotRead: snapshotPosition > 0);
        var founding = state.Founding is { } founded
            ? new FoundingKeys(founded.RegistryId, state.IssuerKeys.All.First(), founded.LogKey, state.DidKeys.All.FirstOrDefault())
            : FoundingDocument.Prepare(store, keys, clock);
        if (state.IsBootstrapped)
        {
            LogKeyDocument.Keep(store, state.Log.Key);
            RetireReplaced(state, keys);
        }
        keys.Issuer((state.IsBootstrapped ? state.IssuerKeys.Current : founding.Issuer).KeyId);
        if (state.IntegrityKeys.Newest is { } proofKey)
            keys.Integrity(proofKey.KeyId);
        foreach (var didKey in state.IsBootstrapped ? state.DidKeys.All : [founding.Did!])
            keys.DidUpdate(didKey.KeyId, []).Dispose();
        return new RegistryNode(settings, state, founding, store, snapshots, keys, clock, log, snapshotPosition);
    }

    private static void RequireSame(RegistrySettings settings, Founding founding)
    {
        if (founding.PublicUrl != settings.Name.PublicUrl)
            throw new StoreRefusedException($"This data folder belongs to the registry {founding.PublicUrl}, which its DIDs name; start with --public-url {founding.PublicUrl}, or with another --data folder.");
    }
}
