using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>Keys and names of a registry that has no genesis entry yet. Kept, so that a restart before the bootstrap does not make others; afterwards the entry counts.</summary>
internal static class FoundingDocument
{
    private const string Name = "founding-keys";
    private const int IssuerEnd = SubjectId.Size + 64;
    private const int LogEnd = IssuerEnd + Ed25519.PublicKeySize;

    public static FoundingKeys Prepare(ILedgerStore store, IRegistryKeys keys, TimeProvider clock)
    {
        if (store.ReadDocument(Name) is { } held)
            return Decode(held.Content.Span) ?? throw new LedgerDamagedException("The prepared keys of this folder cannot be read; start with another --data folder.");
        var founding = new FoundingKeys(SubjectId.New(clock.GetUtcNow()), keys.Create(RegistryKeyUse.Credentials), keys.Create(RegistryKeyUse.Log), keys.Create(RegistryKeyUse.Did));
        store.TryWriteDocument(Name, 0, Encode(founding));
        return founding;
    }

    /// <summary>Whether the document, if there is one, says what the genesis entry says.</summary>
    public static bool IsOf(ILedgerStore store, FoundingKeys founding) =>
        store.ReadDocument(Name) is not { } held || held.Content.Span.SequenceEqual(Encode(founding));

    private static byte[] Encode(FoundingKeys founding) => [.. founding.RegistryId.ToArray(), .. founding.Issuer.Bytes, .. founding.Log.Bytes, .. founding.Did is { } did ? did.Bytes : []];

    private static FoundingKeys? Decode(ReadOnlySpan<byte> bytes) =>
        bytes.Length > LogEnd
        && PublicKey.TryRead(KeyAlgorithm.ES256, bytes[SubjectId.Size..IssuerEnd], out var issuer)
        && PublicKey.TryRead(KeyAlgorithm.Ed25519, bytes[IssuerEnd..LogEnd], out var log)
        && PublicKey.TryRead(KeyAlgorithm.Ed25519, bytes[LogEnd..], out var did)
            ? new FoundingKeys(SubjectId.Read(bytes[..SubjectId.Size]), issuer, log, did)
            : null;
}
