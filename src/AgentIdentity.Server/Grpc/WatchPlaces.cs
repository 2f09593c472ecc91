using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>Counts the watches of each address: each holds a stream for as long as it likes, so nobody may hold all that there are.</summary>
internal sealed class WatchPlaces(int perAddressMax)
{
    private readonly ConcurrentDictionary<string, int> _held = new(StringComparer.Ordinal);

    /// <summary>Takes a place until it is disposed of.</summary>
    public IDisposable Take(ServerCallContext context)
    {
        var address = context.GetHttpContext().Connection.RemoteIpAddress?.ToString() ?? "";
        if (_held.AddOrUpdate(address, 1, static (_, held) => held + 1) <= perAddressMax)
            return new Place(this, address);
        Release(address);
        throw new CallRefusedException(Refusal.QuotaExceeded, $"One address may watch at most {perAddressMax} times at once.");
    }

    private void Release(string address)
    {
        _held.AddOrUpdate(address, 0, static (_, held) => held - 1);
        _held.TryRemove(new KeyValuePair<string, int>(address, 0));
    }

    private sealed class Place(WatchPlaces places, string address) : IDisposable
    {
        private bool _isReleased;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _isReleased, true))
                places.Release(address);
        }
    }
}
