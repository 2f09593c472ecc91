using System.Net;
using System.Net.Sockets;

namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>A port of loopback that was free a moment ago, for what has to be told its port.</summary>
internal static class FreePort
{
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
