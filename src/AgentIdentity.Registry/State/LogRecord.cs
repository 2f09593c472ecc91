using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

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

    /// <summary>What the log says of its successor; null while it has none, and when it was succeeded after a loss or before such notes were written.</summary>
    public SuccessionNote? Succession => LastCheckpoint is not null && SuccessionNote.TryOpen(Encoding.UTF8.GetBytes(LastCheckpoint), Verifier, out var note) ? note : null;

    /// <summary>Whether a checkpoint is the last of this log: by its key, and of that size and root. Until a successor has signed, that is what stands in the store.</summary>
    public bool EndsWith(StoredCheckpoint signed) =>
        LastCheckpoint is not null && Checkpoint.TryOpen(Encoding.UTF8.GetBytes(LastCheckpoint), Verifier, out var last, out _)
        && Checkpoint.TryOpen(Encoding.UTF8.GetBytes(signed.Note), Verifier, out var stored, out _)
        && (stored.Size, stored.Root) == (last.Size, last.Root) && (signed.Size, signed.Root) == (last.Size, last.Root);
}
