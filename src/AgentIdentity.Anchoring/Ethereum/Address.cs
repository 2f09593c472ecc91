using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>An account or a contract on the chain: 20 bytes, written with the checksum of EIP-55.</summary>
public sealed record Address
{
    public const int Size = 20;

    private readonly string _text;

    private Address(string text) => _text = text;

    /// <summary>Nobody.</summary>
    public static Address Zero { get; } = Of(new byte[Size]);

    public static Address Of(ReadOnlySpan<byte> bytes) => bytes.Length == Size
        ? new Address(WithChecksum(Convert.ToHexStringLower(bytes)))
        : throw new ArgumentException($"An address is {Size} bytes; {bytes.Length} were given.", nameof(bytes));

    /// <summary>Reads 0x and 40 digits. Digits of mixed case must be those of the checksum: a mistyped address is refused.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Address? address)
    {
        address = null;
        if (text is not { Length: 2 + (2 * Size) } || !text.StartsWith("0x", StringComparison.Ordinal) || !text.Skip(2).All(char.IsAsciiHexDigit))
            return false;
        var read = Of(Convert.FromHexString(text.AsSpan(2)));
        if (text.Any(char.IsAsciiLetterUpper) && text.Skip(2).Any(c => c is >= 'a' and <= 'f') && text != read._text)
            return false;
        address = read;
        return true;
    }

    /// <exception cref="FormatException">This is no address.</exception>
    public static Address Parse(string? text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"An address (0x and 40 hexadecimal digits, with the checksum if in mixed case) is expected; found {text}.");

    /// <summary>The address of the contract that a sender's transaction with this nonce creates.</summary>
    internal static Address OfCreated(Address sender, ulong nonce) => Of(Keccak256.Hash(Rlp.List(Rlp.Bytes(sender.ToBytes()), Rlp.Integer(nonce))).AsSpan(^Size..));

    public byte[] ToBytes() => Convert.FromHexString(_text.AsSpan(2));

    public override string ToString() => _text;

    private static string WithChecksum(string digits)
    {
        var hash = Convert.ToHexStringLower(Keccak256.Hash(System.Text.Encoding.ASCII.GetBytes(digits)));
        return "0x" + string.Concat(digits.Zip(hash, (digit, check) => check >= '8' ? char.ToUpperInvariant(digit) : digit));
    }
}
