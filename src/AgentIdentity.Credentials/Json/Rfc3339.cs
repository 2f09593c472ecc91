using System.Globalization;

namespace AgentIdentity.Credentials.Json;

/// <summary>Times as RFC 3339 writes them, with at most seven digits of a fraction. Local times without a zone are none.</summary>
public static class Rfc3339
{
    /// <summary>Reads a time with its zone.</summary>
    public static bool TryParse(string text, out DateTimeOffset at)
    {
        at = default;
        // A zone is Z or ends in minutes; the date's own dashes are no zone. A point is followed by digits, which the class library does not ask for.
        var zone = text.EndsWith('Z') ? 1 : text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':' ? 6 : 0;
        return zone > 0 && !text.AsSpan(0, text.Length - zone).EndsWith(".")
            && DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture, DateTimeStyles.None, out at);
    }

    /// <summary>As <see cref="TryParse"/>, and in UTC: <c>Z</c> or <c>+00:00</c>.</summary>
    public static bool TryParseUtc(string text, out DateTimeOffset at)
    {
        at = default;
        return (text.EndsWith('Z') || text.EndsWith("+00:00", StringComparison.Ordinal)) && TryParse(text, out at);
    }
}
