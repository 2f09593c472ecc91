namespace AgentIdentity.Credentials.Envelopes;

/// <summary>Whom credentials may address: 1 to 16 distinct strings of 1 to 256 visible ASCII characters, compared exactly.</summary>
public static class Audiences
{
    /// <summary>Audiences in one list at most.</summary>
    public const int CountMax = 16;

    /// <summary>Characters of one audience at most.</summary>
    public const int LengthMax = 256;

    /// <summary>Whether this is an audience.</summary>
    public static bool IsValid(string audience) => audience.Length is > 0 and <= LengthMax && !audience.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>Whether this is a list of audiences.</summary>
    public static bool AreValid(IReadOnlyList<string> audiences)
    {
        for (var i = 0; i < audiences.Count && i < CountMax; i++)
        {
            if (!IsValid(audiences[i]) || audiences.Take(i).Contains(audiences[i], StringComparer.Ordinal))
                return false;
        }
        return audiences.Count is > 0 and <= CountMax;
    }

    /// <summary>Whether each of the audiences is among those allowed.</summary>
    public static bool AreWithin(IReadOnlyList<string> audiences, IReadOnlyList<string> allowed) => audiences.All(audience => allowed.Contains(audience, StringComparer.Ordinal));
}
