namespace AgentIdentity.Credentials.Keys;

/// <summary>The two kinds of key, with the numbers that entries and statements write. docs/formats.md, "Names".</summary>
public enum KeyAlgorithm : byte
{
    /// <summary>ECDSA on P-256 with SHA-256. Public keys are x ‖ y, signatures r ‖ s, 64 bytes each.</summary>
    ES256 = 1,

    /// <summary>Ed25519. Public keys have 32 bytes, signatures 64.</summary>
    Ed25519 = 2,
}
