using System.Globalization;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>The two ways in which JSON-RPC writes bytes and numbers: 0x and all digits, 0x and no leading zero.</summary>
internal static class Hex
{
    public static string Of(ReadOnlySpan<byte> bytes) => "0x" + Convert.ToHexStringLower(bytes);

    public static string Quantity(UInt128 value) => "0x" + value.ToString("x");

    /// <exception cref="FormatException">These are not bytes in hexadecimal after 0x.</exception>
    public static byte[] Bytes(string text) => Convert.FromHexString(Digits(text));

    /// <exception cref="FormatException">This is no number in hexadecimal after 0x, or one of more than 128 bits.</exception>
    public static UInt128 ReadQuantity(string text) =>
        UInt128.TryParse(Digits(text), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new FormatException($"A number of at most 128 bits is expected; found {text}.");

    private static ReadOnlySpan<char> Digits(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? text.AsSpan(2)
        : throw new FormatException("Hexadecimal digits after 0x are expected.");
}
