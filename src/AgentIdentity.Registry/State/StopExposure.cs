using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>Until when a credential in a stop's scope can be shown to an audience.</summary>
/// <param name="Audience">The audience.</param>
/// <param name="Until">When the last of them expires, seconds since 1970.</param>
/// <param name="Index">The entry that issued that one.</param>
/// <param name="Position">Its place among the items of that entry.</param>
public sealed record ExposedAudience(string Audience, long Until, LeafIndex Index, uint Position);

/// <summary>What a stop had to reach at its moment. Fixed by the entry: whoever comes later neither adds to it nor takes from it.</summary>
/// <param name="ShownTo">Who is told of the stop: enforcers of one of these audiences. Null: all.</param>
/// <param name="Enforcers">Whose word it takes until it is enforced, ascending.</param>
/// <param name="Audiences">To whom unexpired credentials in its scope could be shown, ascending.</param>
/// <param name="Credentials">How many such credentials there were.</param>
public sealed record StopExposure(IReadOnlyList<string>? ShownTo, IReadOnlyList<SubjectId> Enforcers, IReadOnlyList<ExposedAudience> Audiences, int Credentials)
{
    /// <summary>When the last of these credentials has expired, ms since 1970; 0 when there were none.</summary>
    public long Until => Audiences.Count == 0 ? 0 : 1000 * Audiences.Max(audience => audience.Until);
}
