using System.Buffers;
using System.Buffers.Binary;

namespace AgentIdentity.Ledger;

/// <summary>The entries beside a tile of level 0 (C2SP tlog-tiles, "Log entries"): for each a uint16 length, big-endian, and its bytes. 256 when full.</summary>
/// <remarks>A partial bundle is a prefix of any wider one: so store the widest, and serve the first <see cref="Length"/> bytes of it.</remarks>
public static class EntryBundle
{
    /// <summary>Bytes of an entry at most: 65,535.</summary>
    public const int EntryBytesMax = ushort.MaxValue;

    private const int PrefixSize = sizeof(ushort);

    /// <summary>Writes one entry behind those that were written before.</summary>
    /// <exception cref="ArgumentException">The entry is longer than <see cref="EntryBytesMax"/>.</exception>
    public static void Write(IBufferWriter<byte> destination, ReadOnlySpan<byte> entry)
    {
        if (entry.Length > EntryBytesMax)
            throw new ArgumentException($"An entry has at most {EntryBytesMax} bytes; {entry.Length} were given.", nameof(entry));
        var place = destination.GetSpan(PrefixSize + entry.Length);
        BinaryPrimitives.WriteUInt16BigEndian(place, (ushort)entry.Length);
        entry.CopyTo(place[PrefixSize..]);
        destination.Advance(PrefixSize + entry.Length);
    }

    /// <summary>Finds the entries of a bundle, without a copy.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="entries">One place for each entry that it has to hold, 1 to 256: where the entry lies in the bundle.</param>
    /// <returns>False unless it holds exactly so many, and nothing after them.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bundle, Span<Range> entries) =>
        entries.Length is >= 1 and <= Tile.WidthMax && TryReadFirst(bundle, entries, out var length) && length == bundle.Length;

    /// <summary>The leaf hashes of a bundle's entries: what the tile of level 0 beside it holds.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="leafHashes">One place for each entry that it has to hold, 1 to 256.</param>
    /// <returns>False unless it holds exactly so many, and nothing after them.</returns>
    public static bool TryHash(ReadOnlySpan<byte> bundle, Span<Hash> leafHashes)
    {
        Span<Range> entries = stackalloc Range[Math.Min(leafHashes.Length, Tile.WidthMax)];
        if (leafHashes.Length > Tile.WidthMax || !TryRead(bundle, entries))
            return false;
        for (var i = 0; i < entries.Length; i++)
            leafHashes[i] = MerkleHash.Leaf(bundle[entries[i]]);
        return true;
    }

    /// <summary>Bytes that the first entries of a bundle take, which are the bundle of that width.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The width is not 1 to 256.</exception>
    /// <exception cref="InvalidDataException">The bundle does not hold so many entries.</exception>
    public static int Length(ReadOnlySpan<byte> bundle, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, Tile.WidthMax);
        if (!TryReadFirst(bundle, stackalloc Range[width], out var length))
            throw new InvalidDataException($"The bundle should hold {width} entries; it has {bundle.Length} bytes, which hold fewer.");
        return length;
    }

    private static bool TryReadFirst(ReadOnlySpan<byte> bundle, Span<Range> entries, out int length)
    {
        length = 0;
        foreach (ref var entry in entries)
        {
            if (bundle.Length - length < PrefixSize)
                return false;
            var start = length + PrefixSize;
            length = start + BinaryPrimitives.ReadUInt16BigEndian(bundle[length..]);
            if (length > bundle.Length)
                return false;
            entry = start..length;
        }
        return true;
    }
}
