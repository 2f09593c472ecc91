using System.Formats.Cbor;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>The label of a subject: 32 random bytes that only the registry, and whom it tells, knows.</summary>
public sealed record SubjectLabel(SubjectId Id, Hash Label)
{
    /// <summary>What the subject's first entry shows of the label. docs/formats.md, "Entry".</summary>
    public static Hash Commit(in Hash label)
    {
        ReadOnlySpan<byte> prefix = "air/label/v1\0"u8;
        Span<byte> input = stackalloc byte[13 + Hash.Size];
        prefix.CopyTo(input);
        label.CopyTo(input[prefix.Length..]);
        return Sha256.Hash(input);
    }
}

/// <summary>What opens an entry's leaf, kept beside the entry and outside the tree. Format: docs/formats.md, "Opening".</summary>
/// <param name="Salt">32 random bytes that blind the leaf.</param>
/// <param name="Labels">The labels of the subjects whose first entry this is, ascending by id.</param>
/// <param name="Items">For an issuance entry its items in their order, for what enforcers acknowledged their tokens; empty otherwise.</param>
public sealed record Opening(Hash Salt, IReadOnlyList<SubjectLabel> Labels, IReadOnlyList<byte[]> Items)
{
    private const int Version = 1;

    // What stands before the salt when there is nothing behind it.
    private static ReadOnlySpan<byte> SaltOnly => [0xa2, 0x00, Version, 0x01, 0x58, Hash.Size];

    /// <summary>The deterministic CBOR form.</summary>
    public byte[] Encode()
    {
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, initialCapacity: 128);
        cbor.WriteStartMap(2 + (Labels.Count > 0 ? 1 : 0) + (Items.Count > 0 ? 1 : 0));
        cbor.WriteInt32(0);
        cbor.WriteInt32(Version);
        cbor.WriteInt32(1);
        cbor.WriteHash(Salt);
        if (Labels.Count > 0)
            WriteLabels(cbor);
        if (Items.Count > 0)
            WriteItems(cbor);
        cbor.WriteEndMap();
        return cbor.Encode();
    }

    /// <summary>Reads an opening; false for anything that is not exactly its deterministic form.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out Opening opening)
    {
        // Nearly every opening is a salt and nothing else, which needs no parser.
        if (bytes.Length == SaltOnly.Length + Hash.Size && bytes.Span.StartsWith(SaltOnly))
        {
            opening = new Opening(Hash.Read(bytes.Span[SaltOnly.Length..]), [], []);
            return true;
        }
        return TryDecodeAny(bytes, out opening);
    }

    private static bool TryDecodeAny(ReadOnlyMemory<byte> bytes, out Opening opening)
    {
        opening = null!;
        try
        {
            var cbor = new CborReader(bytes, CborConformanceMode.Ctap2Canonical);
            var read = Read(cbor);
            // An array that is there and empty is a second spelling of one that is absent.
            if (cbor.BytesRemaining != 0 || !read.Encode().AsSpan().SequenceEqual(bytes.Span))
                return false;
            opening = read;
            return true;
        }
        catch (Exception refused) when (refused is CborContentException or InvalidOperationException or OverflowException or FormatException)
        {
            return false;
        }
    }

    private static Opening Read(CborReader cbor)
    {
        var count = cbor.ReadStartMap();
        cbor.ReadKey(0);
        if (cbor.ReadInt32() != Version)
            throw new FormatException("unknown version");
        cbor.ReadKey(1);
        var salt = cbor.ReadHash();
        SubjectLabel[] labels = [];
        byte[][] items = [];
        for (var i = 2; i < count; i++)
        {
            switch (cbor.ReadInt32())
            {
                case 2:
                    labels = ReadLabels(cbor);
                    break;
                case 3:
                    items = cbor.ReadArrayOf(static item => item.ReadByteString());
                    break;
                default:
                    throw new FormatException("unknown key");
            }
        }
        cbor.ReadEndMap();
        return new Opening(salt, labels, items);
    }

    private static SubjectLabel[] ReadLabels(CborReader cbor)
    {
        var labels = cbor.ReadArrayOf(ReadLabel);
        for (var i = 1; i < labels.Length; i++)
        {
            if (labels[i - 1].Id >= labels[i].Id)
                throw new FormatException("labels ascend by their subjects");
        }
        return labels;
    }

    private static SubjectLabel ReadLabel(CborReader cbor)
    {
        cbor.ReadStartArray();
        var label = new SubjectLabel(cbor.ReadId(), cbor.ReadHash());
        cbor.ReadEndArray();
        return label;
    }

    private void WriteLabels(CborWriter cbor)
    {
        cbor.WriteInt32(2);
        cbor.WriteStartArray(Labels.Count);
        foreach (var label in Labels)
        {
            cbor.WriteStartArray(2);
            cbor.WriteId(label.Id);
            cbor.WriteHash(label.Label);
            cbor.WriteEndArray();
        }
        cbor.WriteEndArray();
    }

    private void WriteItems(CborWriter cbor)
    {
        cbor.WriteInt32(3);
        cbor.WriteStartArray(Items.Count);
        foreach (var item in Items)
            cbor.WriteByteString(item);
        cbor.WriteEndArray();
    }
}
