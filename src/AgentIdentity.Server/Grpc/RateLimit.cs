using System.Security.Cryptography;

namespace AgentIdentity.Server.Grpc;

/// <summary>A token bucket for each caller, one second deep, in a table of fixed size: callers who fall on one place share a bucket, which errs on the strict side.</summary>
/// <remarks>A bucket is one number, the time at which it will be full again (GCRA), so that taking is one compare-and-swap. Safe for all threads.</remarks>
internal sealed class RateLimit(int callsPerSecond, TimeProvider clock)
{
    private const int Places = 1 << 16;

    private readonly long[] _fullAt = new long[Places];
    private readonly long _cost = Math.Max(1, clock.TimestampFrequency / callsPerSecond);

    // Nobody outside can choose whom to share a bucket with.
    private readonly uint _seed = (uint)RandomNumberGenerator.GetInt32(int.MaxValue) | 1;

    public bool TryTake(int caller, out TimeSpan wait)
    {
        ref var fullAt = ref _fullAt[((uint)caller * _seed) >> 16];
        while (true)
        {
            var now = clock.GetTimestamp();
            var seen = Volatile.Read(ref fullAt);
            var next = Math.Max(seen, now) + _cost;
            var over = next - now - clock.TimestampFrequency;
            wait = over <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)over / clock.TimestampFrequency);
            if (over > 0)
                return false;
            if (Interlocked.CompareExchange(ref fullAt, next, seen) == seen)
                return true;
        }
    }
}
