using System.Text;

namespace AgentIdentity.Credentials.Json;

/// <summary>Seconds since 1970, as tokens write times.</summary>
public static class NumericDate
{
    private const int Rfc3339Length = 20;

    /// <summary>The last second of the year 9999, beyond which a time has no RFC 3339 form.</summary>
    public const long Max = 253_402_300_799;

    /// <summary>The RFC 3339 form in UTC with whole seconds.</summary>
    public static string ToRfc3339(long seconds) => string.Create(Rfc3339Length, seconds, static (text, seconds) => WriteRfc3339(seconds, text));

    /// <summary>Whether a text, as UTF-8, is just what <see cref="ToRfc3339"/> writes.</summary>
    internal static bool IsRfc3339(ReadOnlySpan<byte> utf8, long seconds)
    {
        Span<char> text = stackalloc char[Rfc3339Length];
        WriteRfc3339(seconds, text);
        return Ascii.Equals(utf8, text);
    }

    private static void WriteRfc3339(long seconds, Span<char> text)
    {
        DateTimeOffset.FromUnixTimeSeconds(seconds).UtcDateTime.TryFormat(text, out _, "s");
        text[^1] = 'Z';
    }
}
