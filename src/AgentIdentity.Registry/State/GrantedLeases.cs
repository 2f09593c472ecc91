using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Registry.State;

/// <summary>Which classes of actions enforcers may go on with for longer, and until when some may still go by what was granted before.</summary>
/// <param name="Classes">What is granted, ascending by name.</param>
/// <param name="OlderUntil">When the last lease of older grants is over, ms since 1970.</param>
public sealed record GrantedLeases(IReadOnlyList<ClassLease> Classes, long OlderUntil)
{
    public static GrantedLeases None { get; } = new([], 0);

    private long Longest => Classes.Select(one => (long)one.Milliseconds).Append(0).Max();

    /// <summary>How long a lease may still run that another process has granted: it may have answered a moment ago.</summary>
    public TimeSpan OutstandingAt(DateTimeOffset start) => TimeSpan.FromMilliseconds(Math.Max(Longest, OlderUntil - start.ToUnixTimeMilliseconds()));

    internal GrantedLeases Then(LeasesGranted granted, long at) => new(granted.Classes, Math.Max(OlderUntil, at + Longest));
}
