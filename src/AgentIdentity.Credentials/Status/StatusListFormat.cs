namespace AgentIdentity.Credentials.Status;

/// <summary>The fixed texts and times of status lists. docs/formats.md, "Status lists".</summary>
public static class StatusListFormat
{
    /// <summary>Lists are made anew once in each such span of the registry's clock.</summary>
    public static TimeSpan Cadence { get; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a reader may keep a list before it asks again.</summary>
    public static TimeSpan TimeToLive { get; } = TimeSpan.FromSeconds(45);

    /// <summary>When a list ends. Whoever reads only lists lets in whom a stop covers for at most as long.</summary>
    public static TimeSpan Life { get; } = Cadence + TimeToLive;

    /// <summary>The media type of the IETF form.</summary>
    public const string TokenListMediaType = "application/" + TokenListType;

    /// <summary>The media type of the W3C form.</summary>
    public const string BitstringMediaType = "application/vc+jwt";

    internal const string TokenListType = "statuslist+jwt";
    internal const string BitstringCredentialType = "BitstringStatusListCredential";
    internal const string BitstringType = "BitstringStatusList";
    internal const string BitstringEntryType = "BitstringStatusListEntry";
    internal const string Purpose = "suspension";

    // Multibase: base64url without padding.
    internal const char Base64UrlMark = 'u';

    // Bits that do not compress, in base64url twice over, and room for the rest.
    internal const int LengthMax = 65_536;
}
