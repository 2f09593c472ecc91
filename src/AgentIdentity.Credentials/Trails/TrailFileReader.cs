using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Reads the items of a trail file in the one order that they have. What does not fit throws; <see cref="TrailFile.TryRead"/> answers false.</summary>
internal sealed class TrailFileReader(TrailItemReader items)
{
    public TrailFile Read()
    {
        var header = ReadHeader();
        var registryEntries = new List<OpenedEntry>();
        for (items.Begin(); items.Kind == TrailItemKind.Registry; items.Begin())
            registryEntries.Add(items.Ended(items.ReadOpenedEntry(items.ReadIndex())));
        var entries = new List<AgentEntry>();
        for (; items.Kind is TrailItemKind.Opened or TrailItemKind.Erased or TrailItemKind.Closed; items.Begin())
            entries.Add(items.Ended(ReadEntry()));
        items.Require(TrailItemKind.Heads);
        var heads = items.ReadOpenedEntry(items.ReadIndex());
        var mapProof = items.Ended(items.Cbor.ReadDefiniteLengthByteString());
        items.Begin();
        var anchor = items.ReadAnchor(items.Begin);
        items.ReadEnd();
        return new TrailFile(header, registryEntries, entries, heads, mapProof, anchor, items.Items - 1);
    }

    private TrailHeader ReadHeader()
    {
        var cbor = items.Cbor;
        items.Begin();
        items.Require(TrailItemKind.Header);
        if (cbor.ReadInt32() != TrailFile.Version)
            throw new FormatException("the file is of an unknown version");
        return items.Ended(new TrailHeader(cbor.ReadTextString(), cbor.ReadId(), cbor.ReadHash(), cbor.ReadTextString()));
    }

    private AgentEntry ReadEntry() => items.Kind switch
    {
        TrailItemKind.Opened => ReadOpened(),
        TrailItemKind.Erased => ReadErased(),
        _ => new AgentEntry(items.Cbor.ReadUInt64(), items.Cbor.ReadDefiniteLengthByteString(), null, []),
    };

    private AgentEntry ReadErased()
    {
        var cbor = items.Cbor;
        var (index, sequence, leaf) = (items.ReadIndex(), cbor.ReadUInt64(), cbor.ReadDefiniteLengthByteString());
        return new AgentEntry(sequence, leaf, null, []) { Erased = new ErasedEntry(index, TrailItemReader.ReadPath(cbor), cbor.ReadDefiniteLengthByteString()) };
    }

    private AgentEntry ReadOpened()
    {
        var (index, sequence) = (items.ReadIndex(), items.Cbor.ReadUInt64());
        var entry = items.ReadOpenedEntry(index);
        return new AgentEntry(sequence, entry.Leaf, entry, items.ReadItems());
    }
}
