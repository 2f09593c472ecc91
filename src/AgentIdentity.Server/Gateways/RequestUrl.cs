using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Unicode;

namespace AgentIdentity.Server.Gateways;

/// <summary>Where a request goes, as a key proof names it (RFC 9449, section 4.2): scheme, host, port unless it is the scheme's own, and path; no query.</summary>
/// <param name="Text">The path as it was sent.</param>
/// <param name="IsPlain">Whether nobody on the way could take the path for another one. Only such a path is held against an envelope.</param>
internal sealed record RequestUrl(string Text, bool IsPlain)
{
    private const string Https = "https://";
    private const string Http = "http://";

    private static readonly SearchValues<char> HostLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-:[]_");

    // Decisions are remembered with what they were about: longer than this is nobody's location.
    private const int PlainMax = 512;

    // RFC 3986, section 3.3: what may stand in a path.
    private static readonly SearchValues<char> PathLetters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%");

    /// <param name="origin">Scheme and host, with the port if it is not the scheme's own.</param>
    /// <param name="target">Path and query.</param>
    /// <param name="url">The URL, when the answer is true.</param>
    public static bool TryRead(string origin, string target, [NotNullWhen(true)] out RequestUrl? url)
    {
        url = null;
        origin = origin.ToLowerInvariant();
        var (scheme, port) = origin.StartsWith(Https, StringComparison.Ordinal) ? (Https, ":443") : (Http, ":80");
        if (!origin.StartsWith(scheme, StringComparison.Ordinal) || origin.Length == scheme.Length || origin.AsSpan(scheme.Length).ContainsAnyExcept(HostLetters) || !target.StartsWith('/'))
            return false;
        var end = target.AsSpan().IndexOfAny('?', '#');
        var path = end < 0 ? target : target[..end];
        var text = (origin.EndsWith(port, StringComparison.Ordinal) ? origin[..^port.Length] : origin) + path;
        url = new RequestUrl(text, text.Length <= PlainMax && IsPlainPath(path));
        return true;
    }

    // In the normal form of RFC 3986, section 6.2.2, and nothing in it that servers are known to read in two ways: empty segments, dots before a parameter, what is escaped and would divide if it were not, letters in more octets than they need.
    private static bool IsPlainPath(string path)
    {
        if (path.AsSpan().ContainsAnyExcept(PathLetters))
            return false;
        if (!AreEscapesPlain(path))
            return false;
        var segments = path.Split('/')[1..];
        for (var i = 0; i < segments.Length; i++)
        {
            var name = segments[i].AsSpan();
            var parameter = name.IndexOf(';');
            if (parameter >= 0)
                name = name[..parameter];
            if (name is "." or ".." || (segments[i].Length == 0 && i < segments.Length - 1))
                return false;
        }
        return true;
    }

    private static bool AreEscapesPlain(string path)
    {
        Span<byte> octets = stackalloc byte[PlainMax];
        var count = 0;
        for (var at = 0; at < path.Length; at++)
        {
            octets[count] = (byte)path[at];
            if (path[at] == '%')
            {
                if (at + 2 >= path.Length || !IsUpperHex(path[at + 1]) || !IsUpperHex(path[at + 2]))
                    return false;
                octets[count] = byte.Parse(path.AsSpan(at + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                if (IsNeverEscaped((char)octets[count]))
                    return false;
                at += 2;
            }
            count++;
        }
        return Utf8.IsValid(octets[..count]);
    }

    private static bool IsNeverEscaped(char octet) => char.IsAsciiLetterOrDigit(octet) || octet is < ' ' or '\x7f' or '-' or '.' or '_' or '~' or '/' or '\\' or '%' or ';';

    private static bool IsUpperHex(char digit) => digit is (>= '0' and <= '9') or (>= 'A' and <= 'F');
}
