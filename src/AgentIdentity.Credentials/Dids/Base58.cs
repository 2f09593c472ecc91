using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Credentials.Dids;

/// <summary>base58btc: a number to the base 58, and a <c>1</c> for each zero byte at the front. Each byte string has one text.</summary>
internal static class Base58
{
    private const string Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    private static readonly SearchValues<char> Letters = SearchValues.Create(Alphabet);

    // Both directions are quadratic; a signature has 64 bytes, a key with its prefix at most 35.
    private const int TextLengthMax = 128;

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var zeros = bytes.IndexOfAnyExcept((byte)0) is var first and >= 0 ? first : bytes.Length;
        Span<byte> digits = stackalloc byte[(bytes.Length * 138 / 100) + 1];
        var used = 0;
        foreach (var value in bytes[zeros..])
            used = Shift(digits, used, value, 256, 58);
        return string.Create(zeros + used, digits[..used], (text, reversed) =>
        {
            text[..^reversed.Length].Fill(Alphabet[0]);
            for (var place = 0; place < reversed.Length; place++)
                text[^(place + 1)] = Alphabet[reversed[place]];
        });
    }

    public static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text.Length > TextLengthMax || text.ContainsAnyExcept(Letters))
            return false;
        var zeros = text.IndexOfAnyExcept(Alphabet[0]) is var first and >= 0 ? first : text.Length;
        Span<byte> reversed = stackalloc byte[text.Length];
        var used = 0;
        foreach (var letter in text[zeros..])
            used = Shift(reversed, used, Alphabet.IndexOf(letter), 58, 256);
        bytes = new byte[zeros + used];
        reversed[..used].CopyTo(bytes.AsSpan(zeros));
        bytes.AsSpan(zeros).Reverse();
        return true;
    }

    // number = number * from + digit, in digits to the base `to`, the lowest first. Answers how many there are now.
    private static int Shift(Span<byte> digits, int used, int digit, int from, int to)
    {
        var carry = digit;
        for (var place = 0; place < used; place++)
        {
            carry += digits[place] * from;
            digits[place] = (byte)(carry % to);
            carry /= to;
        }
        for (; carry > 0; carry /= to)
            digits[used++] = (byte)(carry % to);
        return used;
    }
}
