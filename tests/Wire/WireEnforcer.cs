using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Acknowledgement = AgentIdentity.Credentials.Watching.Acknowledgement;

namespace AgentIdentity.Tests.Wire;

/// <summary>An enforcer over the wire that does what it is asked to: it holds what it was told, checks signatures and digests, and signs.</summary>
internal sealed class WireEnforcer : IDisposable
{
    private const string Path = "/agentidentity.v1.Access/Watch";

    private static volatile OpenedDelta? _opened;

    private readonly AsyncDuplexStreamingCall<EnforcerMessage, RegistryMessage> _call;
    private readonly PrivateKey _key;
    private readonly string _publicUrl;
    private readonly Hash _view;
    private readonly bool _isObserving;
    private NoteVerifierKey? _watchKey;
    private NoteVerifierKey? _logKey;
    private DenyList _denials = new();
    private Checkpoint? _checkpoint;

    // What was held when a nonce was sent: on a crowded machine the next one goes out before the answer has come.
    private readonly ConcurrentDictionary<string, Checkpoint?> _heldThen = [];
    private string _nonce = "";
    private string _origin = "";
    private Task _sent = Task.CompletedTask;

    private WireEnforcer(AsyncDuplexStreamingCall<EnforcerMessage, RegistryMessage> call, PrivateKey key, string publicUrl, IEnumerable<string> audiences, bool isObserving) =>
        (_call, _key, _publicUrl, _view, _isObserving) = (call, key, publicUrl, ViewId.Of(audiences), isObserving);

    public ulong Epoch { get; private set; }

    public int Denials => _denials.Count;

    public WatchTerms? Terms { get; private set; }

    public string LastNote { get; private set; } = "";

