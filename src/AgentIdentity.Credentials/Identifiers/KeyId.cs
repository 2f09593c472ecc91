using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Identifiers;

/// <summary>The id of a public key: the raw 32-byte SHA-256 thumbprint (RFC 7638) of its JWK. As text (<c>jkt</c>, the fragment of a <c>kid</c>) base64url.</summary>
/// <param name="Value">The thumbprint.</param>
public readonly record struct KeyId(Hash Value)
{
    /// <summary>Bytes of a key id.</summary>
    public const int Size = Hash.Size;

    /// <summary>Characters of its text form.</summary>
    public const int TextLength = 43;

    /// <summary>Reads a key id from exactly 32 bytes.</summary>
    /// <exception cref="ArgumentException">The span is not 32 bytes long.</exception>
    public static KeyId Read(ReadOnlySpan<byte> bytes) => new(Hash.Read(bytes));

    /// <summary>Writes the 32 bytes to the start of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination) => Value.CopyTo(destination);

    /// <summary>The 32 bytes.</summary>
    public byte[] ToArray() => Value.ToArray();

    /// <summary>base64url without padding, 43 characters.</summary>
    public override string ToString() => Value.ToBase64Url();

    /// <summary>Reads the text form, and no other spelling of it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out KeyId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isKeyId = CanonicalBase64Url.TryDecodeExactly(text, bytes);
        id = isKeyId ? Read(bytes) : default;
        return isKeyId;
    }
}
