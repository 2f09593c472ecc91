using System.Buffers.Binary;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Recursive length prefixes: how transactions are encoded.</summary>
internal static class Rlp
{
    private const byte BytesBase = 0x80;
    private const byte ListBase = 0xc0;
    private const int ShortMax = 55;

    public static byte[] Bytes(ReadOnlySpan<byte> bytes) =>
        bytes.Length == 1 && bytes[0] < BytesBase ? [bytes[0]] : [.. Prefix(BytesBase, bytes.Length), .. bytes];

    /// <summary>A number without leading zeros; zero is no bytes at all.</summary>
    public static byte[] Integer(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return Integer(bytes);
    }

    /// <summary>The same of a number's bytes, highest first.</summary>
    public static byte[] Integer(ReadOnlySpan<byte> bigEndian) => Bytes(bigEndian.TrimStart((byte)0));

    public static byte[] List(params ReadOnlySpan<byte[]> items)
    {
        byte[] body = [];
        foreach (var item in items)
            body = [.. body, .. item];
        return [.. Prefix(ListBase, body.Length), .. body];
    }

    /// <summary>The items of a list of byte strings and empty lists, without their prefixes. What is not canonical is refused.</summary>
    /// <exception cref="FormatException">These bytes are not exactly one such list.</exception>
    public static List<byte[]> ReadList(ReadOnlySpan<byte> list)
    {
        var body = Next(ref list, ListBase);
        Require(list.IsEmpty);
        var items = new List<byte[]>();
        while (!body.IsEmpty)
            items.Add(body[0] >= ListBase ? ReadEmptyList(ref body) : Next(ref body, BytesBase).ToArray());
        return items;
    }

    private static byte[] ReadEmptyList(ref ReadOnlySpan<byte> rest)
    {
        Require(Next(ref rest, ListBase).IsEmpty);
        return [];
    }

    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> rest, byte expectedBase)
    {
        Require(!rest.IsEmpty);
        var first = rest[0];
        if (first < BytesBase && expectedBase == BytesBase)
            return Take(ref rest, 0, 1);
        Require(first >= expectedBase && first <= expectedBase + ShortMax + sizeof(uint));
        var lengthBytes = Math.Max(0, first - expectedBase - ShortMax);
        Require(rest.Length > lengthBytes);
        var length = lengthBytes == 0 ? first - expectedBase : ReadLength(rest.Slice(1, lengthBytes));
        var body = Take(ref rest, 1 + lengthBytes, length);
        Require(expectedBase == ListBase || body.Length != 1 || body[0] >= BytesBase);
        return body;
    }

    private static int ReadLength(ReadOnlySpan<byte> bigEndian)
    {
        var length = 0L;
        foreach (var digit in bigEndian)
            length = (length << 8) | digit;
        Require(bigEndian[0] != 0 && length is > ShortMax and <= int.MaxValue);
        return (int)length;
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest, int skipped, int length)
    {
        Require(rest.Length - skipped >= length);
        var taken = rest.Slice(skipped, length);
        rest = rest[(skipped + length)..];
        return taken;
    }

    private static byte[] Prefix(byte start, int length)
    {
        if (length <= ShortMax)
            return [(byte)(start + length)];
        Span<byte> digits = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(digits, length);
        var trimmed = digits.TrimStart((byte)0);
        return [(byte)(start + ShortMax + trimmed.Length), .. trimmed];
    }

    private static void Require(bool isCanonical)
    {
        if (!isCanonical)
            throw new FormatException("One canonical RLP list is expected.");
    }
}
