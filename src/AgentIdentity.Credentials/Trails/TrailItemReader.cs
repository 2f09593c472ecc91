using System.Formats.Cbor;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Reads the items of a trail file or of a certificate. What does not fit throws one of the exceptions that <see cref="IsRefusal"/> knows.</summary>
internal sealed class TrailItemReader(ReadOnlyMemory<byte> bytes)
{
    // No tree of 2^63 leaves has a longer path; a consistency proof has one hash more.
    private const int PathHashesMax = 65;

    public CborReader Cbor { get; } = new(bytes, CborConformanceMode.Ctap2Canonical, allowMultipleRootLevelValues: true);

    /// <summary>What the item is that was begun.</summary>
    public TrailItemKind Kind { get; private set; }

    /// <summary>Items begun.</summary>
    public ulong Items { get; private set; }

    public int Position => bytes.Length - Cbor.BytesRemaining;

    /// <summary>Whether an exception says that the bytes have another form.</summary>
    public static bool IsRefusal(Exception refused) => refused is CborContentException or InvalidOperationException or OverflowException or FormatException;

    /// <summary>Where and why reading ended. The words of the CBOR reader say nothing to who holds the file.</summary>
    public string Problem(Exception refused) => $"item {Items} (before byte {Position}): {(refused is FormatException ? refused.Message : "these bytes are no such item")}";

    /// <summary>Begins the next item.</summary>
    public void Begin()
    {
        if (Cbor.BytesRemaining == 0)
            throw new FormatException("the file ends too early");
        Items++;
        var length = Cbor.ReadStartArray();
        Kind = (TrailItemKind)Cbor.ReadInt32();
        if (length != LengthOf(Kind))
            throw new FormatException($"an item of type {(int)Kind} with {length} values is not known");
    }

    public void Require(TrailItemKind expected)
    {
        if (Kind != expected)
            throw new FormatException($"expected the item {expected}, found {Kind}");
    }

    /// <summary>Ends an item, and gives what was read of it.</summary>
    public T Ended<T>(T read)
    {
        Cbor.ReadEndArray();
        return read;
    }

    /// <summary>The item that was begun is the last one, and nothing stands behind it.</summary>
    public void ReadEnd()
    {
        Require(TrailItemKind.End);
        if (Cbor.ReadUInt64() != Items - 1)
            throw new FormatException($"the end names another number of items than the {Items - 1} before it");
        Cbor.ReadEndArray();
        if (Cbor.BytesRemaining != 0)
            throw new FormatException("something stands behind the end");
    }

    public OpenedEntry ReadOpenedEntry(LeafIndex index) => new(index, Cbor.ReadDefiniteLengthByteString(), ReadPath(Cbor), Cbor.ReadDefiniteLengthByteString(), Cbor.ReadHash());

    public LeafIndex ReadIndex() => new(Cbor.ReadUInt64());

    public OwnItem[] ReadItems() => Cbor.ReadArrayOf(static cbor =>
    {
        if (cbor.ReadStartArray() != 3)
            throw new FormatException("an item of an entry is shown as three values");
        var item = new OwnItem(cbor.ReadUInt32(), cbor.ReadDefiniteLengthByteString(), ReadPath(cbor));
        cbor.ReadEndArray();
        return item;
    });

    public static ReadOnlyMemory<byte> ReadPath(CborReader cbor)
    {
        var path = cbor.ReadDefiniteLengthByteString();
        return path.Length % Hash.Size == 0 && path.Length <= PathHashesMax * Hash.Size ? path : throw new FormatException("a path is some hashes of 32 bytes");
    }

    /// <summary>The anchor that was begun, and the item behind it; null when another item was begun.</summary>
    public ShownAnchor? ReadAnchor(Action begin)
    {
        if (Kind != TrailItemKind.Anchor)
            return null;
        var anchor = Ended(ShownAnchor.Read(Cbor));
        begin();
        return anchor;
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
        TrailItemKind.CertificateHeader => 5,
        TrailItemKind.WithItems => 7,
        TrailItemKind.Stop => 6,
        TrailItemKind.Tree => 3,
        TrailItemKind.Seal => 2,
        TrailItemKind.Anchor => ShownAnchor.Length,
        _ => throw new FormatException($"an item of type {(int)kind} is not known"),
    };
}
