using System.Runtime.CompilerServices;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests;
using AgentIdentity.Watch.Tests.Fixtures;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Watch.Tests.Thief;

/// <summary>
/// Somebody who has the data folder and every key of the registry. He runs the registry's own code on his copy, writes entries that it would refuse to write, and stands between it and
/// the enforcers to say, signed by the right keys, what it would not say.
/// </summary>
internal sealed class Thief : Between, IAsyncDisposable
{
    /// <summary>The reason of his restores.</summary>
    public const string Reason = "nothing to see";

    private readonly string _folder;
    private readonly SqliteLedgerStore _store;
    private readonly FileRegistryKeys _keys;
    private readonly RegistryNode _node;
    private WatchDesk? _desk;

    private Thief(string stolen)
    {
        Assert.True(RegistryName.TryParse(WatchedRegistry.PublicUrl, out var name, out _));
        _folder = stolen;
        _store = SqliteLedgerStore.Open(stolen);
        _keys = new FileRegistryKeys(stolen);
        _node = RegistryNode.Open(new RegistrySettings(name), _store, new SnapshotFile(stolen), _keys, TimeProvider.System, static _ => { });
    }

    public override RegistryNode Registry => _node;

    /// <summary>What is said instead of what the registry's code would say.</summary>
    public Func<KeyId, WatchMessage, WatchMessage> Lie { get; set; } = static (_, message) => message;

    /// <summary>Whether the registry's code is kept from hearing what enforcers hold already: it would refuse to serve them.</summary>
    public bool IsDeaf { get; set; }

    private NoteSignerKey WatchKey => new(WatchNotes.KeyName(_node.State.Log.Origin), _keys.Watch(_node.State.WatchKeys[^1].KeyId));

    /// <summary>Copies the folder of a registry that does not run, keys and all.</summary>
    public static string Copy(string folder) => Folders.Copy(folder, Directory.CreateTempSubdirectory("agentidentity-stolen-").FullName);

    public static Thief With(string stolen) => new(stolen);

    /// <summary>Serves at the address that enforcers know.</summary>
    public async Task ServeAtAsync(int port) => _desk = await WatchDesk.OpenAsync(this, port);

    /// <summary>Ends when all of them watch here.</summary>
    public Task WhenWatchedByAsync(params PrivateKey[] enforcers) => Eventually.HoldsAsync(
        () => enforcers.All(key => _node.Watch.Watches.Find(_node.State.FindCaller(key.PublicKey.KeyId)!.Id) is not null), () => "Not all enforcers watch here.");

    /// <summary>Writes a restore into the ledger, with whatever approvals there are.</summary>
    public Task RestoreAsync(ulong stop, params IReadOnlyList<string> approvals)
    {
        var operators = _node.State.Callers.First(caller => caller.Role == CallerRole.Operator).Id;
        return WriteAsync(operators, draft => new Restored([new LeafIndex(stop)], Reason, approvals, draft.OpenEpoch()));
    }

    /// <summary>Writes entries that change nothing.</summary>
    public async Task FillAsync()
    {
        for (var i = 0; i < 20; i++)
            Assert.False((await _node.Reads.RecordAsync(new Look(_node.State.Founding!.RegistryId, new PrivateDataRead("/x", "", 0), null))).IsRefused);
    }

    /// <summary>Writes a stop of something that concerns nobody, so that the epoch goes on.</summary>
    public Task PassEpochAsync() =>
        WriteAsync(_node.State.Founding!.RegistryId, draft => new Stop(new Scope(ScopeKind.Sponsor, "nobody"), StandingState.Frozen, Reason, "", draft.OpenEpoch(), null));

    /// <summary>Writes a stop, as an operator asked him to who took him for the registry.</summary>
    public Task StopAsync(SubjectId agent) =>
        WriteAsync(_node.State.Founding!.RegistryId, draft => new Stop(Scope.Agent(agent), StandingState.Frozen, Reason, "", draft.OpenEpoch(), null));

    /// <summary>A snapshot, deltas and heartbeats without a denial, and signed all the same.</summary>
    public WatchMessage Hide(ulong stop, WatchMessage message)
    {
        switch (message)
        {
            case Snapshot snapshot:
                var shown = snapshot.Denials.Where(denial => denial.Index.Value != stop).ToArray();
                Assert.True(SnapshotNote.TryOpen(snapshot.Note, WatchKey.Verifier, out var opened));
                return new Snapshot((opened with { Count = (ulong)shown.Length, Digest = DigestOf(shown) }).Sign(WatchKey), shown);
            case Heartbeat heartbeat:
                var left = _node.State.Stops.InForce.Select(record => record.Denial).Where(denial => denial.Index.Value != stop).ToArray();
                Assert.True(HeartbeatNote.TryOpen(heartbeat.Note, WatchKey.Verifier, out var beat));
                return heartbeat with { Note = (beat with { Count = (ulong)left.Length, Digest = DigestOf(left) }).Sign(WatchKey) };
            case Delta delta when DeltaNote.TryOpen(delta.Note, WatchKey.Verifier, out var note) && DenialFormat.TryDecode(delta.Payload, out var denial):
                var before = _node.State.Stops.InForce.Select(record => record.Denial).Where(other => other.Index.Value < denial.Index.Value).ToArray();
                return new Delta((note with { Count = (ulong)before.Length, Digest = DigestOf(before), Kind = DeltaKind.None, Payload = null }).Sign(WatchKey), []);
            default:
                return message;
        }
    }

    /// <summary>Signs a credential that he likes better than the one that he was shown.</summary>
    public string SignAgain(string credential, Func<CredentialClaims, CredentialClaims> change)
    {
        Assert.Equal(Credentials.Refusal.None, PresentedCredential.Read(credential, _node.Settings.Name, _node.State.IssuerKeys.Find, out var presented));
        return CredentialWriter.Sign(change(presented!.Claims), _node.Settings.Name, _keys.Issuer(_node.State.IssuerKeys.Current.KeyId));
    }

    public override WatchWish Begin(KeyId enforcer, WatchWish wish) => IsDeaf ? new WatchWish("", "", [], [], wish.IsObserving) : wish;

    public override async IAsyncEnumerable<WatchMessage> SayAsync(KeyId enforcer, IAsyncEnumerable<WatchMessage> messages, [EnumeratorCancellation] CancellationToken ended)
    {
        await foreach (var message in messages.WithCancellation(ended))
            yield return Lie(enforcer, message);
    }

    public override EnforcerMessage? Hear(KeyId enforcer, EnforcerMessage message) => message.OfCase switch
    {
        // Nor would it take their signatures under what it has not said.
        EnforcerMessage.OfOneofCase.Acknowledgement => null,
        EnforcerMessage.OfOneofCase.Nonce when IsDeaf => new EnforcerMessage { Nonce = new WatchNonce { Nonce = message.Nonce.Nonce } },
        _ => message,
    };

    public async ValueTask DisposeAsync()
    {
        if (_desk is not null)
            await _desk.DisposeAsync();
        await _node.DisposeAsync();
        _keys.Dispose();
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static Hash DigestOf(IEnumerable<Denial> denials)
    {
        var list = new DenyList();
        foreach (var denial in denials)
            list.Add(denial);
        return list.Digest;
    }

    private async Task WriteAsync(SubjectId actor, Func<Draft, EntryBody> body)
    {
        var written = await _node.Sequencer.DecideAsync<LeafIndex>(Lane.Stop, draft => draft.Stage(actor, body(draft), draft.RegistryId));
        Assert.False(written.IsRefused, written.Detail);
    }
}
