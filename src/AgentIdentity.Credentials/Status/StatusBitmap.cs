namespace AgentIdentity.Credentials.Status;

/// <summary>One bit for each place of a status list: 1 while the credential there is stopped.</summary>
public sealed class StatusBitmap
{
    /// <summary>How many places a list has: the fewest that the W3C allows, so that one credential hides among the others.</summary>
    public const int Places = 131_072;

    internal const int Size = Places / 8;

    // Place 0 is the least significant bit of the first byte, as the IETF has it.
    private readonly byte[] _bits;

    /// <summary>A list in which nobody is stopped.</summary>
    public StatusBitmap()
        : this(new byte[Size])
    {
    }

    private StatusBitmap(byte[] bits) => _bits = bits;

    /// <summary>Whether the credential at a place is stopped. There is no answer for a place outside the list.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such place.</exception>
    public bool this[int place] => (_bits[ByteOf(place)] & (1 << (place % 8))) != 0;

    /// <summary>The credential at a place is stopped.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such place.</exception>
    public void Stop(int place) => _bits[ByteOf(place)] |= (byte)(1 << (place % 8));

    internal ReadOnlySpan<byte> LeastSignificantFirst => _bits;

    internal byte[] MostSignificantFirst => Array.ConvertAll(_bits, Reversed);

    internal static StatusBitmap OfLeastSignificantFirst(byte[] bits) => new(bits);

    internal static StatusBitmap OfMostSignificantFirst(byte[] bits) => new(Array.ConvertAll(bits, Reversed));

    private static int ByteOf(int place)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(place);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(place, Places);
        return place / 8;
    }

    private static byte Reversed(byte bits)
    {
        var reversed = 0;
        for (var bit = 0; bit < 8; bit++)
            reversed = (reversed << 1) | ((bits >> bit) & 1);
        return (byte)reversed;
    }
}
