using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Watching;

/// <summary>What an enforcer decided about a probe that rode along with a stop. docs/formats.md, "Probe".</summary>
/// <param name="Jti">The probe.</param>
/// <param name="Before">Just before it took the denial; <see cref="Refusal.None"/>: let in.</param>
/// <param name="After">Just after it.</param>
public sealed record ProbeOutcome(SubjectId Jti, Refusal Before, Refusal After)
{
    private const int MembersCount = 3;

    internal static bool TryRead(JsonElement claim, [NotNullWhen(true)] out ProbeOutcome? outcome)
    {
        outcome = null;
        if (claim.ValueKind != JsonValueKind.Object || claim.GetPropertyCount() != MembersCount
            || !claim.TryGetText("jti"u8, int.MaxValue, out var id) || !SubjectId.TryParse(id, out var jti)
            || !claim.TryGetText("before"u8, int.MaxValue, out var before) || !Refusals.TryParse(before, out var wasBefore)
            || !claim.TryGetText("after"u8, int.MaxValue, out var after) || !Refusals.TryParse(after, out var isAfter))
            return false;
        outcome = new ProbeOutcome(jti, wasBefore, isAfter);
        return true;
    }
}
