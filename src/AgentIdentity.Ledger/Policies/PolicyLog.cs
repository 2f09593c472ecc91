namespace AgentIdentity.Ledger;

/// <summary>A log that a policy accepts.</summary>
/// <param name="Vkey">The key's line, as the policy has it. The key's name is the log's origin.</param>
/// <param name="Key">The key; null if it is of a type that cannot be verified here, so that this log's checkpoints are not accepted.</param>
/// <param name="Url">Where the log is, if the policy says so. What it means is up to the application.</param>
public sealed record PolicyLog(string Vkey, NoteVerifierKey? Key, string? Url);
