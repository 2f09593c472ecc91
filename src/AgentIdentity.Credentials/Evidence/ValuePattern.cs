namespace AgentIdentity.Credentials.Evidence;

/// <summary>A value that evidence must have: an exact string, or a prefix that ends in <c>*</c>. docs/formats.md, "Evidence".</summary>
internal static class ValuePattern
{
    /// <summary>A star stands at the end or nowhere, and never alone: everything is no pattern.</summary>
    public static bool IsValid(string pattern)
    {
        var star = pattern.IndexOf('*', StringComparison.Ordinal);
        return pattern.Length > 0 && (star < 0 || (star > 0 && star == pattern.Length - 1));
    }

    public static bool Covers(string pattern, string value) => pattern.EndsWith('*')
        ? value.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1)) && value.Length >= pattern.Length
        : pattern == value;
}
