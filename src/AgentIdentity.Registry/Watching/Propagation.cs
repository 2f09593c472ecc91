using System.Runtime.CompilerServices;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Says how far a stop has come, from what the ledger holds and what leases this process has granted.</summary>
public sealed class Propagation(RegistryState state, RegistryName name, EnforcerWatch watch)
{
    // Leases end and credentials expire without anybody saying so.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    // A thousand acknowledgements come one by one, and nobody reads a thousand reports.
    private static readonly TimeSpan ReportsApart = TimeSpan.FromMilliseconds(50);

    /// <summary>One stop.</summary>
    /// <param name="stop">Its entry.</param>
    /// <param name="asks">Who asks; null for who sees all.</param>
    public Outcome<PropagationReport> Of(LeafIndex stop, CallerRecord? asks = null) => state.Stops.Find(stop) is { } record && asks?.Sees(record) != false
        ? Report([record])
        : Refused.Because(Refusal.StopUnknown, $"Entry {stop} is no stop.");

    /// <summary>All stops of an incident.</summary>
    public Outcome<PropagationReport> Of(string incident, CallerRecord? asks = null) => state.Stops.OfIncident(incident).Where(stop => asks?.Sees(stop) != false).ToArray() is { Length: > 0 } records
        ? Report(records)
        : Refused.Because(Refusal.StopUnknown, "No stop carries that incident.");

