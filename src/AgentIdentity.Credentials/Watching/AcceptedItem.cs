using System.Formats.Cbor;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Watching;

/// <summary>What an enforcer reports of a credential that it let in: a hash over its issuance item and over those of its claims that no item covers. docs/formats.md, "Accepted credential".</summary>
public static class AcceptedItem
{
    /// <summary>The hash that a credential stands for.</summary>
    public static Hash HashOf(PresentedCredential credential)
    {
        var claims = credential.Claims;
        var item = new IssuanceItem(claims.Jti, claims.AgentId, claims.Jkt, claims.Audience, claims.NotBefore, claims.ExpiresAt, claims.StatusIndex, credential.AuthorityHash);
        return HashOf(item, claims.Sponsor, claims.Blueprint, claims.AllLabels, claims.LedgerIndex, claims.LedgerPosition);
    }

    /// <summary>The hash of a credential that the ledger holds.</summary>
    /// <param name="item">Its item.</param>
    /// <param name="terms">What the ledger says of its agent.</param>
    /// <param name="index">The entry with the item.</param>
    /// <param name="position">The item's place in it.</param>
    public static Hash HashOf(IssuanceItem item, Grant terms, LeafIndex index, uint position) =>
        HashOf(item, terms.Sponsor, terms.Blueprint, terms.AllLabels, index.Value, position);

    private static Hash HashOf(IssuanceItem item, string sponsor, string blueprint, IReadOnlyList<KeyValuePair<string, string>> labels, ulong index, uint position)
    {
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, initialCapacity: 512);
        cbor.WriteStartArray(6);
        cbor.WriteByteString(item.Encode());
        cbor.WriteTextString(sponsor);
        cbor.WriteTextString(blueprint);
        cbor.WriteStartArray(labels.Count);
        foreach (var (name, value) in labels.OrderBy(label => label.Key, StringComparer.Ordinal))
            cbor.WriteTexts([name, value]);
        cbor.WriteEndArray();
        cbor.WriteUInt64(index);
        cbor.WriteUInt32(position);
        cbor.WriteEndArray();
        return Sha256.Hash(cbor.Encode());
    }
}
