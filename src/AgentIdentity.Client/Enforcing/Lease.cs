using System.Collections.Frozen;

namespace AgentIdentity.Client.Enforcing;

/// <summary>How long an action is to be allowed without word from the registry, and the class that it goes by.</summary>
internal readonly record struct AskedLease(long Milliseconds, string? Class = null);

/// <summary>How long the enforcer may still go by what it knows. It runs from when the nonce was sent that the registry answered, never from when the answer came.</summary>
/// <remarks>Extended by the watch, asked by all.</remarks>
internal sealed class Lease(BootClock clock)
{
    // Two clocks of good machines drift apart by less than a thousandth; what is taken off is twenty times that.
    private const long DriftDivisor = 50;

    private volatile Grant? _grant;
    private volatile FrozenDictionary<string, long> _classes = FrozenDictionary<string, long>.Empty;

    /// <summary>Ms that are left when at most <paramref name="wanted"/> are asked for; 0 when it has ended or was never granted.</summary>
    public long Remaining(long wanted) => Remaining(new AskedLease(wanted));

    /// <summary>The same for what goes by a class: as long as the registry grants that class, or everything when it grants none of that name.</summary>
    public long Remaining(AskedLease asked)
    {
        if (_grant is not { } grant)
            return 0;
        var most = asked.Class is { } name && _classes.TryGetValue(name, out var granted) ? granted : grant.Milliseconds;
        var length = Math.Min(asked.Milliseconds, most);
        return Math.Max(0, grant.SentAt + length - (length / DriftDivisor) - clock.Milliseconds);
    }

    /// <summary>Takes what the registry has granted for a nonce that was sent then. An older one never shortens a younger.</summary>
    public void Extend(long sentAt, long milliseconds)
    {
        if (_grant is not { } held || held.SentAt < sentAt)
            _grant = new Grant(sentAt, milliseconds);
    }

    /// <summary>Nothing is left of it. Whoever extends it has ended before.</summary>
    public void End() => _grant = null;

    /// <summary>Takes what the registry grants to classes, which its terms say.</summary>
    public void GrantClasses(FrozenDictionary<string, long> classes) => _classes = classes;

    private sealed record Grant(long SentAt, long Milliseconds);
}
