using System.Buffers;
using System.Buffers.Text;

namespace AgentIdentity.Credentials.Tokens;

/// <summary>base64url (RFC 4648, section 5) with one text for each value: no padding, no white space, no stray bits at the end.</summary>
/// <remarks>A second text for the same bytes would be a second token that hashes differently and verifies all the same.</remarks>
public static class CanonicalBase64Url
{
    /// <summary>The text of the bytes.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <summary>Bytes that a canonical text of this length stands for.</summary>
    public static int DecodedLength(int textLength) => (int)((long)textLength * 3 / 4);

    /// <summary>Decodes into the start of <paramref name="destination"/>. False unless the text is canonical and there is room for its bytes.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination, out int written)
    {
        // The decoder passes over white space and padding, and then there are fewer bytes than the text's length stands for.
        var done = Base64Url.DecodeFromChars(text, destination, out _, out written);
        if (done == OperationStatus.Done && written == DecodedLength(text.Length) && HasCanonicalEnd(text.Length, text.IsEmpty ? default : text[^1]))
            return true;
        written = 0;
        return false;
    }

    /// <summary>The same, of letters that are a byte each.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> ascii, Span<byte> destination, out int written)
    {
        var done = Base64Url.DecodeFromUtf8(ascii, destination, out _, out written);
        if (done == OperationStatus.Done && written == DecodedLength(ascii.Length) && HasCanonicalEnd(ascii.Length, ascii.IsEmpty ? default : (char)ascii[^1]))
            return true;
        written = 0;
        return false;
    }

    /// <summary>Decodes a text that must fill <paramref name="destination"/> exactly.</summary>
    public static bool TryDecodeExactly(ReadOnlySpan<char> text, Span<byte> destination) =>
        DecodedLength(text.Length) == destination.Length && TryDecode(text, destination, out _);

    // No bytes have a text of a length that leaves one over.
    private static bool HasCanonicalEnd(int length, char last) => (length % 4) switch
    {
        0 => true,
        2 => (Sextet(last) & 0b1111) == 0,
        3 => (Sextet(last) & 0b0011) == 0,
        _ => false,
    };

    private static int Sextet(char letter) => letter switch
    {
        >= 'A' and <= 'Z' => letter - 'A',
        >= 'a' and <= 'z' => letter - 'a' + 26,
        >= '0' and <= '9' => letter - '0' + 52,
        '-' => 62,
        _ => 63,
    };
}
