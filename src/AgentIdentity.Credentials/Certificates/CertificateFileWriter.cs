using System.Formats.Cbor;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>Writes a certificate item by item, in the order of docs/formats.md, "Containment certificate", so that it can be sent while it is made.</summary>
/// <remarks>Not safe for concurrent use. Each method gives the bytes of one item.</remarks>
public sealed class CertificateFileWriter : IDisposable
{
    private readonly TrailItemWriter _items = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>The first item.</summary>
    public byte[] Header(CertificateHeader header) => Item(TrailItemKind.CertificateHeader, 5, cbor =>
    {
        cbor.WriteInt32(CertificateFile.Version);
        cbor.WriteTextString(header.LogKey);
        cbor.WriteTextString(header.Incident);
        cbor.WriteTextString(header.Checkpoint);
    });

    /// <summary>An entry, with those of its items that are shown.</summary>
    public byte[] Entry(CertificateEntry entry) => entry.Items.Count == 0 ? Hashed(_items.Entry(entry.Opened)) : Item(TrailItemKind.WithItems, 7, cbor =>
    {
        cbor.WriteUInt64(entry.Index.Value);
        TrailItemWriter.Write(cbor, entry.Opened);
        TrailItemWriter.Write(cbor, entry.Items);
    });

    /// <summary>A stop.</summary>
    public byte[] Stop(CertifiedStop stop) => Item(TrailItemKind.Stop, 6, cbor =>
    {
        cbor.WriteUInt64(stop.Index.Value);
        cbor.WriteByteString(stop.Denial.Span);
        cbor.WriteArrayOf(stop.Exposed, WriteExposed);
        cbor.WriteArrayOf(stop.Signed, Write);
        cbor.WriteArrayOf(stop.Word, Write);
    });

    /// <summary>A tree that acknowledgements name.</summary>
    public byte[] Tree(CertifiedTree tree) => Item(TrailItemKind.Tree, 3, cbor =>
    {
        cbor.WriteUInt64(tree.Size.Value);
        cbor.WriteByteString(tree.Path.Span);
    });

    /// <summary>Where a chain holds the tree.</summary>
    public byte[] Anchor(ShownAnchor anchor) => Hashed(_items.Anchor(anchor));

    /// <summary>The seal over everything before, and the last item.</summary>
    /// <param name="logKey">The log's key.</param>
    /// <param name="madeAt">Ms since 1970.</param>
    public byte[] SealAndEnd(NoteSignerKey logKey, long madeAt)
    {
        var note = CertificateSeal.Sign(logKey, madeAt, Hash.Read(_hash.GetHashAndReset()));
        return [.. _items.Item(TrailItemKind.Seal, 2, cbor => cbor.WriteTextString(note)), .. _items.End()];
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private static void WriteExposed(CborWriter cbor, ItemPlace place)
    {
        cbor.WriteStartArray(2);
        Write(cbor, place);
        cbor.WriteEndArray();
    }

    private static void Write(CborWriter cbor, SignedDenial signed)
    {
        cbor.WriteStartArray(5);
        Write(cbor, signed.Acknowledgement);
        cbor.WriteUInt64(signed.Place);
        cbor.WriteUInt64(signed.Count);
        cbor.WriteByteString(signed.Path.Span);
        cbor.WriteEndArray();
    }

    private static void Write(CborWriter cbor, EnforcerWord word)
    {
        cbor.WriteStartArray(4);
        cbor.WriteId(word.Enforcer);
        cbor.WriteInt32((int)word.Progress);
        cbor.WriteInt64(word.At);
        cbor.WriteInt64(word.LeaseUntil);
        cbor.WriteEndArray();
    }

    private static void Write(CborWriter cbor, ItemPlace place)
    {
        cbor.WriteUInt64(place.Entry.Value);
        cbor.WriteUInt32(place.Position);
    }

    private byte[] Item(TrailItemKind kind, int length, Action<CborWriter> write) => Hashed(_items.Item(kind, length, write));

    private byte[] Hashed(byte[] item)
    {
        _hash.AppendData(item);
        return item;
    }
}
