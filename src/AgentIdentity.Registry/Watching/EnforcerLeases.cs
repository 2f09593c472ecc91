using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Registry.Watching;

/// <summary>Until when each enforcer may go on without word from here, as far as this process knows, by a clock that nobody sets. For all threads.</summary>
/// <remarks>A lease runs from when its enforcer sent the nonce, which was before it was answered here: what is over here is over there. What was granted before the start is over one lease after it, the longest that can have been granted then.</remarks>
internal sealed class EnforcerLeases
{
    // The enforcer allows for a clock that runs slow, and so do we.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);
    private const int GapsMax = 64;

    private readonly TimeProvider _clock;
    private readonly TimeSpan _outstanding;
    private readonly DateTimeOffset _startedAt;
    private readonly long _start;
    private readonly Lock _lock = new();
    private readonly Dictionary<SubjectId, Held> _held = [];

    /// <param name="clock">Nobody sets it.</param>
    /// <param name="outstanding">How long a lease may still run that another process has granted.</param>
    public EnforcerLeases(TimeProvider clock, TimeSpan outstanding)
    {
        (_clock, _outstanding) = (clock, outstanding);
        (_startedAt, _start) = (clock.GetUtcNow(), clock.GetTimestamp());
    }

    /// <summary>Since the start.</summary>
    public TimeSpan Now => _clock.GetElapsedTime(_start);

    /// <summary>What the wall clock would have shown had nobody moved it.</summary>
    public DateTimeOffset TimeOf(TimeSpan sinceStart) => _startedAt + sinceStart;

    public void Grant(SubjectId enforcer, TimeSpan length)
    {
        lock (_lock)
        {
            var now = Now;
            var held = Of(enforcer);
            if (held.End <= now)
                held = held with { Gaps = [.. held.Gaps.TakeLast(GapsMax - 1), (held.End, now)] };
            // One that was granted before the start may run on when a shorter one is granted.
            var end = now + length + Margin;
            _held[enforcer] = held with { End = end > held.End ? end : held.End };
        }
    }

    /// <summary>When the lease that is running ends, or the last one ended.</summary>
    public TimeSpan EndOf(SubjectId enforcer)
    {
        lock (_lock)
            return Of(enforcer).End;
    }

    /// <summary>When, at some moment or after, the enforcer was first without a lease; null when it has had one all the time.</summary>
    public TimeSpan? OverSince(SubjectId enforcer, TimeSpan moment)
    {
        lock (_lock)
        {
            var held = Of(enforcer);
            foreach (var (from, to) in held.Gaps)
            {
                if (to > moment)
                    return from > moment ? from : moment;
            }
            return held.End > Now ? null : held.End > moment ? held.End : moment;
        }
    }

    private Held Of(SubjectId enforcer) => _held.TryGetValue(enforcer, out var held) ? held : new Held(_outstanding + Margin, []);

    private sealed record Held(TimeSpan End, (TimeSpan From, TimeSpan To)[] Gaps);
}
