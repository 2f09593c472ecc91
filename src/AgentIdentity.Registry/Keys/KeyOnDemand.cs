using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Keys;

/// <summary>A key of the registry that is made, and named by an entry, when it is first needed.</summary>
/// <param name="use">What it is for.</param>
/// <param name="newest">The key for this use that the ledger names now, if any.</param>
/// <param name="keys">Where it is kept.</param>
/// <param name="sequencer">Who writes the entry.</param>
internal sealed class KeyOnDemand(RegistryKeyUse use, Func<PublicKey?> newest, IRegistryKeys keys, Sequencer sequencer) : IDisposable
{
    // One key, whoever many come first.
    private readonly SemaphoreSlim _making = new(1);

    /// <summary>The key that the ledger names, now or when this returns.</summary>
    public async Task<Outcome<PublicKey>> RequireAsync()
    {
        if (newest() is { } known)
            return known;
        await _making.WaitAsync().ConfigureAwait(false);
        try
        {
            return newest() is { } made ? made : await MakeAsync().ConfigureAwait(false);
        }
        finally
        {
            _making.Release();
        }
    }

    public void Dispose() => _making.Dispose();

    private async Task<Outcome<PublicKey>> MakeAsync()
    {
        var key = keys.Create(use);
        var made = await sequencer.DecideAsync<LeafIndex>(
            Lane.Ordinary, draft => draft.Stage(draft.RegistryId, new RegistryKeyRotated(use, key, default), draft.RegistryId)).ConfigureAwait(false);
        // Of these two it is known that nothing was written; after anything else the ledger may name the key.
        if (made.Refusal is Refusal.StorageFull or Refusal.Overloaded)
            keys.Retire(key.KeyId);
        return made.IsRefused ? Refused.Because(made.Refusal, made.Detail) : key;
    }
}
