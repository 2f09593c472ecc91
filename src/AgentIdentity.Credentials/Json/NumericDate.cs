namespace AgentIdentity.Credentials.Json;

/// <summary>Seconds since 1970, as tokens write times.</summary>
public static class NumericDate
{
    /// <summary>The last second of the year 9999, beyond which a time has no RFC 3339 form.</summary>
    public const long Max = 253_402_300_799;

    /// <summary>The RFC 3339 form in UTC with whole seconds.</summary>
    public static string ToRfc3339(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).UtcDateTime.ToString("s") + "Z";
}
