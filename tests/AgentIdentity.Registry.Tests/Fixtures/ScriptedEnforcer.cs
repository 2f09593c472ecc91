using System.Security.Cryptography;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>An enforcer that does what a test says: it holds what it was told, checks each note, and signs what it is asked to.</summary>
internal sealed class ScriptedEnforcer : IDisposable
{
    private readonly TestNode _registry;
    private readonly IAsyncEnumerator<WatchMessage> _messages;
    private NoteVerifierKey? _watchKey;
    private DenyList _denials = new();
    private Checkpoint? _checkpoint;
    private string _nonce = "";

    private ScriptedEnforcer(TestNode registry, PrivateKey key, WatchStream stream)
    {
        (_registry, Key, Stream) = (registry, key, stream);
        _messages = stream.ReadAllAsync(stream.Ended).GetAsyncEnumerator();
    }

    public PrivateKey Key { get; }

    public WatchStream Stream { get; }

    public ulong Epoch { get; private set; }

    public string LastNote { get; private set; } = "";

    public byte[] LastPayload { get; private set; } = [];

    public int ProofsSeen { get; private set; }

    /// <summary>The probes that it was shown, oldest first.</summary>
    public List<CredentialClaims> Probes { get; } = [];

    /// <summary>The leases of classes that it was greeted with.</summary>
    public IReadOnlyList<ClassLease> Classes { get; private set; } = [];

    /// <summary>The agents among its audiences, of whom it was told what stops see.</summary>
    public IReadOnlyList<SubjectId> Callees { get; private set; } = [];

    public IReadOnlyList<Denial> Denials => [.. _denials.Denials];