    /// <summary>The report, and a new one each time that it may have changed, until all is exhausted.</summary>
    public async IAsyncEnumerable<PropagationReport> FollowAsync(PropagationReport first, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var report = first;
        while (true)
        {
            var changed = watch.Watches.Changed;
            report = Report([.. report.Stops.Select(stop => state.Stops.Find(stop.Stop.Denial.Index)!)]);
            yield return report;
            if (report.Level == StopLevel.Exhausted)
                yield break;
            await Task.WhenAny(changed, Task.Delay(LookAgain, cancellation)).ConfigureAwait(false);
            await Task.Delay(ReportsApart, cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private PropagationReport Report(IReadOnlyList<StopRecord> records)
    {
        var enforcers = state.Callers.Where(caller => caller.Role == CallerRole.Enforcer).OrderBy(caller => caller.Name, StringComparer.Ordinal).ToArray();
        return new PropagationReport([.. records.Select(record => Report(record, enforcers))], state.Founding!.SingleOperator, watch.Leases.TimeOf(TimeSpan.Zero).ToUnixTimeMilliseconds());
    }

    private StopReport Report(StopRecord stop, CallerRecord[] all)
    {
        var exposed = stop.Exposure.Enforcers.ToHashSet();
        // The ledger counts as expired there what will not be for minutes: until its time has come, whoever is told of the stop is waited for.
        var isToCome = watch.Leases.IsToCome(stop.At);
        var enforcers = all
            .Select(enforcer => (Enforcer: enforcer, IsNeeded: exposed.Contains(enforcer.Id) || (isToCome && IsShown(stop, enforcer)), IsOfCallee: IsOfCallee(stop, enforcer)))
            .Where(one => one.IsNeeded || one.IsOfCallee || Reaches(stop, one.Enforcer))
            .Select(one => Report(stop, one.Enforcer, one.IsNeeded, one.IsOfCallee)).ToArray();
        var needed = enforcers.Where(enforcer => enforcer.IsNeeded).ToArray();
        // An enforcer that is registered no more was removed by two people; until they have, its name stays.
        long? enforced = needed.All(enforcer => enforcer.IsDone) ? needed.Select(enforcer => enforcer.At).Append(stop.At).Max() : null;
        var unproven = stop.Exposure.Audiences.Where(audience => !needed.Any(enforcer => enforcer.Progress != EnforcerProgress.Observing && enforcer.Enforcer.Audiences.Contains(audience.Audience))).ToArray();
        return new StopReport(stop, enforced, Exhausted(stop, enforced), enforcers, unproven, Residual(stop, enforcers, unproven));
    }

    private bool IsShown(StopRecord stop, CallerRecord enforcer) => stop.IsShownTo(enforcer.Audiences, View.AgentsAmong(enforcer.Audiences, name));

    private static bool Reaches(StopRecord stop, CallerRecord enforcer) => enforcer.Audiences.Any(audience => stop.Exposure.Audiences.Any(exposed => exposed.Audience == audience));

    // A cut takes what an agent was given, and leaves nothing to refuse to those who call it.
    private bool IsOfCallee(StopRecord stop, CallerRecord enforcer) =>
        stop.Denial.After is null && enforcer.Audiences.Any(audience => state.Callee(name, audience) is { } callee && stop.Denial.Covers(callee));

    private EnforcerReport Report(StopRecord stop, CallerRecord enforcer, bool isNeeded, bool isOfCallee)
    {
        var record = state.Enforcers.Find(enforcer.Id);
        var stream = watch.Watches.Find(enforcer.Id);
        var leaseUntil = Milliseconds(watch.Leases.EndOf(enforcer.Id, watch.Watches.ToldAt(stop.Denial.Index)));
        var (probe, refusal) = Probe(stop, record);
        var (progress, at, signed) = Progress(stop, enforcer.Id, record, stream, probe);
        return new EnforcerReport(enforcer, progress, at, signed, isNeeded, isOfCallee, leaseUntil, record.Unlogged, probe, refusal, record.RevokedUnder(stop.Denial.Index), [.. record.Alarms.Where(alarm => alarm.At >= stop.At)]);
    }

    private static (ProbeSeen Seen, Refusal Refusal) Probe(StopRecord stop, EnforcerRecord record)
    {
        if (stop.Probes.Count == 0)
            return (ProbeSeen.NoProbe, Refusal.None);
        return record.Of(stop.Probes) switch
        {
            null => (ProbeSeen.Unanswered, Refusal.None),
            { After: Refusal.None } => (ProbeSeen.LetIn, Refusal.None),
            { Before: not Refusal.None and var before } => (ProbeSeen.RefusedBefore, before),
            { After: var after } => (ProbeSeen.Refused, after),
        };
    }

    private (EnforcerProgress Progress, long At, SignedEpoch? Signed) Progress(StopRecord stop, SubjectId enforcer, EnforcerRecord record, WatchStream? stream, ProbeSeen probe)
    {
        // What one has signed does not count where it was seen to let in; nor does it then refuse everybody when its lease ends.
        if (record.FirstSince(stop.Denial.Epoch) is { } signed && stop.IsInForceAt(signed.Epoch))
            return probe == ProbeSeen.LetIn ? (EnforcerProgress.Lying, 0, signed) : (EnforcerProgress.Acknowledged, Math.Max(signed.At, stop.At), signed);
        // One that refuses nothing does not begin to when its lease ends.
        if (stream?.IsObserving ?? record.Newest is { IsObserving: true })
            return (EnforcerProgress.Observing, 0, null);
        if (watch.Leases.OverSince(enforcer, watch.Watches.ToldAt(stop.Denial.Index)) is { } over && over < LiftToldAt(stop))
            return (EnforcerProgress.LeaseOver, Math.Max(Milliseconds(over), stop.At), null);
        return (stream is null ? EnforcerProgress.Silent : EnforcerProgress.Lagging, 0, null);
    }

    // By the clock that nobody sets, as leases are: one that was set meanwhile would have a lease seem over before the lift. What was lifted before the start of this process counts as lifted
    // at its start, since nobody knows here when; what was not lifted, never is.
    private TimeSpan LiftToldAt(StopRecord stop) => stop.Lifted is { By: var by } ? watch.Watches.ToldAt(by) : TimeSpan.MaxValue;

    // What was lifted before it was exhausted is accepted again. By the ledger, so that a restart changes nothing.
    private long? Exhausted(StopRecord stop, long? enforced)
    {
        if (enforced is not { } at || stop.Denial.IsEndless || Passed < stop.Exposure.Until || watch.Leases.IsToCome(stop.At))
            return null;
        var exhausted = Math.Max(at, stop.Exposure.Until);
        return stop.Lifted is not { } lifted || exhausted < lifted.At ? exhausted : null;
    }

    private List<string> Residual(StopRecord stop, EnforcerReport[] enforcers, ExposedAudience[] unproven)
    {
        var words = new List<string>();
        var now = Passed;
        if (watch.Leases.IsToCome(stop.At))
            words.Add($"The clock was ahead, and the stop's entry is of {Text(stop.At)}, where credentials of before count as expired that are good for some minutes. Until then every enforcer is waited for, and it is not EXHAUSTED. What was passed on below a key, a credential or a group of agents is not reached by its stop: stop those agents by name.");
        if (stop.Probes.Count == 0 && stop.Exposure.Until > now && enforcers.Any(enforcer => enforcer.IsNeeded))
            words.Add("No probe rode along with this stop: that they refuse is the enforcers' word alone.");
        foreach (var enforcer in enforcers.Where(enforcer => enforcer is { IsNeeded: true, IsDone: false }))
            words.Add($"{enforcer.Enforcer.Name} {Missing(enforcer)}");
        foreach (var enforcer in enforcers.Where(enforcer => enforcer is { IsOfCallee: true, IsDone: false } && stop.IsInForce))
            words.Add($"{enforcer.Enforcer.Name} answers for an agent in scope: whoever calls that agent may be let in there until it refuses.");
        foreach (var audience in unproven.Where(audience => audience.Until * 1000 > now))
            words.Add($"No enforcer refuses for {audience.Audience}: unproven until {Text(audience.Until * 1000)}, when the last credential in scope has expired.");
        if (stop.Exposure.Until > now)
            words.Add($"Whoever checks signatures and times only, and asks no enforcer, accepts credentials in scope until {Text(stop.Exposure.Until)}; {ReadersOfLists(stop)}.");
        if (stop.Denial.IsEndless && stop.Denial.Scope.Kind != ScopeKind.IssuerKey)
            words.Add("Credentials that it covers may be issued still, and be refused: it is never EXHAUSTED.");
        if (stop.Denial.State == StandingState.Restricted)
            words.Add("What is restricted goes on reading, as its blueprint says.");
        if (stop.Denial.Scope.Kind == ScopeKind.IssuerKey)
            words.Add("Whoever holds the stolen key gives its credentials any expiry: who checks signatures only accepts them until the key is taken out of the registry's documents.");
        if (stop.Lifted is { By: var by })
            words.Add($"The stop was lifted by entry {by}.");
        return words;
    }

    // What a stolen key of the registry has signed names any list, and a resource is not in a credential's bit.
    private static string ReadersOfLists(StopRecord stop) => stop.Denial.Scope.Kind is ScopeKind.IssuerKey or ScopeKind.Resource
        ? "status lists do not show this stop"
        : $"whoever reads status lists as well, until {Text(Math.Min(stop.Exposure.Until, stop.At + (long)StatusListFormat.Life.TotalMilliseconds))}";

    private static string Missing(EnforcerReport enforcer) => enforcer.Progress switch
    {
        EnforcerProgress.Lagging => "watches and has not signed that it refuses.",
        EnforcerProgress.Observing => "only reports what it would refuse.",
        EnforcerProgress.Lying => "has signed that it refuses, and let the probe in.",
        _ => $"is not connected, and may go on until {Text(enforcer.LeaseUntil)}.",
    };

    private long Passed => watch.Leases.Passed.ToUnixTimeMilliseconds();

    private long Milliseconds(TimeSpan sinceStart) => watch.Leases.TimeOf(sinceStart).ToUnixTimeMilliseconds();

    private static string Text(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
