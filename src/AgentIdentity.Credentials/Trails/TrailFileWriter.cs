using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Writes a trail file item by item, in the order of docs/formats.md, "Trail file", so that it can be sent while it is made.</summary>
/// <remarks>Not safe for concurrent use. Each method gives the bytes of one item.</remarks>
public sealed class TrailFileWriter
{
    private readonly TrailItemWriter _items = new();

    /// <summary>The first item.</summary>
    public byte[] Header(TrailHeader header) => _items.Item(TrailItemKind.Header, 6, cbor =>
    {
        cbor.WriteInt32(TrailFile.Version);
        cbor.WriteTextString(header.LogKey);
        cbor.WriteId(header.AgentId);
        cbor.WriteHash(header.Label);
        cbor.WriteTextString(header.Checkpoint);
    });

    /// <summary>An entry about the registry.</summary>
    public byte[] RegistryEntry(OpenedEntry entry) => _items.Entry(entry);

    /// <summary>An entry about the agent: open, erased or closed.</summary>
    public byte[] Entry(AgentEntry entry) => entry switch
    {
        { Opened: { } opened } => Opened(entry, opened),
        { Erased: { } erased } => Erased(entry, erased),
        _ => Closed(entry),
    };

    /// <summary>The heads entry with the proof in its map, where a chain holds the tree, if one does, and the last item.</summary>
    public byte[] HeadsAndEnd(OpenedEntry heads, ReadOnlySpan<byte> mapProof, ShownAnchor? anchor)
    {
        var proof = mapProof.ToArray();
        var item = _items.Item(TrailItemKind.Heads, 7, cbor =>
        {
            cbor.WriteUInt64(heads.Index.Value);
            TrailItemWriter.Write(cbor, heads);
            cbor.WriteByteString(proof);
        });
        return [.. item, .. anchor is null ? [] : _items.Anchor(anchor), .. _items.End()];
    }

    private byte[] Closed(AgentEntry entry) => _items.Item(TrailItemKind.Closed, 3, cbor =>
    {
        cbor.WriteUInt64(entry.Sequence);
        cbor.WriteByteString(entry.Leaf.Span);
    });

    private byte[] Erased(AgentEntry entry, ErasedEntry erased) => _items.Item(TrailItemKind.Erased, 6, cbor =>
    {
        cbor.WriteUInt64(erased.Index.Value);
        cbor.WriteUInt64(entry.Sequence);
        cbor.WriteByteString(entry.Leaf.Span);
        cbor.WriteByteString(erased.Path.Span);
        cbor.WriteByteString(erased.Stub.Span);
    });

    private byte[] Opened(AgentEntry entry, OpenedEntry opened) => _items.Item(TrailItemKind.Opened, 8, cbor =>
    {
        cbor.WriteUInt64(opened.Index.Value);
        cbor.WriteUInt64(entry.Sequence);
        TrailItemWriter.Write(cbor, opened);
        TrailItemWriter.Write(cbor, entry.Items);
    });
}
