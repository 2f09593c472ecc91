using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Ledger;

/// <summary>The public key of a note's signer (C2SP signed-note, "Verifier keys"): a name, a signature type and an Ed25519 key.</summary>
public sealed record NoteVerifierKey
{
    /// <summary>A key under a name.</summary>
    /// <param name="name">Not empty, no Unicode space, no plus, no control character. For a log, its origin.</param>
    /// <param name="publicKey">The key.</param>
    /// <param name="type">What its signatures are over.</param>
    /// <exception cref="ArgumentException">The name is not one for a key.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The type is none of <see cref="NoteKeyType"/>.</exception>
    public NoteVerifierKey(string name, Ed25519PublicKey publicKey, NoteKeyType type = NoteKeyType.Ed25519)
    {
        if (!NoteText.IsKeyName(name))
            throw new ArgumentException($"A key's name is not empty and has no space, plus or control character; '{name}' was given.", nameof(name));
        if (!Enum.IsDefined(type))
            throw new ArgumentOutOfRangeException(nameof(type), $"Signatures of type {(byte)type} are not known here.");
        Name = name;
        PublicKey = publicKey;
        Type = type;
        KeyId = Vkey.ComputeKeyId(name, TypedKey);
    }

    /// <summary>The name in the signature lines.</summary>
    public string Name { get; }

    /// <summary>The key.</summary>
    public Ed25519PublicKey PublicKey { get; }

    /// <summary>What its signatures are over.</summary>
    public NoteKeyType Type { get; }

    /// <summary>The first four bytes, big-endian, of SHA-256(name ‖ 0x0A ‖ type ‖ key). It identifies and proves nothing.</summary>
    public uint KeyId { get; }

    private byte[] TypedKey => [(byte)Type, .. PublicKey.Bytes];

    /// <summary>Reads a vkey, <c>name+hash+key</c>: eight lower-case hexadecimal digits, then base64 of type ‖ key, which may hold more pluses.</summary>
    public static bool TryParse(string vkey, [NotNullWhen(true)] out NoteVerifierKey? key, out NoteRefusal refusal)
    {
        key = null;
        refusal = Vkey.TryParse(vkey, out var parts) ? Read(parts, out key) : NoteRefusal.MalformedKey;
        return key is not null;
    }

    /// <summary>Whether a signature line is of this key, by name and id: then it has to be verified.</summary>
    internal bool Signed(NoteSignature signature) => signature.KeyId == KeyId && signature.Name == Name;

    /// <summary>Whether a signature line is of this key, and its signature is genuine over this text.</summary>
    /// <param name="text">The text of the note, final line feed included.</param>
    /// <param name="signature">The line.</param>
    public bool Verify(ReadOnlySpan<byte> text, NoteSignature signature) => Signed(signature) && Type switch
    {
        NoteKeyType.Ed25519 => PublicKey.Verify(text, signature.Bytes.Span),
        NoteKeyType.Cosignature => Cosignature.Verify(PublicKey, text, signature),
        _ => throw new UnreachableException($"Signatures of type {Type} cannot be verified."),
    };

    /// <summary>The vkey line, without a line feed; what <see cref="TryParse"/> reads.</summary>
    public override string ToString() => $"{Name}+{KeyId:x8}+{Convert.ToBase64String(TypedKey)}";

    internal static NoteRefusal Read(Vkey vkey, out NoteVerifierKey? key)
    {
        key = null;
        var type = (NoteKeyType)vkey.Type;
        if (!Enum.IsDefined(type))
            return NoteRefusal.UnknownKeyType;
        if (vkey.Key.Length != Ed25519.PublicKeySize)
            return NoteRefusal.MalformedKey;
        if (!vkey.HasComputedId)
            return NoteRefusal.WrongKeyId;
        if (!Ed25519PublicKey.TryRead(vkey.Key, out var publicKey))
            return NoteRefusal.WeakKey;
        key = new NoteVerifierKey(vkey.Name, publicKey, type);
        return NoteRefusal.None;
    }
}
