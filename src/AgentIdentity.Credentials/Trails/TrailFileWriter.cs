using System.Formats.Cbor;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Writes a trail file item by item, in the order of docs/formats.md, "Trail file", so that it can be sent while it is made.</summary>
/// <remarks>Not safe for concurrent use. Each method gives the bytes of one item.</remarks>
public sealed class TrailFileWriter
{
    private readonly CborWriter _cbor = new(CborConformanceMode.Ctap2Canonical, initialCapacity: 1024);
    private ulong _items;

    /// <summary>The first item.</summary>
    public byte[] Header(TrailHeader header)
    {
        Begin(TrailItemKind.Header, 6);
        _cbor.WriteInt32(TrailFile.Version);
        _cbor.WriteTextString(header.LogKey);
        _cbor.WriteId(header.AgentId);
        _cbor.WriteHash(header.Label);
        _cbor.WriteTextString(header.Checkpoint);
        return End();
    }

    /// <summary>An entry about the registry.</summary>
    public byte[] RegistryEntry(OpenedEntry entry)
    {
        Begin(TrailItemKind.Registry, 6);
        _cbor.WriteUInt64(entry.Index.Value);
        Write(entry);
        return End();
    }

    /// <summary>An entry about the agent: open, erased or closed.</summary>
    public byte[] Entry(AgentEntry entry) => entry switch
    {
        { Opened: { } opened } => Opened(entry, opened),
        { Erased: { } erased } => Erased(entry, erased),
        _ => Closed(entry),
    };

    /// <summary>The heads entry with the proof in its map, and the last item.</summary>
    public byte[] HeadsAndEnd(OpenedEntry heads, ReadOnlySpan<byte> mapProof)
    {
        Begin(TrailItemKind.Heads, 7);
        _cbor.WriteUInt64(heads.Index.Value);
        Write(heads);
        _cbor.WriteByteString(mapProof);
        var item = End();
        var before = _items;
        Begin(TrailItemKind.End, 2);
        _cbor.WriteUInt64(before);
        return [.. item, .. End()];
    }

    private byte[] Closed(AgentEntry entry)
    {
        Begin(TrailItemKind.Closed, 3);
        _cbor.WriteUInt64(entry.Sequence);
        _cbor.WriteByteString(entry.Leaf.Span);
        return End();
    }

    private byte[] Erased(AgentEntry entry, ErasedEntry erased)
    {
        Begin(TrailItemKind.Erased, 6);
        _cbor.WriteUInt64(erased.Index.Value);
        _cbor.WriteUInt64(entry.Sequence);
        _cbor.WriteByteString(entry.Leaf.Span);
        _cbor.WriteByteString(erased.Path.Span);
        _cbor.WriteByteString(erased.Stub.Span);
        return End();
    }

    private byte[] Opened(AgentEntry entry, OpenedEntry opened)
    {
        Begin(TrailItemKind.Opened, 8);
        _cbor.WriteUInt64(opened.Index.Value);
        _cbor.WriteUInt64(entry.Sequence);
        Write(opened);
        _cbor.WriteStartArray(entry.Items.Count);
        foreach (var item in entry.Items)
            Write(item);
        _cbor.WriteEndArray();
        return End();
    }

    private void Write(OpenedEntry entry)
    {
        _cbor.WriteByteString(entry.Leaf.Span);
        _cbor.WriteByteString(entry.Path.Span);
        _cbor.WriteByteString(entry.Entry.Span);
        _cbor.WriteHash(entry.Salt);
    }

    private void Write(OwnItem item)
    {
        _cbor.WriteStartArray(3);
        _cbor.WriteUInt32(item.Position);
        _cbor.WriteByteString(item.Item.Span);
        _cbor.WriteByteString(item.Path.Span);
        _cbor.WriteEndArray();
    }

    private void Begin(TrailItemKind kind, int length)
    {
        _items++;
        _cbor.Reset();
        _cbor.WriteStartArray(length);
        _cbor.WriteInt32((int)kind);
    }

    private byte[] End()
    {
        _cbor.WriteEndArray();
        return _cbor.Encode();
    }
}
