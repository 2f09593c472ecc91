using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>The public key of a note's signer (C2SP signed-note, "Verifier keys"): a name and an Ed25519 key, type 0x01.</summary>
public sealed record NoteVerifierKey
{
    private const byte Ed25519Type = 0x01;
    private const int KeyIdDigits = 8;

    /// <summary>A key under a name.</summary>
    /// <param name="name">Not empty, no Unicode space, no plus, no control character. For a log, its origin.</param>
    /// <param name="publicKey">The key.</param>
    /// <exception cref="ArgumentException">The name is not one for a key.</exception>
    public NoteVerifierKey(string name, Ed25519PublicKey publicKey)
    {
        if (!NoteText.IsKeyName(name))
            throw new ArgumentException($"A key's name is not empty and has no space, plus or control character; '{name}' was given.", nameof(name));
        Name = name;
        PublicKey = publicKey;
        KeyId = ComputeKeyId(name, TypedKey(publicKey));
    }

    /// <summary>The name in the signature lines.</summary>
    public string Name { get; }

    /// <summary>The key.</summary>
    public Ed25519PublicKey PublicKey { get; }

    /// <summary>The first four bytes, big-endian, of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key). It identifies and proves nothing.</summary>
    public uint KeyId { get; }

    /// <summary>Reads a vkey, <c>name+hash+key</c>: eight lower-case hexadecimal digits, then base64 of type ‖ key, which may hold more pluses.</summary>
    public static bool TryParse(string vkey, [NotNullWhen(true)] out NoteVerifierKey? key, out NoteRefusal refusal)
    {
        refusal = Parse(vkey, out key);
        return key is not null;
    }

    /// <summary>The vkey line, without a line feed; what <see cref="TryParse"/> reads.</summary>
    public override string ToString() => $"{Name}+{KeyId:x8}+{Convert.ToBase64String(TypedKey(PublicKey))}";

    private static NoteRefusal Parse(string vkey, out NoteVerifierKey? key)
    {
        key = null;
        var parts = vkey.Split('+', 3);
        if (parts.Length != 3 || !NoteText.IsKeyName(parts[0]) || !TryParseKeyId(parts[1], out var keyId)
            || !NoteText.TryEncode(parts[2], out var base64) || !NoteText.TryDecodeBase64(base64, out var typedKey) || typedKey.Length == 0)
            return NoteRefusal.MalformedKey;
        if (typedKey[0] != Ed25519Type)
            return NoteRefusal.UnknownKeyType;
        if (typedKey.Length != 1 + Ed25519.PublicKeySize)
            return NoteRefusal.MalformedKey;
        if (ComputeKeyId(parts[0], typedKey) != keyId)
            return NoteRefusal.WrongKeyId;
        if (!Ed25519PublicKey.TryRead(typedKey.AsSpan(1), out var publicKey))
            return NoteRefusal.WeakKey;
        key = new NoteVerifierKey(parts[0], publicKey);
        return NoteRefusal.None;
    }

    private static bool TryParseKeyId(string digits, out uint keyId)
    {
        keyId = 0;
        return digits.Length == KeyIdDigits && digits.All(char.IsAsciiHexDigitLower)
            && uint.TryParse(digits, System.Globalization.NumberStyles.AllowHexSpecifier, null, out keyId);
    }

    private static byte[] TypedKey(Ed25519PublicKey publicKey) => [Ed25519Type, .. publicKey.Bytes];

    private static uint ComputeKeyId(string name, ReadOnlySpan<byte> typedKey)
    {
        Span<byte> hash = stackalloc byte[Hash.Size];
        Sha256.Hash(Encoding.UTF8.GetBytes(name + "\n"), typedKey, hash);
        return BinaryPrimitives.ReadUInt32BigEndian(hash);
    }
}
