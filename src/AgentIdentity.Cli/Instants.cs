namespace AgentIdentity.Cli;

/// <summary>Times as people and scripts read them: RFC 3339, UTC.</summary>
internal static class Instants
{
    public static string FromMilliseconds(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");

    public static string FromSeconds(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
