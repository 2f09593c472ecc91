using System.Globalization;

namespace AgentIdentity.Credentials.Identifiers;

/// <summary>Origins of the logs of one registry: the first is called as the registry is, successor n appends <c>/n</c>, from 2. docs/formats.md, "Names".</summary>
public static class LogOrigin
{
    /// <summary>The origin of a log by its number, from 1.</summary>
    public static string Of(string first, int number) => number == 1 ? first : string.Create(CultureInfo.InvariantCulture, $"{first}/{number}");

    /// <summary>Whether both are logs of one registry and <paramref name="earlier"/> is <paramref name="later"/> or was succeeded by it.</summary>
    public static bool IsAtOrBefore(string earlier, string later) =>
        TrySplit(earlier, out var one, out var number) && TrySplit(later, out var other, out var last) && one == other && number <= last;

    /// <summary>Whether <paramref name="later"/> is the log that comes directly after <paramref name="earlier"/>.</summary>
    public static bool IsNext(string earlier, string later) => TrySplit(earlier, out var first, out var number) && later == Of(first, number + 1);

    private static bool TrySplit(string origin, out string first, out int number)
    {
        var slash = origin.IndexOf('/', StringComparison.Ordinal);
        (first, number) = (slash < 0 ? origin : origin[..slash], 1);
        return slash < 0 || (int.TryParse(origin.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 1 && Of(first, number) == origin);
    }
}
