using AgentIdentity.Credentials;
using AgentIdentity.Registry.Tests.Histories;

namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>
/// What a history of enforcers must hold: nobody is let in by one that began to decide after a stop covering him, or anybody above him, was reported as ENFORCED there and before a restore of it began; nor after
/// the lease of the newest answer that was handed to it; nobody is refused by a stop that nobody has asked for; no enforcer lets in by an older epoch than before; and when
/// the faults have ended, each answers as the ledger says.
/// </summary>
internal sealed class EnforcedModel
{
    private readonly EnforcedHistory _history;
    private readonly TimeSpan _lease;
    private readonly Reach _reach;
    private readonly Dictionary<string, StopAsked> _stops;
    private readonly List<string> _violations = [];

    private EnforcedModel(EnforcedHistory history, TimeSpan lease)
    {
        (_history, _lease, _reach) = (history, lease, new Reach(history.Node.Acts));
        _stops = history.Node.Stops.ToDictionary(stop => stop.Name);
    }

    /// <summary>What does not hold, a sentence each.</summary>
    public static IReadOnlyList<string> Check(EnforcedHistory history, TimeSpan lease)
    {
        var model = new EnforcedModel(history, lease);
        foreach (var decision in history.Decisions)
        {
            if (decision.Refusal == Refusal.None)
                model.CheckAllowed(decision);
            else if (HistoryModel.IsByStop(decision.Refusal) && !history.Node.Stops.Any(stop => stop.Moment.Began < decision.Moment.Ended && model.Covers(stop, decision, isCertain: false)))
                model.Object($"{decision} was refused by a stop that there is not");
        }
        model.CheckEpochs();
        return [.. model._violations, .. history.Unsettled];
    }

    /// <summary>Whether a stop reaches whom an enforcer decided about, or anybody above him.</summary>
    private bool Covers(StopAsked stop, Decided decision, bool isCertain) => decision.Above.Prepend(decision.Agent).Any(party => _reach.Covers(stop, party, isCertain));

    private void CheckAllowed(Decided decision)
    {
        foreach (var report in _history.Reports.Where(report => report.Enforcer == decision.Enforcer && report.Moment.IsBefore(decision.Moment) && Covers(_stops[report.Name], decision, isCertain: true) && !MayBeLifted(report, decision)))
            Object($"{decision} was allowed after {report}");
        var granted = _history.Leases.Where(lease => lease.Enforcer == decision.Enforcer && lease.Handed < decision.Moment.Ended).Select(lease => lease.HeardAt + _lease).DefaultIfEmpty(TimeSpan.Zero).Max();
        if (decision.BeganAt >= granted)
            Object($"{decision} was allowed after its lease had ended at {granted}");
    }

    private bool MayBeLifted(Enforced report, Decided decision) =>
        _history.Node.Restores.Any(restore => restore.Refusal is Refusal.None or Refusal.RegistryHalted && restore.Stops.Contains(report.Stop) && restore.Moment.Began < decision.Moment.Ended);

    private void CheckEpochs()
    {
        foreach (var own in _history.Decisions.Where(decision => decision.Refusal == Refusal.None).GroupBy(decision => decision.Enforcer))
        {
            var newest = 0ul;
            var ended = new Queue<Decided>(own.OrderBy(decision => decision.Moment.Ended));
            foreach (var decision in own.OrderBy(decision => decision.Moment.Began))
            {
                while (ended.TryPeek(out var earlier) && earlier.Moment.IsBefore(decision.Moment))
                    newest = Math.Max(newest, ended.Dequeue().Epoch);
                if (decision.Epoch < newest)
                    Object($"{decision} went by an epoch before {newest}, which the same enforcer had let in by");
            }
        }
    }

    private void Object(string violation) => _violations.Add(violation);
}
