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
    // One key, whoever many come first.
    private readonly SemaphoreSlim _making = new(1);

    /// <summary>The signer, under the name that it has in the log that signs now.</summary>
    public async Task<Outcome<NoteSignerKey>> RequireAsync()
    {
        if (state.WatchKeys.Count == 0 && await MakeAsync().ConfigureAwait(false) is { IsRefused: true } failed)
            return Refused.Because(failed.Refusal, failed.Detail);
        return new NoteSignerKey(WatchNotes.KeyName(state.Log.Origin), keys.Watch(state.WatchKeys[^1].KeyId));
    }

    /// <summary>Every key that has ever signed for enforcers of this registry, under each name that it had.</summary>
    public IEnumerable<NoteVerifierKey> Verifiers() =>
        from log in state.Logs from key in state.WatchKeys select new NoteVerifierKey(WatchNotes.KeyName(log.Origin), Read(key));

    public void Dispose() => _making.Dispose();

    private static Ed25519PublicKey Read(PublicKey key) => Ed25519PublicKey.TryRead(key.Bytes, out var read) ? read : throw new LedgerDamagedException("The key for enforcers is none.");

    private async Task<Outcome<LeafIndex>> MakeAsync()
    {
        await _making.WaitAsync().ConfigureAwait(false);
        try
        {
            if (state.WatchKeys.Count > 0)
                return default(LeafIndex);
            var key = keys.Create(RegistryKeyUse.Watch);
            var made = await sequencer.DecideAsync<LeafIndex>(
                Lane.Ordinary, draft => draft.Stage(draft.RegistryId, new RegistryKeyRotated(RegistryKeyUse.Watch, key, default), draft.RegistryId)).ConfigureAwait(false);
            // Of these two it is known that nothing was written; after anything else the ledger may name the key.
            if (made.Refusal is Credentials.Refusal.StorageFull or Credentials.Refusal.Overloaded)
                keys.Retire(key.KeyId);
            return made;
        }
        finally
        {
            _making.Release();
        }
    }
}
