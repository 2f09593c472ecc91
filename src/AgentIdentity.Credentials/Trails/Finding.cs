namespace AgentIdentity.Credentials.Trails;

/// <summary>What a check came to.</summary>
public enum TrailResult
{
    /// <summary>It holds.</summary>
    Passed = 1,

    /// <summary>It does not hold.</summary>
    Failed,

    /// <summary>It could not be looked at.</summary>
    NotChecked,
}

/// <summary>What a check came to, in words.</summary>
/// <param name="Property">What was checked.</param>
/// <param name="Result">What it came to.</param>
/// <param name="Words">What that means here: what holds, or the first thing that does not.</param>
/// <param name="Problems">All that does not hold.</param>
public sealed record Finding<TProperty>(TProperty Property, TrailResult Result, string Words, IReadOnlyList<string> Problems)
    where TProperty : struct, Enum
{
    /// <summary>A failure when there are problems; else not checked when there is a reason for it; else what holds.</summary>
    internal static Finding<TProperty> Of(TProperty property, IReadOnlyList<string> problems, string? notChecked, Func<string> words) => problems.Count switch
    {
        0 when notChecked is not null => new Finding<TProperty>(property, TrailResult.NotChecked, notChecked, []),
        0 => new Finding<TProperty>(property, TrailResult.Passed, words(), []),
        1 => new Finding<TProperty>(property, TrailResult.Failed, problems[0], problems),
        _ => new Finding<TProperty>(property, TrailResult.Failed, $"{problems[0]}; and {problems.Count - 1} more", problems),
    };
}

/// <summary>Numbers in sentences.</summary>
internal static class Counted
{
    public static string Of(long count, string one, string? many = null) => count == 1 ? $"1 {one}" : $"{count} {many ?? one + "s"}";
}
