namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>The system's clock and a distance to it that a test sets.</summary>
internal sealed class ShiftedClock : TimeProvider
{
    private long _aheadTicks;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + new TimeSpan(Volatile.Read(ref _aheadTicks));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _aheadTicks, by.Ticks);
}
