using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>The key that signs what enforcers are told. Made, and named by an entry, when the first of them watches.</summary>
internal sealed class WatchKey(RegistryState state, IRegistryKeys keys, Sequencer sequencer) : IDisposable
{
    private readonly KeyOnDemand _key = new(RegistryKeyUse.Watch, () => state.WatchKeys is [.., var last] ? last : null, keys, sequencer);

    /// <summary>The signer, under the name that it has in the log that signs now.</summary>
    public async Task<Outcome<NoteSignerKey>> RequireAsync()
    {
        var key = await _key.RequireAsync().ConfigureAwait(false);
        return key.IsRefused ? Refused.Because(key.Refusal, key.Detail) : new NoteSignerKey(WatchNotes.KeyName(state.Log.Origin), keys.Watch(key.Value.KeyId));
    }

    /// <summary>Every key that has ever signed for enforcers of this registry, under each name that it had.</summary>
    public IEnumerable<NoteVerifierKey> Verifiers() =>
        from log in state.Logs from key in state.WatchKeys select new NoteVerifierKey(WatchNotes.KeyName(log.Origin), Read(key));

    public void Dispose() => _key.Dispose();

    private static Ed25519PublicKey Read(PublicKey key) => Ed25519PublicKey.TryRead(key.Bytes, out var read) ? read : throw new LedgerDamagedException("The key for enforcers is none.");
}