    public static async Task<CallerRecord> RegisterAsync(TestNode registry, PrivateKey key, string name = "gateway", params string[] audiences) =>
        TestNode.Good(await registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Enforcer, name, key.PublicKey, audiences.Length > 0 ? audiences : [TestNode.Audience])).Caller;

    /// <summary>Registers an enforcer and has it watch, up to its snapshot.</summary>
    public static async Task<ScriptedEnforcer> NewAsync(TestNode registry, string name = "gateway", bool isObserving = false, params string[] audiences)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await RegisterAsync(registry, key, name, audiences);
        return await BeginAsync(registry, key, isObserving: isObserving);
    }

    public static async Task<ScriptedEnforcer> BeginAsync(TestNode registry, PrivateKey key, string note = "", byte[]? payload = null, string checkpoint = "", bool isObserving = false)
    {
        var stream = TestNode.Good(await TryBeginAsync(registry, key, note, payload, checkpoint, isObserving));
        var enforcer = new ScriptedEnforcer(registry, key, stream);
        await enforcer.UntilAsync<Snapshot>();
        return enforcer;
    }

    public static Task<Outcome<WatchStream>> TryBeginAsync(TestNode registry, PrivateKey key, string note = "", byte[]? payload = null, string checkpoint = "", bool isObserving = false) =>
        registry.Node.Watch.BeginAsync(registry.Node.State.FindCaller(key.PublicKey.KeyId)!, new WatchWish(checkpoint, note, payload ?? [], [], isObserving), CancellationToken.None).WaitAsync(TestNode.Patience);

    /// <summary>Takes messages up to one of a kind.</summary>
    public async Task<T> UntilAsync<T>()
        where T : WatchMessage
    {
        while (true)
        {
            Assert.True(await _messages.MoveNextAsync().AsTask().WaitAsync(TestNode.Patience), "The stream ended.");
            Take(_messages.Current);
            if (_messages.Current is T wanted)
                return wanted;
        }
    }

    public async Task<Heartbeat> HeartbeatAsync(byte[]? nonce = null)
    {
        nonce ??= RandomNumberGenerator.GetBytes(24);
        Assert.True(TestNode.Good(await _registry.Node.Watch.AnswerAsync(Stream, nonce, _checkpoint?.Size ?? default)));
        return await UntilAsync<Heartbeat>();
    }

    /// <summary>What a good enforcer would sign now.</summary>
    public Acknowledgement Acknowledgement() => new(
        _registry.Node.State.Log.Origin, _checkpoint?.Size ?? default, _checkpoint?.Root ?? default, Epoch, Stream.View.Id, _denials.Digest, _nonce, 7, default, Stream.IsObserving);

    public Task<Outcome<bool>> SignAsync(Acknowledgement? acknowledgement = null, PrivateKey? key = null) =>
        _registry.Node.Watch.AcknowledgeAsync(Stream, (acknowledgement ?? Acknowledgement()).Sign(key ?? Key, TestNode.Url, _registry.Clock.GetUtcNow()));

    public void Dispose()
    {
        _registry.Node.Watch.End(Stream);
        Key.Dispose();
    }

    private void Take(WatchMessage message)
    {
        switch (message)
        {
            case Greeting greeting:
                Assert.True(WatchKeyNote.TryOpen(greeting.WatchKeyNote, _registry.Node.Checkpoints.Verifier, out var opened));
                (_watchKey, Classes, Callees) = (opened.Key, greeting.Classes, greeting.Callees);
                break;
            case Snapshot snapshot:
                Assert.True(SnapshotNote.TryOpen(snapshot.Note, _watchKey!, out var all));
                _denials = new DenyList();
                foreach (var denial in snapshot.Denials)
                    _denials.Add(denial);
                Hold(all.Epoch, all.Count, all.Digest, snapshot.Note, []);
                break;
            case Delta delta:
                Assert.True(DeltaNote.TryOpen(delta.Note, _watchKey!, out var next));
                Assert.Equal(Epoch + 1, next.Epoch);
                Apply(next, delta.Payload);
                Hold(next.Epoch, next.Count, next.Digest, delta.Note, delta.Payload);
                break;
            case ProbeShown shown:
                Assert.Equal(Refusal.None, PresentedCredential.Read(shown.Credential, _registry.Node.Settings.Name, _registry.Node.State.IssuerKeys.Find, out var probe));
                Probes.Add(probe!.Claims);
                break;
            case EntryProof:
                ProofsSeen++;
                break;
            case Heartbeat heartbeat:
                Take(heartbeat);
                break;
        }
    }

    private void Hold(ulong epoch, ulong count, Hash digest, string note, byte[] payload)
    {
        Assert.Equal(((ulong)_denials.Count, _denials.Digest), (count, digest));
        (Epoch, LastNote, LastPayload) = (epoch, note, payload);
    }

    private void Apply(DeltaNote delta, byte[] payload)
    {
        if (delta.Payload is { } hash)
            Assert.Equal(hash, Sha256.Hash(payload));
        if (delta.Kind == DeltaKind.Deny && DenialFormat.TryDecode(payload, out var denial))
            _denials.Add(denial);
        if (delta.Kind != DeltaKind.Lift)
            return;
        Assert.True(Entry.TryDecode(payload, out var entry));
        foreach (var stop in ((Restored)entry.Body).Stops)
            _denials.Remove(stop);
    }

    private void Take(Heartbeat heartbeat)
    {
        Assert.True(HeartbeatNote.TryOpen(heartbeat.Note, _watchKey!, out var note));
        Assert.Equal((Epoch, _denials.Digest), (note.Epoch, note.Digest));
        Assert.True(Checkpoint.TryOpen(System.Text.Encoding.UTF8.GetBytes(heartbeat.Checkpoint), _registry.Node.Checkpoints.Verifier, out var checkpoint, out _));
        Assert.Equal((note.Size, note.Root), (checkpoint.Size, checkpoint.Root));
        if (_checkpoint is { } held)
            Assert.True(ConsistencyProof.Verify(held.Size, checkpoint.Size, held.Root, checkpoint.Root, heartbeat.Consistency));
        (_checkpoint, _nonce) = (checkpoint, note.Nonce);
    }
}
