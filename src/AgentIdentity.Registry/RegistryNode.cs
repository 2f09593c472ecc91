using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Authenticating;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry;

/// <summary>One registry: its state, its writer, and what may be asked of it.</summary>
public sealed class RegistryNode : IAsyncDisposable
{
    private const string FoundingDocument = "founding-keys";

    private readonly Snapshots _snapshots;

    private RegistryNode(
        RegistrySettings settings, RegistryState state, FoundingKeys founding, ILedgerStore store, ISnapshotStore snapshots, IRegistryKeys keys, TimeProvider clock, Action<string> log)
    {
        Settings = settings;
        State = state;
        Standing = new Standing(state);
        var logKey = keys.Log(founding.Log.KeyId);
        Checkpoints = new CheckpointPublisher(store, new NoteSignerKey(settings.Name.Origin, logKey));
        Start.Grow(Checkpoints, store);
        _snapshots = new Snapshots(settings, state, Checkpoints, snapshots, logKey, log) { LastPosition = state.Position };
        Sequencer = new Sequencer(store, state, Standing, Checkpoints, clock, log) { AfterCheckpoint = _snapshots.TakeIfDue };
        Nonces = new BootNonces(clock, "dpop");
        Proofs = new RequestProofs(state, Nonces, new ReplayStore(settings.ReplayCapacity, clock), clock);
        Issuing = new Issuing.Issuing(settings, state, Sequencer, keys, clock);
        Enrolment = new Enrolment(settings, state, Sequencer, Issuing, clock);
        Verification = new Verification(settings, state, Standing, clock);
        Recording = new Recording.Recording(settings, state, Sequencer, Checkpoints, store);
        Stopping = new Stopping.Stopping(state, Standing, Sequencer);
        Operating = new Operating.Operating(settings, state, Sequencer, keys, founding, clock);
        Approvals = new Approvals(settings, state, clock);
        Erasing = new Erasing.Erasing(state, Sequencer, Approvals, store);
        Refusals = new RefusalJournal(Sequencer, state);
        Reading = new Reading.Reading(state, store);
        PublishedLog = new PublishedLog(store, Checkpoints);
        LeafProofs = new ProofReader(store, PublishedLog);
        TrailExports = new Reading.TrailExports(state, store, Checkpoints, PublishedLog);
        Heads = new HeadsReader(state, store, Checkpoints, LeafProofs);
    }

    public RegistrySettings Settings { get; }

    public RegistryState State { get; }

    public Standing Standing { get; }

    public CheckpointPublisher Checkpoints { get; }

    /// <summary>What <c>dpop-nonce</c> hands out.</summary>
    public BootNonces Nonces { get; }

    public RequestProofs Proofs { get; }

    public Enrolment Enrolment { get; }

    public Issuing.Issuing Issuing { get; }

    public Verification Verification { get; }

    public Recording.Recording Recording { get; }

    public Stopping.Stopping Stopping { get; }

    public Operating.Operating Operating { get; }

    /// <summary>What takes two people.</summary>
    public Approvals Approvals { get; }

    public Erasing.Erasing Erasing { get; }

    public RefusalJournal Refusals { get; }

    public Reading.Reading Reading { get; }

    public PublishedLog PublishedLog { get; }

    public ProofReader LeafProofs { get; }

    public Reading.TrailExports TrailExports { get; }

    public HeadsReader Heads { get; }

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

    /// <summary>Writes what waits, signs the last checkpoint, and leaves a snapshot.</summary>
    public async ValueTask DisposeAsync()
    {
        await Refusals.FlushAsync().ConfigureAwait(false);
        Sequencer.Dispose();
        if (!Standing.IsHalted)
            await _snapshots.FinishAsync().ConfigureAwait(false);
        Operating.Dispose();
        Erasing.Dispose();
    }

    private static RegistryNode Restore(RegistrySettings settings, ILedgerStore store, ISnapshotStore snapshots, IRegistryKeys keys, TimeProvider clock, Action<string> log)
    {
        var state = Start.Load(store, snapshots, log);
        if (state.Founding is { } known)
            RequireSame(settings, known);
        var founding = state.Founding is { } founded
            ? new FoundingKeys(founded.RegistryId, state.IssuerKeys.All.First(), founded.LogKey)
            : Prepare(store, keys, clock);
        keys.Issuer((state.IsBootstrapped ? state.IssuerKeys.Current : founding.Issuer).KeyId);
        return new RegistryNode(settings, state, founding, store, snapshots, keys, clock, log);
    }

    private static void RequireSame(RegistrySettings settings, Founding founding)
    {
        if (founding.PublicUrl != settings.Name.PublicUrl)
            throw new StoreRefusedException($"This data folder belongs to the registry {founding.PublicUrl}, which its DIDs name; start with --public-url {founding.PublicUrl}, or with another --data folder.");
    }

    // Keys and names of a registry that has no genesis entry yet. Kept, so that a restart before the bootstrap does not make others.
    private static FoundingKeys Prepare(ILedgerStore store, IRegistryKeys keys, TimeProvider clock)
    {
        if (store.ReadDocument(FoundingDocument) is { } held)
            return Decode(held.Content.Span);
        var founding = new FoundingKeys(SubjectId.New(clock.GetUtcNow()), keys.Create(RegistryKeyUse.Credentials), keys.Create(RegistryKeyUse.Log));
        store.TryWriteDocument(FoundingDocument, 0, (byte[])[.. founding.RegistryId.ToArray(), .. founding.Issuer.Bytes, .. founding.Log.Bytes]);
        return founding;
    }

    private static FoundingKeys Decode(ReadOnlySpan<byte> bytes)
    {
        const int IssuerEnd = SubjectId.Size + 64;
        return Credentials.Keys.PublicKey.TryRead(Credentials.Keys.KeyAlgorithm.ES256, bytes[SubjectId.Size..IssuerEnd], out var issuer)
            && Credentials.Keys.PublicKey.TryRead(Credentials.Keys.KeyAlgorithm.Ed25519, bytes[IssuerEnd..], out var log)
            ? new FoundingKeys(SubjectId.Read(bytes[..SubjectId.Size]), issuer, log)
            : throw new LedgerDamagedException("The prepared keys of this folder cannot be read; start with another --data folder.");
    }
}