    /// <summary>Asks for a nonce and begins to watch, up to the snapshot.</summary>
    public static async Task<WireEnforcer> BeginAsync(Access.AccessClient client, PrivateKey key, string publicUrl, IReadOnlyList<string> audiences, WatchBegin? begin = null)
    {
        var nonce = await NonceAsync(client, publicUrl);
        var enforcer = Begin(client, key, publicUrl, audiences, nonce, begin);
        await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Snapshot);
        return enforcer;
    }

    /// <summary>A nonce serves for many, whoever asked for it.</summary>
    public static async Task<string> NonceAsync(Access.AccessClient client, string publicUrl)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        using var stranger = Begin(client, key, publicUrl, [], "none");
        try
        {
            await stranger._call.ResponseStream.MoveNext(CancellationToken.None);
            throw new InvalidOperationException("The registry took a nonce that is none.");
        }
        catch (RpcException refused)
        {
            return refused.Trailers.GetValue("dpop-nonce") ?? throw new InvalidOperationException("The registry gave no nonce.", refused);
        }
    }

    public static WireEnforcer Begin(Access.AccessClient client, PrivateKey key, string publicUrl, IReadOnlyList<string> audiences, string nonce, WatchBegin? begin = null)
    {
        var first = new EnforcerMessage { Begin = begin ?? new WatchBegin() };
        var binding = new RequestBinding("POST", publicUrl + Path, nonce, null, Sha256.Hash(first.ToByteArray()).ToBase64Url());
        var call = client.Watch(new Metadata { { "dpop", KeyProof.Create(key, binding, TimeProvider.System.GetUtcNow().AddSeconds(2)) } });
        var enforcer = new WireEnforcer(call, key, publicUrl, audiences, first.Begin.ObserveOnly);
        // The answer to a write that fails is in the stream of answers.
        _ = enforcer.SendAsync(first);
        return enforcer;
    }

    /// <summary>Takes messages up to one of a kind.</summary>
    public async Task<RegistryMessage> UntilAsync(RegistryMessage.OfOneofCase kind)
    {
        while (await _call.ResponseStream.MoveNext(CancellationToken.None))
        {
            var message = _call.ResponseStream.Current;
            Take(message);
            if (message.OfCase == kind)
                return message;
        }
        throw new InvalidOperationException($"The stream ended before {kind}.");
    }

    public async Task HeartbeatAsync(byte[]? nonce = null)
    {
        await SendNonceAsync(nonce);
        await UntilAsync(RegistryMessage.OfOneofCase.Heartbeat);
    }

    public Task SendNonceAsync(byte[]? nonce = null)
    {
        nonce ??= RandomNumberGenerator.GetBytes(24);
        var held = _checkpoint;
        _heldThen[CanonicalBase64Url.Encode(nonce)] = held;
        return SendAsync(new EnforcerMessage { Nonce = new WatchNonce { Nonce = UnsafeByteOperations.UnsafeWrap(nonce), TreeSize = held?.Size.Value ?? 0 } });
    }

    /// <summary>One after the other, as the gRPC layer demands.</summary>
    public Task SendAsync(EnforcerMessage message)
    {
        lock (_call)
            return _sent = SendAfterAsync(_sent, message);
    }

    /// <summary>Says that it has no more to say, and goes on listening.</summary>
    public async Task SendNoMoreAsync()
    {
        await _sent.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _call.RequestStream.CompleteAsync();
    }

    /// <summary>What a good enforcer would sign now.</summary>
    public Acknowledgement Acknowledgement() =>
        new(_origin, _checkpoint?.Size ?? default, _checkpoint?.Root ?? default, Epoch, _view, _denials.Digest, _nonce, 0, default, _isObserving);

    public Task SignAsync(Acknowledgement? acknowledgement = null, PrivateKey? key = null) => SendAsync(new EnforcerMessage
    {
        Acknowledgement = new() { Token = (acknowledgement ?? Acknowledgement()).Sign(key ?? _key, _publicUrl, TimeProvider.System.GetUtcNow()) },
    });

    public void Dispose() => _call.Dispose();

    private async Task SendAfterAsync(Task before, EnforcerMessage message)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _call.RequestStream.WriteAsync(message);
    }

    private void Take(RegistryMessage message)
    {
        switch (message.OfCase)
        {
            case RegistryMessage.OfOneofCase.Greeting:
                Take(message.Greeting);
                break;
            case RegistryMessage.OfOneofCase.Snapshot:
                Take(message.Snapshot);
                break;
            case RegistryMessage.OfOneofCase.Delta:
                Take(message.Delta);
                break;
            case RegistryMessage.OfOneofCase.Heartbeat:
                Take(message.Heartbeat);
                break;
        }
    }

    private void Take(WatchGreeting greeting)
    {
        _origin = greeting.Origin;
        Require(NoteVerifierKey.TryParse(greeting.LogKey, out _logKey, out _), "the log's key is none");
        Require(WatchKeyNote.TryOpen(greeting.WatchKeyNote, _logKey!, out var opened), "the key for enforcers is not vouched for");
        _watchKey = opened!.Key;
        Require(TermsNote.TryOpen(greeting.TermsNote, _watchKey, out var note) && note.Terms == Sha256.Hash(greeting.Terms.Span), "the terms are not signed");
        Terms = WatchTerms.Parser.ParseFrom(greeting.Terms);
    }

    private void Take(WatchSnapshot snapshot)
    {
        if (snapshot.Note.Length > 0)
            _denials = new DenyList();
        foreach (var bytes in snapshot.Denials)
            Add(bytes);
        if (snapshot.HasMore)
            return;
        Require(SnapshotNote.TryOpen(snapshot.Note, _watchKey!, out var note), "the snapshot is not signed");
        Hold(note!.Epoch, note.Digest, snapshot.Note);
    }

    private void Take(WatchDelta delta)
    {
        var note = Open(delta.Note);
        Require(note.Epoch == Epoch + 1, "an epoch was left out");
        if (note.Kind == DeltaKind.Deny)
            Add(delta.Payload);
        if (note.Kind == DeltaKind.Lift && Entry.TryDecode(delta.Payload.Memory, out var entry))
            ((Restored)entry.Body).Stops.ToList().ForEach(stop => _denials.Remove(stop));
        Hold(note.Epoch, note.Digest, delta.Note);
    }

    // A thousand of one process are told the same: that the registry has signed it needs no thousand proofs.
    private DeltaNote Open(string text)
    {
        if (_opened is { } opened && opened.Text == text && opened.Key == _watchKey)
            return opened.Note;
        Require(DeltaNote.TryOpen(text, _watchKey!, out var note), "the delta is not signed");
        _opened = new OpenedDelta(text, _watchKey!, note!);
        return note!;
    }

    private void Take(WatchHeartbeat heartbeat)
    {
        Require(HeartbeatNote.TryOpen(heartbeat.Note, _watchKey!, out var note) && note.Digest == _denials.Digest && note.Epoch == Epoch, "the heartbeat is of another state");
        Require(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(heartbeat.Checkpoint), _logKey!, out var checkpoint, out _), "the checkpoint is not signed");
        Hash[] path = [.. heartbeat.Consistency.Select(hash => Hash.Read(hash.Span))];
        Require(!_heldThen.TryRemove(note!.Nonce, out var held) || held is null || ConsistencyProof.Verify(held.Size, checkpoint!.Size, held.Root, checkpoint.Root, path), "the log does not go on from what it was");
        (_checkpoint, _nonce) = (checkpoint, note.Nonce);
    }

    private void Add(ByteString bytes)
    {
        Require(DenialFormat.TryDecode(bytes.Memory, out var denial), "a denial cannot be read");
        _denials.Add(denial!);
    }

    private void Hold(ulong epoch, Hash digest, string note)
    {
        Require(digest == _denials.Digest, "the digest is another one");
        (Epoch, LastNote) = (epoch, note);
    }

    private static void Require(bool holds, string problem)
    {
        if (!holds)
            throw new InvalidOperationException($"What the registry says does not hold: {problem}.");
    }

    private sealed record OpenedDelta(string Text, NoteVerifierKey Key, DeltaNote Note);
}
