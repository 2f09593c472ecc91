namespace AgentIdentity.Credentials.Envelopes;

/// <summary>An exact string, or a prefix ending in <c>/*</c>. docs/formats.md, "Envelope".</summary>
public static class LocationPattern
{
    private const string PatternEnd = "/*";

    /// <summary>Whether the pattern covers a value, a narrower pattern, or itself. p/* covers what starts with p/ and is longer.</summary>
    public static bool Covers(string grant, string value)
    {
        // Comparing UTF-16 is comparing bytes, since the cut is at a '/'.
        if (!grant.EndsWith(PatternEnd, StringComparison.Ordinal))
            return grant == value;
        var prefix = grant.AsSpan(0, grant.Length - 1);
        return value.Length > prefix.Length && value.AsSpan().StartsWith(prefix);
    }
}
