using System.Globalization;

namespace AgentIdentity.Server.Grpc.Deadlines;

/// <summary>The <c>grpc-timeout</c> header: one to eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    public const string Header = "grpc-timeout";

    private const int DigitsMax = 8;

    // A point in time cannot be as late as the header can say, and nobody can tell a hundred years from eleven thousand.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    public static bool TryParse(string? header, out TimeSpan timeout)
    {
        timeout = default;
        if (header is null or "" || header.Length > DigitsMax + 1
            || !int.TryParse(header.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || Times(count, header[^1]) is not { } said)
            return false;
        timeout = said < Longest ? said : Longest;
        return true;
    }

    /// <summary>A header that says at least as much, in whole seconds.</summary>
    public static string AtLeast(TimeSpan timeout) => $"{Math.Min((long)Math.Ceiling(timeout.TotalSeconds), 99_999_999)}S";

    private static TimeSpan? Times(int count, char unit) => unit switch
    {
        'H' => TimeSpan.FromHours(count),
        'M' => TimeSpan.FromMinutes(count),
        'S' => TimeSpan.FromSeconds(count),
        'm' => TimeSpan.FromMilliseconds(count),
        'u' => TimeSpan.FromMicroseconds(count),
        'n' => TimeSpan.FromTicks(count / TimeSpan.NanosecondsPerTick),
        _ => null,
    };
}
