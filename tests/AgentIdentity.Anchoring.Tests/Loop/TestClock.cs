namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>A clock that stands until it is moved, and that somebody may set.</summary>
internal sealed class TestClock : TimeProvider
{
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long _timestamp;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _timestamp;

    public void Move(TimeSpan time)
    {
        _now += time;
        _timestamp += time.Ticks;
    }

    /// <summary>What an operator or a time server does: no time passes.</summary>
    public void Set(TimeSpan ahead) => _now += ahead;
}
