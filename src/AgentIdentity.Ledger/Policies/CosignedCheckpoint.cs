namespace AgentIdentity.Ledger;

/// <summary>A checkpoint that a policy has accepted, and on whose word.</summary>
/// <param name="Checkpoint">What the log states.</param>
/// <param name="LogKey">The key of the log, which has signed.</param>
/// <param name="Cosignatures">The witnesses of the policy that have cosigned, in its order; perhaps more than its quorum needs.</param>
public sealed record CosignedCheckpoint(Checkpoint Checkpoint, NoteVerifierKey LogKey, IReadOnlyList<WitnessedAt> Cosignatures);
