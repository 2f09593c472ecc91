using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Recovery;

/// <summary>The key of the log that signs now, where a start finds it before it has read the entries: of a succeeded log the genesis entry does not name it.</summary>
/// <remarks>Not believed: it only tells which key a snapshot must be signed with, and then the state must name the same key.</remarks>
internal static class LogKeyDocument
{
    private const string Name = "log-key";

    /// <summary>The key as the store says; null when it says nothing that could be one.</summary>
    public static PublicKey? Read(ILedgerStore store)
    {
        if (store.ReadDocument(Name) is { } held)
            return PublicKey.TryRead(KeyAlgorithm.Ed25519, held.Content.Span, out var key) ? key : null;
        var first = store.Read(new LeafIndex(0), 1);
        return first.Count == 1 && Entry.TryDecode(first[0].Entry, out var entry) && entry.Body is Genesis genesis
            ? genesis.Keys.FirstOrDefault(key => key.Use == RegistryKeyUse.Log)?.Key
            : null;
    }

    /// <summary>Writes it down, when it is not what the store says already.</summary>
    public static void Keep(ILedgerStore store, PublicKey key)
    {
        if (Read(store) != key)
            store.TryWriteDocument(Name, store.ReadDocument(Name)?.Version ?? 0, key.Bytes.ToArray());
    }
}
