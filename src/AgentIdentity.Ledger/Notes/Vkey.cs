using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>A line <c>name+id+base64(type ‖ key)</c> of any signature type (C2SP signed-note, "Verifier keys"), taken apart and no more.</summary>
internal sealed record Vkey(string Name, uint KeyId, byte[] TypedKey)
{
    private const int KeyIdDigits = 8;

    internal byte Type => TypedKey[0];

    internal ReadOnlySpan<byte> Key => TypedKey.AsSpan(1);

    /// <summary>Whether the id is the one that signed-note recommends and tlog-cosignature demands.</summary>
    internal bool HasComputedId => ComputeKeyId(Name, TypedKey) == KeyId;

    // The base64 may hold more pluses: the first two count.
    internal static bool TryParse(string text, [NotNullWhen(true)] out Vkey? vkey)
    {
        vkey = null;
        var parts = text.Split('+', 3);
        if (parts.Length != 3 || !NoteText.IsKeyName(parts[0]) || !TryParseKeyId(parts[1], out var keyId)
            || !NoteText.TryEncode(parts[2], out var base64) || !NoteText.TryDecodeBase64(base64, out var typedKey) || typedKey.Length == 0)
            return false;
        vkey = new Vkey(parts[0], keyId, typedKey);
        return true;
    }

    internal static uint ComputeKeyId(string name, ReadOnlySpan<byte> typedKey)
    {
        Span<byte> hash = stackalloc byte[Hash.Size];
        Sha256.Hash(Encoding.UTF8.GetBytes(name + "\n"), typedKey, hash);
        return BinaryPrimitives.ReadUInt32BigEndian(hash);
    }

    private static bool TryParseKeyId(string digits, out uint keyId)
    {
        keyId = 0;
        return digits.Length == KeyIdDigits && digits.All(char.IsAsciiHexDigitLower)
            && uint.TryParse(digits, System.Globalization.NumberStyles.AllowHexSpecifier, null, out keyId);
    }
}
