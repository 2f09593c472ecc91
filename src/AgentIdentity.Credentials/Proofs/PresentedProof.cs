using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>A key proof whose signature and time have been checked.</summary>
public sealed class PresentedProof
{
    private readonly KeyProofClaims _claims;

    internal PresentedProof(PublicKey key, KeyProofClaims claims)
    {
        Key = key;
        _claims = claims;
    }

    /// <summary>The key that signed it.</summary>
    public PublicKey Key { get; }

    /// <summary>The proof's own name for itself.</summary>
    public string Jti => _claims.Jti;

    /// <summary><c>htm</c>.</summary>
    public string Method => _claims.Method;

    /// <summary><c>htu</c>.</summary>
    public string Url => _claims.Url;

    /// <summary><c>iat</c>: when its holder says that it was made.</summary>
    public DateTimeOffset IssuedAt => _claims.IssuedAt;

    /// <summary>The nonce, or an empty text when it carries none.</summary>
    public string Nonce => _claims.Nonce ?? "";

    /// <summary><c>ath</c>: base64url SHA-256 of the credential that it goes with, or null.</summary>
    public string? CredentialHash => _claims.CredentialHash;

    /// <summary>base64url SHA-256 of the message that it goes with, or null.</summary>
    public string? BodyHash => _claims.BodyHash;

    /// <summary>Holds the proof against the request that it came with.</summary>
    public Refusal Matches(RequestBinding expected)
    {
        if (Method != expected.Method || Url != expected.Url || !AreEqual(CredentialHash, expected.CredentialHash))
            return Refusal.ProofRequestMismatch;
        // An empty nonce is none: a verifier that forgot to give one out must not take a proof that has none for a match.
        if (expected.Nonce is not null && (Nonce.Length == 0 || !AreEqual(Nonce, expected.Nonce)))
            return Refusal.NonceMismatch;
        return expected.BodyHash is null || AreEqual(BodyHash, expected.BodyHash) ? Refusal.None : Refusal.BodyMismatch;
    }

    // In a time that does not tell where two texts differ.
    private static bool AreEqual(string? left, string? right) => left is null || right is null
        ? left is null && right is null
        : CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(left.AsSpan()), MemoryMarshal.AsBytes(right.AsSpan()));
}
