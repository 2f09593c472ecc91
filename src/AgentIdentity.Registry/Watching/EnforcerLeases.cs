using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Registry.Watching;

/// <summary>Until when each enforcer may go on without word from here, as far as this process knows, by a clock that nobody sets. For all threads.</summary>
/// <remarks>A lease runs from when its enforcer sent the nonce, which was before it was answered here: what is over here is over there. What was granted before the start is over one lease after it, the longest that can have been granted then.</remarks>
internal sealed class EnforcerLeases
{
    // The enforcer allows for a clock that runs slow, and so do we.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);
    private const int GapsMax = 64;

    // What is asked again so soon is not noted.
    private static readonly TimeSpan AskedApart = TimeSpan.FromSeconds(1);

    private static readonly Held Nothing = new(TimeSpan.Zero, []);

    private readonly TimeProvider _clock;
    private readonly TimeSpan _outstanding;
    private readonly TimeSpan _answer;
    private readonly DateTimeOffset _startedAt;
    private readonly long _start;
    private readonly Lock _lock = new();
    private readonly Dictionary<SubjectId, Held> _held = [];
    private readonly Dictionary<SubjectId, Held> _answers = [];

    /// <param name="clock">Nobody sets it.</param>
    /// <param name="outstanding">How long a lease may still run that another process has granted.</param>
    /// <param name="answer">How long an enforcer may rely on what it is answered when it asks.</param>
    public EnforcerLeases(TimeProvider clock, TimeSpan outstanding, TimeSpan answer)
    {
        (_clock, _outstanding, _answer) = (clock, outstanding, answer);
        (_startedAt, _start) = (clock.GetUtcNow(), clock.GetTimestamp());
    }

    /// <summary>Since the start.</summary>
    public TimeSpan Now => _clock.GetElapsedTime(_start);

    /// <summary>What the wall clock would have shown had nobody moved it.</summary>
    public DateTimeOffset TimeOf(TimeSpan sinceStart) => _startedAt + sinceStart;

    /// <summary>What surely is over by the wall clock: neither it, should it be ahead now, nor what it showed at the start, should it have been ahead then, is believed alone.</summary>
    public DateTimeOffset Passed => TimeOf(Now) is var unmoved && _clock.GetUtcNow() is var shown && shown < unmoved ? shown : unmoved;

    /// <summary>Whether an entry is of later than now (ms since 1970): the clock was ahead, and the ledger has kept that time.</summary>
    public bool IsToCome(long at) => at > _clock.GetUtcNow().ToUnixTimeMilliseconds();

    public void Grant(SubjectId enforcer, TimeSpan length)
    {
        lock (_lock)
            _held[enforcer] = Extended(Of(enforcer), length);
    }

    /// <summary>Before an enforcer that asks is answered: what it is allowed now, it may rely on for a while.</summary>
    public void Asks(SubjectId enforcer)
    {
        lock (_lock)
        {
            var held = _answers.GetValueOrDefault(enforcer, Nothing);
            if (held.End - Now < _answer + Margin)
                _answers[enforcer] = Extended(held, _answer + AskedApart);
        }
    }

    /// <summary>When the lease that is running ends, or the last one ended.</summary>
    public TimeSpan EndOf(SubjectId enforcer)
    {
        lock (_lock)
            return Of(enforcer).End;
    }

    /// <summary>Until when the enforcer may go on with what it had by some moment.</summary>
    public TimeSpan EndOf(SubjectId enforcer, TimeSpan moment)
    {
        lock (_lock)
            return Later(Of(enforcer).End, AnswersEnd(enforcer, moment));
    }

    /// <summary>When, at some moment or after, the enforcer was first without a lease, and without an answer from before that moment; null when that has not come.</summary>
    public TimeSpan? OverSince(SubjectId enforcer, TimeSpan moment)
    {
        lock (_lock)
        {
            var answers = AnswersEnd(enforcer, moment);
            return answers <= Now && Of(enforcer).OverSince(moment, Now) is { } over ? Later(over, answers) : null;
        }
    }

    // Whoever goes on asking is not waited for: what is answered after the moment knows of it.
    private TimeSpan AnswersEnd(SubjectId enforcer, TimeSpan moment) =>
        _answers.TryGetValue(enforcer, out var held) && held.RunsAt(moment) ? moment + _answer + Margin : TimeSpan.Zero;

    private Held Extended(Held held, TimeSpan length)
    {
        var now = Now;
        if (held.End <= now)
            held = held with { Gaps = [.. held.Gaps.TakeLast(GapsMax - 1), (held.End, now)] };
        // One that was granted before the start may run on when a shorter one is granted.
        return held with { End = Later(now + length + Margin, held.End) };
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private Held Of(SubjectId enforcer) => _held.TryGetValue(enforcer, out var held) ? held : new Held(_outstanding + Margin, []);

    private sealed record Held(TimeSpan End, (TimeSpan From, TimeSpan To)[] Gaps)
    {
        public bool RunsAt(TimeSpan moment) => OverSince(moment, moment) != moment;

        /// <summary>When, at some moment or after, it was first over; null when it has run from then until now.</summary>
        public TimeSpan? OverSince(TimeSpan moment, TimeSpan now)
        {
            foreach (var (from, to) in Gaps)
            {
                if (to > moment)
                    return Later(from, moment);
            }
            return End > now ? null : Later(End, moment);
        }
    }
}
