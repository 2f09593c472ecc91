using System.Formats.Cbor;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Writes the items of a trail file or of a certificate, and counts them. Not safe for concurrent use.</summary>
internal sealed class TrailItemWriter
{
    private readonly CborWriter _cbor = new(CborConformanceMode.Ctap2Canonical, initialCapacity: 1024);
    private ulong _items;

    /// <summary>One item: an array that begins with its kind.</summary>
    public byte[] Item(TrailItemKind kind, int length, Action<CborWriter> write)
    {
        _items++;
        _cbor.Reset();
        _cbor.WriteStartArray(length);
        _cbor.WriteInt32((int)kind);
        write(_cbor);
        _cbor.WriteEndArray();
        return _cbor.Encode();
    }

    /// <summary>An anchor, as a trail file and a certificate have it.</summary>
    public byte[] Anchor(ShownAnchor anchor) => Item(TrailItemKind.Anchor, ShownAnchor.Length, anchor.Write);

    /// <summary>The last item, which says how many stand before it.</summary>
    public byte[] End()
    {
        var before = _items;
        return Item(TrailItemKind.End, 2, cbor => cbor.WriteUInt64(before));
    }

    /// <summary>An entry that is shown with nothing else.</summary>
    public byte[] Entry(OpenedEntry entry) => Item(TrailItemKind.Registry, 6, cbor =>
    {
        cbor.WriteUInt64(entry.Index.Value);
        Write(cbor, entry);
    });

    /// <summary>What opens an entry, without its index.</summary>
    public static void Write(CborWriter cbor, OpenedEntry entry)
    {
        cbor.WriteByteString(entry.Leaf.Span);
        cbor.WriteByteString(entry.Path.Span);
        cbor.WriteByteString(entry.Entry.Span);
        cbor.WriteHash(entry.Salt);
    }

    /// <summary>Some of the items of an entry.</summary>
    public static void Write(CborWriter cbor, IReadOnlyList<OwnItem> items) => cbor.WriteArrayOf(items, static (cbor, item) =>
    {
        cbor.WriteStartArray(3);
        cbor.WriteUInt32(item.Position);
        cbor.WriteByteString(item.Item.Span);
        cbor.WriteByteString(item.Path.Span);
        cbor.WriteEndArray();
    });
}
