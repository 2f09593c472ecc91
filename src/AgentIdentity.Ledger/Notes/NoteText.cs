using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>What signed-note says of characters, names and base64.</summary>
internal static class NoteText
{
    internal const byte LineFeed = (byte)'\n';

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly SearchValues<byte> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(value => (byte)value).Where(value => value != LineFeed)]);

    /// <summary>Whether these are valid UTF-8 without a control character (below U+0020) but the line feed.</summary>
    internal static bool IsValid(ReadOnlySpan<byte> text) => !text.ContainsAny(Controls) && System.Text.Unicode.Utf8.IsValid(text);

    /// <summary>Whether this can be the name of a key: not empty, no Unicode space, no plus, no control character, encodable.</summary>
    internal static bool IsKeyName(string name) =>
        IsLine(name) && !name.Any(c => c is '+' || char.IsWhiteSpace(c));

    /// <summary>Whether this is one line that is not empty, and can stand in a note.</summary>
    internal static bool IsLine(string text) => text.Length > 0 && !text.Any(c => c < ' ') && TryEncode(text, out _);

    /// <summary>The UTF-8 of a text; false if it has half a surrogate pair.</summary>
    internal static bool TryEncode(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        try
        {
            bytes = StrictUtf8.GetBytes(text);
            return true;
        }
        catch (EncoderFallbackException)
        {
            bytes = null;
            return false;
        }
    }

    /// <summary>Reads a size or an index: decimal, no sign, no leading zero, at most 2^63 - 1.</summary>
    internal static bool TryParseDecimal(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= TreeSize.Max.Value
        && text == value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Decodes standard base64 with padding. False for any spelling but the one that encoding gives: no white space, no stray bits.</summary>
    internal static bool TryDecodeBase64(ReadOnlySpan<byte> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        var decoded = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (Base64.DecodeFromUtf8(text, decoded, out var consumed, out var written) != OperationStatus.Done || consumed != text.Length)
            return false;
        var again = new byte[Base64.GetMaxEncodedToUtf8Length(written)];
        if (Base64.EncodeToUtf8(decoded.AsSpan(0, written), again, out _, out _) != OperationStatus.Done || !text.SequenceEqual(again))
            return false;
        bytes = decoded[..written];
        return true;
    }
}
