using System.Globalization;

namespace AgentIdentity.Server.Grpc.Deadlines;

/// <summary>The <c>grpc-timeout</c> header: one to eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    public const string Header = "grpc-timeout";

    private const int DigitsMax = 8;

    // A TimeSpan cannot hold the longest that the header can say, and nobody can tell a hundred years from eleven thousand.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    public static bool TryParse(string? header, out TimeSpan timeout)
    {
        timeout = default;
        if (header is null or "" || header.Length > DigitsMax + 1 || UnitOf(header[^1]) is not { } unit
            || !long.TryParse(header.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return false;
        timeout = count > Longest / unit ? Longest : count * unit;
        return true;
    }

    /// <summary>A header that says at least as much, in whole seconds.</summary>
    public static string AtLeast(TimeSpan timeout) => $"{Math.Min((long)Math.Ceiling(timeout.TotalSeconds), 99_999_999)}S";

    private static TimeSpan? UnitOf(char unit) => unit switch
    {
        'H' => TimeSpan.FromHours(1),
        'M' => TimeSpan.FromMinutes(1),
        'S' => TimeSpan.FromSeconds(1),
        'm' => TimeSpan.FromMilliseconds(1),
        'u' => TimeSpan.FromMicroseconds(1),
        'n' => TimeSpan.FromTicks(1), // A tick is 100 ns; what is shorter than one has passed anyway.
        _ => null,
    };
}
