using System.Net;

namespace AgentIdentity.Server.Options;

/// <summary>Where a listener listens: an IP address or <c>localhost</c>, and a port; port 0 picks a free one.</summary>
internal readonly record struct HostPort(IPAddress Address, int Port)
{
    public bool IsLoopback => IPAddress.IsLoopback(Address);

    public IPEndPoint EndPoint => new(Address, Port);

    public static bool TryParse(string text, out HostPort hostPort)
    {
        hostPort = default;
        var colon = text.LastIndexOf(':');
        if (colon < 1 || !TryParsePort(text.AsSpan(colon + 1), out var port) || !TryParseAddress(text[..colon], out var address))
            return false;
        hostPort = new HostPort(address, port);
        return true;
    }

    public override string ToString() => EndPoint.ToString();

    // The parser of the class library also takes signs and white space.
    private static bool TryParsePort(ReadOnlySpan<char> text, out int port)
    {
        port = 0;
        return text.Length is > 0 and <= 5 && !text.ContainsAnyExceptInRange('0', '9') && (port = int.Parse(text)) <= ushort.MaxValue;
    }

    // An IPv6 address stands in brackets; an IPv4 address has four parts, since "5" and "127.1" are addresses to the class library.
    private static bool TryParseAddress(string host, out IPAddress address)
    {
        address = IPAddress.Loopback;
        if (host == "localhost")
            return true;
        if (host.StartsWith('[') && host.EndsWith(']'))
            return IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out address!);
        return host.Count(letter => letter == '.') == 3 && IPAddress.TryParse(host, out address!);
    }
}
