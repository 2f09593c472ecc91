using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>An enforcer that may let somebody in.</summary>
/// <param name="Enforcer">Who.</param>
/// <param name="IsWatching">Whether it is connected.</param>
/// <param name="IsObserving">Whether it only reports what it would refuse.</param>
/// <param name="LeaseUntil">Until when it may go on without word from here, ms since 1970.</param>
/// <param name="SignedEpoch">The newest epoch that it has signed; 0 when it has signed none.</param>
public sealed record Door(CallerRecord Enforcer, bool IsWatching, bool IsObserving, long LeaseUntil, ulong SignedEpoch);

/// <summary>Says through which enforcers a credential may still be let in.</summary>
public sealed class Doors(RegistryState state, EnforcerWatch watch)
{
    /// <summary>The enforcers for any of these audiences, by name.</summary>
    public IReadOnlyList<Door> For(IReadOnlySet<string> audiences) =>
    [
        .. state.Callers.Where(caller => caller.Role == CallerRole.Enforcer && caller.Audiences.Any(audiences.Contains)).OrderBy(caller => caller.Name, StringComparer.Ordinal).Select(Describe),
    ];

    private Door Describe(CallerRecord enforcer)
    {
        var stream = watch.Watches.Find(enforcer.Id);
        var newest = state.Enforcers.Find(enforcer.Id).Newest;
        var leaseUntil = watch.Leases.TimeOf(watch.Leases.EndOf(enforcer.Id)).ToUnixTimeMilliseconds();
        return new Door(enforcer, stream is not null, stream?.IsObserving ?? newest is { IsObserving: true }, leaseUntil, newest?.Epoch ?? 0);
    }
}
