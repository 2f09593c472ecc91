namespace AgentIdentity.Ledger;

/// <summary>
/// The signature types of C2SP signed-note that can be verified here; the values are their identifier bytes. Signatures of all other
/// types, ML-DSA-44 cosignatures (0x06) among them, are read, kept and never counted: the system's OpenSSL has nothing to verify them with.
/// </summary>
public enum NoteKeyType : byte
{
    /// <summary>Ed25519 over the text of the note: what a log signs its checkpoints with.</summary>
    Ed25519 = 0x01,

    /// <summary>Ed25519 over a time and the text, which is a checkpoint's (C2SP tlog-cosignature, v1): what a witness signs. See <see cref="CosignerKey"/>.</summary>
    Cosignature = 0x04,
}
