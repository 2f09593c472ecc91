using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Puts on the record what leases the settings give to classes of actions, before any enforcer is told: after a restart with shorter ones the longer may still run.</summary>
internal sealed class LeaseGrants(RegistrySettings settings, RegistryState state, Sequencer sequencer)
{
    private readonly ClassLease[] _classes = [.. settings.ClassLeases.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => new ClassLease(one.Key, (uint)one.Value.TotalMilliseconds))];

    public Task<Outcome<bool>> RequireAsync() => AreOnRecord(state) ? Task.FromResult<Outcome<bool>>(true) : sequencer.DecideAsync(Lane.Ordinary, Decide);

    private Outcome<bool> Decide(Draft draft)
    {
        if (!AreOnRecord(draft.State))
            draft.Stage(draft.RegistryId, new LeasesGranted(_classes), draft.RegistryId);
        return true;
    }

    private bool AreOnRecord(RegistryState known) => known.Leases.Classes.SequenceEqual(_classes);
}
