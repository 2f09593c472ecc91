using System.Globalization;

namespace AgentIdentity.Ledger;

/// <summary>Tiles as C2SP tlog-tiles names and fills them: up to 256 hashes, one after another, 32 bytes each.</summary>
public static class Tile
{
    /// <summary>Levels of the tree in one tile: 8.</summary>
    public const int Height = 8;

    /// <summary>Hashes in a full tile: 256.</summary>
    public const int WidthMax = 1 << Height;

    /// <summary>Bytes of a full tile: 8,192.</summary>
    public const int BytesMax = WidthMax * Hash.Size;

    /// <summary>The greatest level that a path may name: 63. No tree of 2^63 leaves has tiles above level 7.</summary>
    public const int LevelMax = 63;

    private const string HashPrefix = "tile/";
    private const string EntriesPrefix = "tile/entries/";
    private const string PartialInfix = ".p/";

    /// <summary>The path of a tile below the log's prefix: <c>tile/0/x001/x234/067</c>, or <c>tile/0/x001/x234/067.p/112</c> when partial.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The level is not 0 to 63, or the width not 1 to 256.</exception>
    public static string Path(TileId tile, int width = WidthMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tile.Level);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tile.Level, LevelMax);
        return HashPrefix + tile.Level + "/" + IndexPath(tile.Index) + WidthSuffix(width);
    }

    /// <summary>The path of the entry bundle beside a tile of level 0: <c>tile/entries/x001/x234/067</c>, with <c>.p/W</c> when partial.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The width is not 1 to 256.</exception>
    public static string EntriesPath(ulong index, int width = WidthMax) => EntriesPrefix + IndexPath(index) + WidthSuffix(width);

    /// <summary>Reads what <see cref="Path"/> writes. False for any other spelling.</summary>
    public static bool TryParsePath(ReadOnlySpan<char> path, out TileId tile, out int width)
    {
        tile = default;
        width = 0;
        if (!path.StartsWith(HashPrefix, StringComparison.Ordinal))
            return false;
        path = path[HashPrefix.Length..];
        var slash = path.IndexOf('/');
        if (slash < 1 || !TryParseDecimal(path[..slash], LevelMax, out var level) || !TryParseIndexAndWidth(path[(slash + 1)..], out var index, out width))
            return false;
        tile = new TileId(level, index);
        return true;
    }

    /// <summary>Reads what <see cref="EntriesPath"/> writes. False for any other spelling.</summary>
    public static bool TryParseEntriesPath(ReadOnlySpan<char> path, out ulong index, out int width)
    {
        index = 0;
        width = 0;
        return path.StartsWith(EntriesPrefix, StringComparison.Ordinal) && TryParseIndexAndWidth(path[EntriesPrefix.Length..], out index, out width);
    }

    /// <summary>The root of a complete subtree inside one tile: over its hashes [index · 2^height, (index + 1) · 2^height).</summary>
    /// <param name="hashes">The tile's hashes, as many as are there (<see cref="Hash.ReadMany"/> of its bytes).</param>
    /// <param name="height">0 (a hash of the tile itself) to 8 (the root of a full tile).</param>
    /// <param name="index">Position among the subtrees of that height.</param>
    /// <exception cref="ArgumentException">The tile is too narrow for that subtree.</exception>
    public static Hash Node(ReadOnlySpan<Hash> hashes, int height, int index)
    {
        if (height is < 0 or > Height || index < 0 || (long)(index + 1) << height > hashes.Length)
            throw new ArgumentException($"A tile of {hashes.Length} hashes does not hold subtree {index} of height {height}.", nameof(index));
        return MerkleHash.Root(hashes.Slice(index << height, 1 << height));
    }

    // Groups of three digits, all but the last marked with x: 1234067 is x001/x234/067.
    private static string IndexPath(ulong index)
    {
        var path = (index % 1000).ToString("000", CultureInfo.InvariantCulture);
        while ((index /= 1000) > 0)
            path = "x" + (index % 1000).ToString("000", CultureInfo.InvariantCulture) + "/" + path;
        return path;
    }

    private static string WidthSuffix(int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, WidthMax);
        return width == WidthMax ? "" : PartialInfix + width;
    }

    private static bool TryParseIndexAndWidth(ReadOnlySpan<char> text, out ulong index, out int width)
    {
        width = WidthMax;
        var infix = text.IndexOf(PartialInfix, StringComparison.Ordinal);
        if (infix < 0)
            return TryParseIndex(text, out index);
        return TryParseIndex(text[..infix], out index) && TryParseDecimal(text[(infix + PartialInfix.Length)..], WidthMax - 1, out width) && width > 0;
    }

    // Written again and compared: so there is one spelling of each number, without a rule for each way to misspell it.
    private static bool TryParseIndex(ReadOnlySpan<char> text, out ulong index)
    {
        index = 0;
        Span<char> digits = stackalloc char[24];
        var count = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
                continue;
            if (count == digits.Length)
                return false;
            digits[count++] = c;
        }
        return ulong.TryParse(digits[..count], NumberStyles.None, CultureInfo.InvariantCulture, out index) && text.SequenceEqual(IndexPath(index));
    }

    private static bool TryParseDecimal(ReadOnlySpan<char> text, int max, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= max
        && text.SequenceEqual(value.ToString(CultureInfo.InvariantCulture));
}
