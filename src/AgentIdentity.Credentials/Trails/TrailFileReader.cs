using System.Formats.Cbor;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Reads the items of a trail file in the one order that they have. What does not fit throws; <see cref="TrailFile.TryRead"/> answers false.</summary>
internal sealed class TrailFileReader(ReadOnlyMemory<byte> bytes)
{
    // No tree of 2^63 leaves has a longer path.
    private const int PathHashesMax = 64;

    private readonly CborReader _cbor = new(bytes, CborConformanceMode.Ctap2Canonical, allowMultipleRootLevelValues: true);
    private TrailItemKind _kind;

    /// <summary>Items begun.</summary>
    public ulong Items { get; private set; }

    public int Position => bytes.Length - _cbor.BytesRemaining;

    public TrailFile Read()
    {
        var header = ReadHeader();
        var registryEntries = new List<OpenedEntry>();
        for (Begin(); _kind == TrailItemKind.Registry; Begin())
            registryEntries.Add(ReadRegistryEntry());
        var entries = new List<AgentEntry>();
        for (; _kind is TrailItemKind.Opened or TrailItemKind.Erased or TrailItemKind.Closed; Begin())
            entries.Add(ReadEntry());
        Require(TrailItemKind.Heads);
        var heads = ReadOpenedEntry(ReadIndex());
        var mapProof = _cbor.ReadDefiniteLengthByteString();
        _cbor.ReadEndArray();
        ReadEnd();
        return new TrailFile(header, registryEntries, entries, heads, mapProof, Items - 1);
    }

    private TrailHeader ReadHeader()
    {
        Begin();
        Require(TrailItemKind.Header);
        if (_cbor.ReadInt32() != TrailFile.Version)
            throw new FormatException("the file is of an unknown version");
        var header = new TrailHeader(_cbor.ReadTextString(), _cbor.ReadId(), _cbor.ReadHash(), _cbor.ReadTextString());
        _cbor.ReadEndArray();
        return header;
    }

    private OpenedEntry ReadRegistryEntry()
    {
        var entry = ReadOpenedEntry(ReadIndex());
        _cbor.ReadEndArray();
        return entry;
    }

    private AgentEntry ReadEntry() => _kind switch
    {
        TrailItemKind.Opened => ReadOpened(),
        TrailItemKind.Erased => ReadErased(),
        _ => ReadClosed(),
    };

    private AgentEntry ReadErased()
    {
        var (index, sequence, leaf) = (ReadIndex(), _cbor.ReadUInt64(), _cbor.ReadDefiniteLengthByteString());
        var erased = new ErasedEntry(index, ReadPath(_cbor), _cbor.ReadDefiniteLengthByteString());
        _cbor.ReadEndArray();
        return new AgentEntry(sequence, leaf, null, []) { Erased = erased };
    }

    private AgentEntry ReadOpened()
    {
        var (index, sequence) = (ReadIndex(), _cbor.ReadUInt64());
        var entry = ReadOpenedEntry(index);
        var items = _cbor.ReadArrayOf(ReadItem);
        _cbor.ReadEndArray();
        return new AgentEntry(sequence, entry.Leaf, entry, items);
    }

    private AgentEntry ReadClosed()
    {
        var entry = new AgentEntry(_cbor.ReadUInt64(), _cbor.ReadDefiniteLengthByteString(), null, []);
        _cbor.ReadEndArray();
        return entry;
    }

    private void ReadEnd()
    {
        Begin();
        Require(TrailItemKind.End);
        if (_cbor.ReadUInt64() != Items - 1)
            throw new FormatException($"the end names another number of items than the {Items - 1} before it");
        _cbor.ReadEndArray();
        if (_cbor.BytesRemaining != 0)
            throw new FormatException("something stands behind the end");
    }

    private OpenedEntry ReadOpenedEntry(LeafIndex index) => new(index, _cbor.ReadDefiniteLengthByteString(), ReadPath(_cbor), _cbor.ReadDefiniteLengthByteString(), _cbor.ReadHash());

    private LeafIndex ReadIndex() => new(_cbor.ReadUInt64());

    private static OwnItem ReadItem(CborReader cbor)
    {
        if (cbor.ReadStartArray() != 3)
            throw new FormatException("an issuance item is shown as three values");
        var item = new OwnItem(cbor.ReadUInt32(), cbor.ReadDefiniteLengthByteString(), ReadPath(cbor));
        cbor.ReadEndArray();
        return item;
    }

    private static ReadOnlyMemory<byte> ReadPath(CborReader cbor)
    {
        var path = cbor.ReadDefiniteLengthByteString();
        return path.Length % Hash.Size == 0 && path.Length <= PathHashesMax * Hash.Size ? path : throw new FormatException("a path is some hashes of 32 bytes");
    }

    private void Begin()
    {
        if (_cbor.BytesRemaining == 0)
            throw new FormatException("the file ends too early");
        Items++;
        var length = _cbor.ReadStartArray();
        _kind = (TrailItemKind)_cbor.ReadInt32();
        if (length != LengthOf(_kind))
            throw new FormatException($"an item of type {(int)_kind} with {length} values is not known");
    }

    private void Require(TrailItemKind expected)
    {
        if (_kind != expected)
            throw new FormatException($"expected the item {expected}, found {_kind}");
    }

    private static int? LengthOf(TrailItemKind kind) => kind switch
    {
        TrailItemKind.Header => 6,
        TrailItemKind.Opened => 8,
        TrailItemKind.Erased => 6,
        TrailItemKind.Closed => 3,
        TrailItemKind.Registry => 6,
        TrailItemKind.Heads => 7,
        TrailItemKind.End => 2,
        _ => throw new FormatException($"an item of type {(int)kind} is not known"),
    };
}
