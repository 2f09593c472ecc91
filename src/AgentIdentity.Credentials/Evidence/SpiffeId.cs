using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>The name of a workload: <c>spiffe://trust-domain/path</c>, as the SPIFFE ID specification has it.</summary>
public sealed record SpiffeId
{
    private const string Scheme = "spiffe://";
    private const int LengthMax = 2048;
    private const int DomainLengthMax = 255;

    private readonly string _text;

    private SpiffeId(string text, string trustDomain) => (_text, TrustDomain) = (text, trustDomain);

    /// <summary>Who names the workload.</summary>
    public string TrustDomain { get; }

    /// <summary>Reads the name of a workload; false for that of a trust domain itself, and for every other spelling.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        if (text is null || text.Length > LengthMax || !TrySplit(text, out var domain, out var path) || path.Length == 0)
            return false;
        foreach (var segment in path[1..].Split('/'))
        {
            if (segment is "" or "." or ".." || !segment.All(IsPathLetter))
                return false;
        }
        id = new SpiffeId(text, domain);
        return true;
    }

    /// <summary>Whether the text names a trust domain and no more.</summary>
    public static bool IsTrustDomain(string text) => text.Length is > 0 and <= DomainLengthMax && text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '-' or '_');

    /// <inheritdoc/>
    public override string ToString() => _text;

    // A pattern that were cut within the trust domain's name would cover strangers' domains.
    internal static bool IsPatternOfOneDomain(string pattern) => TrySplit(pattern, out _, out var path) && path.Length > 1;

    private static bool TrySplit(string text, out string domain, out string path)
    {
        (domain, path) = ("", "");
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
            return false;
        var slash = text.IndexOf('/', Scheme.Length);
        domain = slash < 0 ? text[Scheme.Length..] : text[Scheme.Length..slash];
        path = slash < 0 ? "" : text[slash..];
        return IsTrustDomain(domain);
    }

    private static bool IsPathLetter(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_';
}
