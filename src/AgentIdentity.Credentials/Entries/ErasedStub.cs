using System.Formats.Cbor;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>What stays of an activity that was erased, in the place of its entry. Format: docs/formats.md, "Erased stub".</summary>
/// <param name="AgentId">Whose activity it was.</param>
/// <param name="SubjectSequence">Its number among all entries about the agent.</param>
/// <param name="KeyId">The key that had signed the statement.</param>
/// <param name="Sequence">The statement's place in the chain of that key.</param>
/// <param name="Identity">The statement's identity.</param>
/// <param name="Previous">The identity of the statement before.</param>
/// <param name="At">When it was sequenced, ms since 1970.</param>
/// <param name="IsQuarantined">Whether a stopped key had handed it in.</param>
/// <param name="ErasedBy">The entry that erased it.</param>
/// <param name="ErasedAt">When that was, ms since 1970.</param>
public sealed record ErasedStub(
    SubjectId AgentId, ulong SubjectSequence, KeyId KeyId, ulong Sequence, Hash Identity, Hash Previous, long At, bool IsQuarantined, LeafIndex ErasedBy, long ErasedAt)
{
    private const int Version = 1;
    private const int Fields = 11;

    /// <summary>The class that the leaf shows.</summary>
    public EntryClass Class => IsQuarantined ? EntryClass.Quarantined : EntryClass.Activity;

    /// <summary>The deterministic CBOR form.</summary>
    public byte[] Encode()
    {
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, initialCapacity: 192);
        cbor.WriteStartMap(Fields);
        cbor.WriteInt32(0);
        cbor.WriteInt32(Version);
        cbor.WriteInt32(1);
        cbor.WriteId(AgentId);
        cbor.WriteInt32(2);
        cbor.WriteUInt64(SubjectSequence);
        cbor.WriteInt32(3);
        cbor.WriteByteString(KeyId.ToArray());
        cbor.WriteInt32(4);
        cbor.WriteUInt64(Sequence);
        cbor.WriteInt32(5);
        cbor.WriteHash(Identity);
        cbor.WriteInt32(6);
        cbor.WriteHash(Previous);
        cbor.WriteInt32(7);
        cbor.WriteInt64(At);
        cbor.WriteInt32(8);
        cbor.WriteInt32((int)Class);
        cbor.WriteInt32(9);
        cbor.WriteUInt64(ErasedBy.Value);
        cbor.WriteInt32(10);
        cbor.WriteInt64(ErasedAt);
        cbor.WriteEndMap();
        return cbor.Encode();
    }

    /// <summary>What the entry that erases says of this stub: H("air/erased/v1\0" ‖ stub).</summary>
    public Hash Hash() => Sha256.Hash([.. "air/erased/v1\0"u8, .. Encode()]);

    /// <summary>Reads a stub; false for anything that is not exactly its deterministic form.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out ErasedStub stub)
    {
        stub = null!;
        try
        {
            var cbor = new CborReader(bytes, CborConformanceMode.Ctap2Canonical);
            var read = Read(cbor);
            if (cbor.BytesRemaining != 0 || !read.Encode().AsSpan().SequenceEqual(bytes.Span))
                return false;
            stub = read;
            return true;
        }
        catch (Exception refused) when (refused is CborContentException or InvalidOperationException or OverflowException or FormatException)
        {
            return false;
        }
    }

    private static ErasedStub Read(CborReader cbor)
    {
        cbor.ReadMapOf(Fields);
        cbor.ReadKey(0);
        if (cbor.ReadInt32() != Version)
            throw new FormatException("unknown version");
        var stub = new ErasedStub(
            Next(cbor, 1).ReadId(), Next(cbor, 2).ReadUInt64(), new KeyId(Next(cbor, 3).ReadHash()), Next(cbor, 4).ReadUInt64(), Next(cbor, 5).ReadHash(), Next(cbor, 6).ReadHash(),
            Next(cbor, 7).ReadInstant(), Next(cbor, 8).ReadEnum<EntryClass>() == EntryClass.Quarantined, new LeafIndex(Next(cbor, 9).ReadUInt64()), Next(cbor, 10).ReadInstant());
        cbor.ReadEndMap();
        return stub;
    }

    private static CborReader Next(CborReader cbor, int key)
    {
        cbor.ReadKey(key);
        return cbor;
    }
}
