using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Witnessing;

/// <summary>Which key this registry cosigns with for others.</summary>
/// <remarks>A witness answers for what it has seen. A registry that was recovered has forgotten some of that, and takes a key that has promised nothing.</remarks>
internal static class WitnessKeyDocument
{
    private const string Name = "witness-key";

    /// <summary>The key, which is made when there is none.</summary>
    public static CosignerKey Open(ILedgerStore store, IRegistryKeys keys, string origin)
    {
        if (store.ReadDocument(Name) is not { Content.Length: > 0 } held || !KeyId.TryParse(Encoding.UTF8.GetString(held.Content.Span), out var keyId))
            keyId = Make(store, keys);
        return new CosignerKey(origin + "/witness", keys.Witness(keyId));
    }

    private static KeyId Make(ILedgerStore store, IRegistryKeys keys)
    {
        var keyId = keys.Create(RegistryKeyUse.Witness).KeyId;
        try
        {
            store.TryWriteDocument(Name, store.ReadDocument(Name)?.Version ?? 0, Encoding.UTF8.GetBytes(keyId.ToString()));
            return keyId;
        }
        catch (StoreFullException)
        {
            keys.Retire(keyId);
            throw;
        }
    }

    /// <summary>The next one is a new one.</summary>
    public static void Forget(ILedgerStore store)
    {
        if (store.ReadDocument(Name) is { Content.Length: > 0 } held)
            store.TryWriteDocument(Name, held.Version, default);
    }
}
