using System.Collections.Concurrent;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>How often an enforcer says that it has let an agent in. Times are ms since 1970: when it first and last said so.</summary>
public sealed record Admitted(SubjectId Enforcer, ulong Times, long FirstAt, long LastAt);

/// <summary>How often an enforcer says, since its own start, that it has let in a credential.</summary>
public sealed record AdmittedCredential(SubjectId Enforcer, LiveCredential Credential, uint Times);

/// <summary>What enforcers count of the agents that they let in, since this process was started: to be held against what the agents recorded. For all threads.</summary>
/// <remarks>In memory alone. It is the enforcers' word, and at least: what one counted and could not report before it ended is in no sum.</remarks>
public sealed class Admissions
{
    // An enforcer reports what is unexpired; a report may be a little late.
    private const long GraceSeconds = 900;
    private const int ForgetEvery = 4096;

    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<SubjectId, ConcurrentDictionary<SubjectId, Admitted>> _byAgent = new();
    private readonly Lock _lock = new();

    // Owned by whoever holds the lock. Enforcers say how often since their own start, so that a report that comes twice counts once.
    private readonly Dictionary<(SubjectId Enforcer, Hash Item), AdmittedCredential> _last = [];
    private int _untilForgetting = ForgetEvery;

    internal Admissions(TimeProvider clock) => (_clock, Since) = (clock, clock.GetUtcNow());

    /// <summary>From when on they are counted.</summary>
    public DateTimeOffset Since { get; }

    /// <summary>What each enforcer says of an agent, by enforcer.</summary>
    public IReadOnlyList<Admitted> Of(SubjectId agent) => _byAgent.TryGetValue(agent, out var admitted) ? [.. admitted.Values.OrderBy(one => one.Enforcer)] : [];

    /// <summary>What enforcers say of each credential that is unexpired, or has been for less than a quarter of an hour.</summary>
    public IReadOnlyList<AdmittedCredential> Recent()
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        lock (_lock)
            return [.. _last.Values.Where(last => last.Credential.Item.ExpiresAt + GraceSeconds >= now)];
    }

    internal void Add(SubjectId enforcer, LiveCredential credential, Hash item, uint count)
    {
        var now = _clock.GetUtcNow();
        uint times;
        lock (_lock)
        {
            var last = _last.GetValueOrDefault((enforcer, item))?.Times ?? 0;
            // Fewer than before: the enforcer was started again.
            times = count >= last ? count - last : count;
            _last[(enforcer, item)] = new AdmittedCredential(enforcer, credential, count);
            if (--_untilForgetting == 0)
                Forget(now.ToUnixTimeSeconds());
        }
        if (times == 0)
            return;
        var at = now.ToUnixTimeMilliseconds();
        _byAgent.GetOrAdd(credential.Item.AgentId, static _ => new()).AddOrUpdate(
            enforcer, static (enforcer, added) => new Admitted(enforcer, added.times, added.at, added.at), static (_, held, added) => held with { Times = held.Times + added.times, LastAt = added.at }, (times, at));
    }

    private void Forget(long nowSeconds)
    {
        _untilForgetting = ForgetEvery;
        foreach (var (key, last) in _last)
        {
            if (last.Credential.Item.ExpiresAt + GraceSeconds < nowSeconds)
                _last.Remove(key);
        }
    }
}
