using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>A log of this registry: under which origin and key the tree was, or is, signed. docs/formats.md, "Successor logs".</summary>
/// <param name="From">The entry that opened it.</param>
/// <param name="LastCheckpoint">Its last checkpoint, when it was succeeded.</param>
public sealed record LogRecord(string Origin, PublicKey Key, LeafIndex From, string? LastCheckpoint = null)
{
    /// <summary>Verifies what the log has signed.</summary>
    public NoteVerifierKey Verifier { get; } = Ed25519PublicKey.TryRead(Key.Bytes, out var key)
        ? new NoteVerifierKey(Origin, key)
        : throw new LedgerDamagedException($"The key of the log {Origin} is not an Ed25519 key.");

    public KeyId KeyId => Key.KeyId;
}
