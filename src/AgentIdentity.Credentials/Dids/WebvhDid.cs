using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Credentials.Dids;

/// <summary>A did:webvh DID: the SCID of its log, and the place where that is published. docs/formats.md, "Resolving a DID log".</summary>
public sealed record WebvhDid
{
    private const string Prefix = "did:webvh:";

    // Long enough for every host and the paths that people write; a DID stands in each line and each token.
    private const int LengthMax = 1024;

    private WebvhDid(string text, string scid, Uri location) => (Text, Scid, Location) = (text, scid, location);

    /// <summary>The DID as it was written.</summary>
    public string Text { get; }

    /// <summary>The self-certifying identifier: the hash that the first line of the log has.</summary>
    public string Scid { get; }

    /// <summary>Where the log is published, always https.</summary>
    public Uri Location { get; }

    /// <summary>What follows the SCID; after <c>did:web:</c> it names the same place.</summary>
    public string Place => Text[(Prefix.Length + Scid.Length + 1)..];

    /// <summary>Reads a DID: no path, query or fragment, and nothing that a URL parser would read as another place than a person does.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out WebvhDid? did)
    {
        did = null;
        if (text.Length > LengthMax || !text.StartsWith(Prefix, StringComparison.Ordinal) || !Ascii.IsValid(text))
            return false;
        var parts = text[Prefix.Length..].Split(':');
        if (parts.Length < 2 || !Multihash.IsOne(parts[0]) || !TryReadAuthority(parts[1], out var authority) || !TryReadPath(parts[2..], out var path))
            return false;
        did = new WebvhDid(text, parts[0], new Uri($"https://{authority}{path}/did.jsonl"));
        return true;
    }

    private static bool TryReadAuthority(string encoded, out string authority)
    {
        var colon = encoded.IndexOf("%3A", StringComparison.OrdinalIgnoreCase);
        var host = (colon < 0 ? encoded : encoded[..colon]).ToLowerInvariant();
        authority = colon < 0 ? host : $"{host}:{encoded[(colon + 3)..]}";
        // did:webvh asks for a name with a dot. This machine has one without, and every first try is made on it.
        return RegistryName.IsHostName(host) && (host.Contains('.', StringComparison.Ordinal) || RegistryName.IsLoopbackHost(host))
            && (colon < 0 || RegistryName.IsPort(encoded[(colon + 3)..]));
    }

    private static bool TryReadPath(string[] segments, out string path)
    {
        var text = new StringBuilder();
        path = "";
        foreach (var segment in segments)
        {
            if (!TryDecode(segment, out var decoded) || !IsSegment(decoded))
                return false;
            text.Append('/').Append(Uri.EscapeDataString(decoded));
        }
        path = text.Length == 0 ? "/.well-known" : text.ToString();
        return true;
    }

    private static bool IsSegment(string decoded) =>
        decoded is not ("" or "." or "..") && !decoded.AsSpan().ContainsAny('/', '\\') && !decoded.Any(char.IsControl) && decoded.Trim().Length == decoded.Length;

    // Once, and strictly: a letter that a DID may have, or % and two hexadecimal digits; UTF-8 when all is decoded.
    private static bool TryDecode(string segment, out string decoded)
    {
        var bytes = new List<byte>(segment.Length);
        decoded = "";
        for (var place = 0; place < segment.Length; place++)
        {
            if (char.IsAsciiLetterOrDigit(segment[place]) || segment[place] is '.' or '-' or '_')
                bytes.Add((byte)segment[place]);
            else if (segment[place] == '%' && place + 2 < segment.Length && byte.TryParse(segment.AsSpan(place + 1, 2), NumberStyles.AllowHexSpecifier, null, out var value))
                (place, bytes) = (place + 2, [.. bytes, value]);
            else
                return false;
        }
        decoded = Encoding.UTF8.GetString([.. bytes]);
        return Utf8.IsValid([.. bytes]);
    }
}
