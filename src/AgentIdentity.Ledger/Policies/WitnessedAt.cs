namespace AgentIdentity.Ledger;

/// <summary>That a witness has cosigned, and when: by its own clock, the earliest time if it has done so more than once.</summary>
/// <param name="Witness">Who.</param>
/// <param name="Time">When, in whole seconds.</param>
public sealed record WitnessedAt(PolicyWitness Witness, DateTimeOffset Time);
