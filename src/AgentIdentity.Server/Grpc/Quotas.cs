using System.Net;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Server.Options;

namespace AgentIdentity.Server.Grpc;

/// <summary>What one address, and one key, may ask for in a second.</summary>
internal sealed class Quotas(ServerOptions options, TimeProvider clock)
{
    private readonly RateLimit _addresses = new(options.CallsPerSecondPerAddress, clock);
    private readonly RateLimit _keys = new(options.CallsPerSecondPerKey, clock);

    public void RequireFor(IPAddress? address) => Require(_addresses.TryTake(address?.GetHashCode() ?? 0, out var wait), wait, "address");

    public void RequireFor(KeyId key) => Require(_keys.TryTake(key.GetHashCode(), out var wait), wait, "key");

    private static void Require(bool isWithin, TimeSpan wait, string whose)
    {
        if (!isWithin)
            throw new CallRefusedException(Refusal.QuotaExceeded, $"Too many calls from one {whose}; try again in {wait.TotalMilliseconds:F0} ms.", wait);
    }
}
