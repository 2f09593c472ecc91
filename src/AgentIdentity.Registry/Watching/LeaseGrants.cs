using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>
/// Puts on the record what leases the settings give to classes of actions, before any enforcer is told: after a restart with shorter ones the longer may still run.
/// While the disk is full, enforcers are told what is on the record.
/// </summary>
internal sealed class LeaseGrants(RegistrySettings settings, RegistryState state, Sequencer sequencer)
{
    private readonly ClassLease[] _classes = settings.ClassLeases.Count > LeasesGranted.ClassesMax
        ? throw new ArgumentException($"At most {LeasesGranted.ClassesMax} classes have leases of their own, and the settings name {settings.ClassLeases.Count}.", nameof(settings))
        : [.. settings.ClassLeases.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => new ClassLease(one.Key, (uint)one.Value.TotalMilliseconds))];

    /// <summary>Asked before anything is granted. From then on it is what the state has.</summary>
    public Task<Outcome<bool>> RequireAsync() => AreOnRecord(state) ? Task.FromResult<Outcome<bool>>(true) : WriteAsync();

    /// <summary>How long an enforcer that was told of these may go on with anything.</summary>
    public TimeSpan Longest(IReadOnlyList<ClassLease> classes) => classes.Select(one => TimeSpan.FromMilliseconds(one.Milliseconds)).Append(settings.EnforcerLease).Max();

    private async Task<Outcome<bool>> WriteAsync()
    {
        var written = await sequencer.DecideAsync(Lane.Ordinary, Decide).ConfigureAwait(false);
        return written.Refusal == Refusal.StorageFull ? true : written;
    }

    private Outcome<bool> Decide(Draft draft)
    {
        if (!AreOnRecord(draft.State))
            draft.Stage(draft.RegistryId, new LeasesGranted(_classes), draft.RegistryId);
        return true;
    }

    private bool AreOnRecord(RegistryState known) => known.Leases.Classes.SequenceEqual(_classes);
}
