namespace AgentIdentity.Credentials.Envelopes;

/// <summary>An exact string, or a prefix ending in <c>/*</c>. docs/formats.md, "Envelope".</summary>
public static class LocationPattern
{
    private const string PatternEnd = "/*";

    /// <summary>Whether a star stands only where it means something: last, behind a slash. Anything else would look as if it were a pattern, and match nothing.</summary>
    public static bool IsWellFormed(string value)
    {
        var star = value.IndexOf('*', StringComparison.Ordinal);
        return star < 0 || (star == value.Length - 1 && value.EndsWith(PatternEnd, StringComparison.Ordinal));
    }

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
