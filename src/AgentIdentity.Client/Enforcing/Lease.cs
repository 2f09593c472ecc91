namespace AgentIdentity.Client.Enforcing;

/// <summary>How long the enforcer may still go by what it knows. It runs from when the nonce was sent that the registry answered, never from when the answer came.</summary>
/// <remarks>Extended by the watch, asked by all.</remarks>
internal sealed class Lease(BootClock clock)
{
    // Two clocks of good machines drift apart by less than a thousandth; what is taken off is twenty times that.
    private const long DriftDivisor = 50;

    private volatile Grant? _grant;

    /// <summary>Ms that are left when at most <paramref name="wanted"/> are asked for; 0 when it has ended or was never granted.</summary>
    public long Remaining(long wanted)
    {
        if (_grant is not { } grant)
            return 0;
        var granted = Math.Min(wanted, grant.Milliseconds);
        return Math.Max(0, grant.SentAt + granted - (granted / DriftDivisor) - clock.Milliseconds);
    }

    /// <summary>Takes what the registry has granted for a nonce that was sent then. An older one never shortens a younger.</summary>
    public void Extend(long sentAt, long milliseconds)
    {
        if (_grant is not { } held || held.SentAt < sentAt)
            _grant = new Grant(sentAt, milliseconds);
    }

    private sealed record Grant(long SentAt, long Milliseconds);
}
