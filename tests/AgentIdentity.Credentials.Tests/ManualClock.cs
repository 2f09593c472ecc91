namespace AgentIdentity.Credentials.Tests;

/// <summary>A clock that stands until it is moved. Its wall clock can be set back; its monotonic one cannot.</summary>
internal sealed class ManualClock(DateTimeOffset start) : TimeProvider
{
    private TimeSpan _elapsed;
    private TimeSpan _setBack;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => start + _elapsed - _setBack;

    public override long GetTimestamp() => _elapsed.Ticks;

    public void Advance(TimeSpan time) => _elapsed += time;

    public void SetBack(TimeSpan time) => _setBack += time;
}
