using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using AgentIdentity.Credentials.Dids;

namespace AgentIdentity.Credentials.Identifiers;

/// <summary>What a registry is called: its public URL, and the names that follow from it. docs/formats.md, "Names".</summary>
/// <remarks>
/// There is one spelling: lower-case ASCII, a host name (did:web names hosts, so no IP address), no default port, no path, no final slash.
/// Two spellings of one name would be two issuers to whoever compares text, and all of the protocols compare text.
/// </remarks>
public sealed class RegistryName
{
    private const string AgentsInfix = ":agents:";
    private const int HostLengthMax = 253;
    private const int HostLabelLengthMax = 63;

    private static readonly SearchValues<char> HostLabelLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private readonly string _agentPrefix;

    private RegistryName(string scheme, string host, string port)
    {
        IsHttps = scheme == Uri.UriSchemeHttps;
        IsLoopback = IsLoopbackHost(host);
        Origin = port.Length == 0 ? host : $"{host}:{port}";
        PublicUrl = $"{scheme}://{Origin}";
        Did = "did:web:" + (port.Length == 0 ? host : $"{host}%3A{port}");
        _agentPrefix = Did + AgentsInfix;
        StatusPrefix = PublicUrl + "/status/";
    }

    /// <summary>For example <c>https://localhost:5000</c>.</summary>
    public string PublicUrl { get; }

    /// <summary>The public URL without its scheme; also the name of the log key. For example <c>localhost:5000</c>.</summary>
    public string Origin { get; }

    /// <summary>The registry's DID, for example <c>did:web:localhost%3A5000</c>.</summary>
    public string Did { get; }

    /// <summary>Whether the name means this machine only: <c>localhost</c> and what ends in <c>.localhost</c> (RFC 6761).</summary>
    public bool IsLoopback { get; }

    /// <summary>Whether the public URL is https.</summary>
    public bool IsHttps { get; }

    /// <summary>What the URIs of the status lists begin with.</summary>
    internal string StatusPrefix { get; }

    /// <summary>The DID of an agent.</summary>
    public string AgentDid(SubjectId agent) => _agentPrefix + agent;

    /// <summary>The did:webvh name of what is called by a did:web DID of this registry: the same place, behind the SCID of its log.</summary>
    public static string Webvh(string webDid, string scid) => $"did:webvh:{scid}:{webDid["did:web:".Length..]}";

    /// <summary>The URL of a key of the registry, as a <c>kid</c> writes it.</summary>
    public string KeyUrl(KeyId key) => $"{Did}#{key}";

    /// <summary>The URL of a key of an agent, as its DID document writes it.</summary>
    public string AgentKeyUrl(SubjectId agent, KeyId key) => $"{AgentDid(agent)}#{key}";

    /// <summary>Reads a key's URL as <see cref="KeyUrl"/> writes it; another registry's refuses.</summary>
    public bool TryParseKeyUrl(ReadOnlySpan<char> url, out KeyId key)
    {
        key = default;
        return url.Length == Did.Length + 1 + KeyId.TextLength && url.StartsWith(Did) && url[Did.Length] == '#'
            && KeyId.TryParse(url[(Did.Length + 1)..], out key);
    }

    /// <summary>Reads a DID as <see cref="AgentDid"/> writes it; another registry's refuses.</summary>
    public bool TryParseAgentDid(ReadOnlySpan<char> did, out SubjectId agent)
    {
        agent = default;
        return did.StartsWith(_agentPrefix) && SubjectId.TryParse(did[_agentPrefix.Length..], out agent);
    }

    /// <summary>Reads an agent's DID in either form, or its bare UUID. A did:webvh names the agent only if its SCID is that of the agent's log, which whoever has the log asks.</summary>
    public bool TryParseAgent(string didOrUuid, out SubjectId agent) =>
        TryParseAgentDid(didOrUuid, out agent) || SubjectId.TryParse(didOrUuid, out agent)
        || (WebvhDid.TryParse(didOrUuid, out var webvh) && TryParseAgentDid(WebDid(webvh), out agent));

    /// <summary>The did:web DID of the place that a did:webvh DID names.</summary>
    public static string WebDid(WebvhDid webvh) => "did:web:" + webvh.Place;

    /// <summary>Takes a public URL. When it is refused, <paramref name="problem"/> says in a sentence what is wrong with it.</summary>
    public static bool TryParse(string? publicUrl, [NotNullWhen(true)] out RegistryName? name, out string problem)
    {
        name = null;
        var separator = publicUrl?.IndexOf("://", StringComparison.Ordinal) ?? -1;
        if (separator < 0)
            return Refuse("The public URL starts with https:// (or http:// on localhost).", out problem);
        var (scheme, authority) = (publicUrl![..separator], publicUrl[(separator + 3)..]);
        var colon = authority.IndexOf(':');
        var (host, port) = colon < 0 ? (authority, "") : (authority[..colon], authority[(colon + 1)..]);

        problem = Problem(scheme, host, colon < 0 ? null : port);
        if (problem.Length == 0)
            name = new RegistryName(scheme, host, port);
        return name is not null;
    }

    private static string Problem(string scheme, string host, string? port)
    {
        if (scheme is not ("https" or "http"))
            return "The scheme of the public URL is https, or http on localhost, in lower case.";
        if (!IsHostName(host))
            return "The host of the public URL is a host name in lower-case ASCII, without path or final slash, and no IP address (did:web names hosts): use localhost for this machine.";
        if (scheme == "http" && !IsLoopbackHost(host))
            return "The public URL is https; http is for localhost only.";
        if (port is not null && !IsPort(port))
            return "The port of the public URL is a number from 1 to 65535, without leading zeros, path or final slash.";
        if (port == (scheme == "https" ? "443" : "80"))
            return $"The port {port} is the default of {scheme}: leave it out of the public URL.";
        return "";
    }

    /// <summary>Whether a text is a host name in lower-case ASCII, and nothing that a URL parser takes for an address.</summary>
    internal static bool IsHostName(string host)
    {
        var labels = host.Split('.');
        return host.Length is > 0 and <= HostLengthMax && Array.TrueForAll(labels, IsHostLabel) && !ReadsAsNumber(labels[^1]);
    }

    private static bool IsHostLabel(string label) =>
        label.Length is > 0 and <= HostLabelLengthMax && label[0] != '-' && label[^1] != '-' && !label.AsSpan().ContainsAnyExcept(HostLabelLetters);

    // A URL parser takes a host whose last label reads as a number, 10.1.2.3 or 0x7f000001, for an IPv4 address.
    private static bool ReadsAsNumber(string label) =>
        !label.AsSpan().ContainsAnyExceptInRange('0', '9') || (label.StartsWith("0x", StringComparison.Ordinal) && label.Skip(2).All(char.IsAsciiHexDigit));

    /// <summary>Whether a text is a port, written as a number is.</summary>
    internal static bool IsPort(string port) =>
        port.Length is > 0 and <= 5 && port[0] != '0' && !port.AsSpan().ContainsAnyExceptInRange('0', '9') && int.Parse(port) <= ushort.MaxValue;

    /// <summary>Whether a host name means this machine.</summary>
    internal static bool IsLoopbackHost(string host) => host == "localhost" || host.EndsWith(".localhost", StringComparison.Ordinal);

    private static bool Refuse(string sentence, out string problem)
    {
        problem = sentence;
        return false;
    }
}
