using System.Buffers;
using System.Buffers.Binary;

namespace AgentIdentity.Credentials.Identifiers;

/// <summary>Something that entries are about: an agent, a token, a caller, the registry. 16 bytes, a UUIDv7 in network order.</summary>
/// <remarks>Compares byte by byte, so that ids sort by the time they were made.</remarks>
public readonly record struct SubjectId(UInt128 Value) : IComparable<SubjectId>
{
    /// <summary>Bytes in an id.</summary>
    public const int Size = 16;

    private static readonly SearchValues<char> TextLetters = SearchValues.Create("0123456789abcdef-");

    /// <summary>Reads the id that the first 16 bytes hold.</summary>
    public static SubjectId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes the 16 bytes in network order.</summary>
    public void CopyTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    /// <summary>The 16 bytes in network order.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>The same value as a <see cref="Guid"/>.</summary>
    public Guid ToGuid() => new(ToArray(), bigEndian: true);

    /// <summary>Byte by byte.</summary>
    public int CompareTo(SubjectId other) => Value.CompareTo(other.Value);

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/>.</summary>
    public static bool operator <(SubjectId left, SubjectId right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/>.</summary>
    public static bool operator >(SubjectId left, SubjectId right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/>, or equals it.</summary>
    public static bool operator <=(SubjectId left, SubjectId right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/>, or equals it.</summary>
    public static bool operator >=(SubjectId left, SubjectId right) => left.Value >= right.Value;

    /// <summary>Whether this is a UUIDv7 (RFC 9562): version 7, and the variant of that RFC.</summary>
    public bool IsVersion7 => (uint)(Value >> 76 & 0xf) == 7 && (uint)(Value >> 62 & 0x3) == 0b10;

    /// <summary>Lower-case UUID with hyphens.</summary>
    public override string ToString() => ToGuid().ToString("D");

    /// <summary>A new id for this moment: a UUIDv7 whose low bits are random.</summary>
    public static SubjectId New(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[Size];
        Guid.CreateVersion7(now).TryWriteBytes(bytes, bigEndian: true, out _);
        return Read(bytes);
    }

    /// <summary>Reads the lower-case form with hyphens; any other form is refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out SubjectId id)
    {
        id = default;
        // The parser of the class library also takes white space around the text, and 0x and + within it.
        if (text.ContainsAnyExcept(TextLetters) || !Guid.TryParseExact(text, "D", out var guid))
            return false;
        Span<byte> bytes = stackalloc byte[Size];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        id = Read(bytes);
        return true;
    }
}
