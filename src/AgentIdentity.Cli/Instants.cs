namespace AgentIdentity.Cli;

/// <summary>Times as people and scripts read them: RFC 3339, UTC. One that lies beyond the calendar, as a file may claim, is shown as the last or first there is.</summary>
internal static class Instants
{
    private static readonly DateTimeOffset First = DateTimeOffset.MinValue;
    private static readonly DateTimeOffset Last = DateTimeOffset.MaxValue;

    public static string FromMilliseconds(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, First.ToUnixTimeMilliseconds(), Last.ToUnixTimeMilliseconds())).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");

    public static string FromSeconds(long seconds) =>
        DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, First.ToUnixTimeSeconds(), Last.ToUnixTimeSeconds())).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
