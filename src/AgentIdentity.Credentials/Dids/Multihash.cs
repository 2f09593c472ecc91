using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Dids;

/// <summary>A SHA-256 multihash in base58btc, the one that did:webvh 1.0 knows.</summary>
internal static class Multihash
{
    /// <summary>Characters of every such text.</summary>
    public const int TextLength = 46;

    private const byte Sha256Code = 0x12;

    public static string Of(string text)
    {
        Span<byte> bytes = stackalloc byte[2 + Hash.Size];
        bytes[0] = Sha256Code;
        bytes[1] = Hash.Size;
        Sha256.Hash(Encoding.UTF8.GetBytes(text)).CopyTo(bytes[2..]);
        return Base58.Encode(bytes);
    }

    public static bool IsOne(ReadOnlySpan<char> text) => text.Length == TextLength && Base58.TryDecode(text, out var bytes) && bytes is [Sha256Code, Hash.Size, ..] && bytes.Length == 2 + Hash.Size;
}
