using System.Formats.Cbor;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>What the ledger holds of one credential. Format: docs/formats.md, "Issuance item".</summary>
/// <param name="Jti">The credential's id.</param>
/// <param name="AgentId">Whose it is.</param>
/// <param name="Jkt">The key that it is bound to.</param>
/// <param name="Audience">In the credential's order.</param>
/// <param name="NotBefore">Seconds since 1970.</param>
/// <param name="ExpiresAt">Seconds since 1970, exclusive.</param>
/// <param name="StatusIndex">Where its bit is in the status lists.</param>
/// <param name="Authority">SHA-256 of the JCS of its envelope and chain of command.</param>
public sealed record IssuanceItem(
    SubjectId Jti, SubjectId AgentId, KeyId Jkt, IReadOnlyList<string> Audience, long NotBefore, long ExpiresAt, ulong StatusIndex, Hash Authority)
{
    /// <summary>The deterministic CBOR form.</summary>
    public byte[] Encode()
    {
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, initialCapacity: 256);
        cbor.WriteStartArray(8);
        cbor.WriteId(Jti);
        cbor.WriteId(AgentId);
        cbor.WriteHash(Jkt.Value);
        cbor.WriteTexts(Audience);
        cbor.WriteInt64(NotBefore);
        cbor.WriteInt64(ExpiresAt);
        cbor.WriteUInt64(StatusIndex);
        cbor.WriteHash(Authority);
        cbor.WriteEndArray();
        return cbor.Encode();
    }

    /// <summary>Reads an item; false for anything that is not exactly its deterministic form.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out IssuanceItem item)
    {
        item = null!;
        try
        {
            var cbor = new CborReader(bytes, CborConformanceMode.Ctap2Canonical);
            if (cbor.ReadStartArray() != 8)
                return false;
            var read = new IssuanceItem(
                cbor.ReadId(), cbor.ReadId(), new KeyId(cbor.ReadHash()), cbor.ReadTexts(), cbor.ReadInstant(), cbor.ReadInstant(), cbor.ReadUInt64(), cbor.ReadHash());
            cbor.ReadEndArray();
            if (cbor.BytesRemaining != 0)
                return false;
            item = read;
            return true;
        }
        catch (Exception refused) when (refused is CborContentException or InvalidOperationException or OverflowException or FormatException)
        {
            return false;
        }
    }
}
