namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>A clock that stands until it is moved. Its wall clock can be set; its monotonic one cannot.</summary>
internal sealed class ManualClock : TimeProvider
{
    private long _elapsed;
    private long _setBack;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() =>
        new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero).AddTicks(Volatile.Read(ref _elapsed) - Volatile.Read(ref _setBack));

    public override long GetTimestamp() => Volatile.Read(ref _elapsed);

    public void Advance(TimeSpan time) => Interlocked.Add(ref _elapsed, time.Ticks);

    public void SetBack(TimeSpan time) => Interlocked.Add(ref _setBack, time.Ticks);

    public void SetForward(TimeSpan time) => SetBack(-time);
}
