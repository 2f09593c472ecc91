namespace AgentIdentity.Ledger;

/// <summary>A witness that a policy names.</summary>
/// <param name="Name">Its name in the policy, which means nothing elsewhere.</param>
/// <param name="Vkey">The key's line, as the policy has it.</param>
/// <param name="Key">The key; null if it is of a type that cannot be verified here, so that this witness never counts.</param>
/// <param name="Url">Where the witness is, if the policy says so.</param>
public sealed record PolicyWitness(string Name, string Vkey, NoteVerifierKey? Key, string? Url);
