using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Registry.State;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>Counts the watches, or other streams, of each address, or key: each holds one for as long as it likes, so nobody may hold all that there are.</summary>
internal sealed class WatchPlaces(int max)
{
    private readonly ConcurrentDictionary<string, int> _held = new(StringComparer.Ordinal);

    /// <summary>Takes a place of the caller's address until it is disposed of.</summary>
    public IDisposable Take(ServerCallContext context) => Take(context.GetHttpContext().Connection.RemoteIpAddress?.ToString() ?? "", "address");

    /// <summary>The same of a key that is known.</summary>
    public IDisposable Take(CallerRecord caller) => Take(caller.Id.ToString(), "key");

    private Place Take(string holder, string what)
    {
        if (_held.AddOrUpdate(holder, 1, static (_, held) => held + 1) <= max)
            return new Place(this, holder);
        Release(holder);
        throw new CallRefusedException(Refusal.QuotaExceeded, $"One {what} may hold at most {max} such streams at once.");
    }

    private void Release(string holder)
    {
        _held.AddOrUpdate(holder, 0, static (_, held) => held - 1);
        _held.TryRemove(new KeyValuePair<string, int>(holder, 0));
    }

    private sealed class Place(WatchPlaces places, string holder) : IDisposable
    {
        private bool _isReleased;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _isReleased, true))
                places.Release(holder);
        }
    }
}
