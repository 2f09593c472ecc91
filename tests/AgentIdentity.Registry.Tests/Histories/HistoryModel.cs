using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Tests.Histories;

/// <summary>
/// What a history must hold: nothing is allowed that began after a stop covering it was RECORDED and before a restore of it began; nobody is refused by a stop that nobody asked for
/// or that was lifted before; epochs never go back; what was acknowledged is in the ledger. A call that was never answered may have been done or not; the ledger tells which.
/// </summary>
internal sealed class HistoryModel
{
    private readonly History _history;
    private readonly StopInLedger[] _stops;
    private readonly Reach _reach;
    private readonly List<string> _violations = [];

    private HistoryModel(History history)
    {
        _history = history;
        _reach = new Reach(history.Acts);
        var recorded = history.Ledger.Select((body, index) => (Body: body as Stop, Index: new LeafIndex((ulong)index))).Where(entry => entry.Body is not null).ToLookup(entry => entry.Body!.Incident, entry => entry.Index);
        _stops = [.. history.Stops.Select(stop => new StopInLedger(stop, [.. recorded[stop.Name]]))];
    }

    /// <summary>What does not hold, a sentence each.</summary>
    public static IReadOnlyList<string> Check(History history)
    {
        var model = new HistoryModel(history);
        foreach (var act in history.Acts)
            model.Check(act);
        model.CheckLedger();
        model.CheckEpochs();
        return model._violations;
    }

    private void Check(Acted act)
    {
        if (act.Refusal == Refusal.None)
        {
            foreach (var stop in _stops.Where(stop => Covers(stop.Asked, act, isCertain: true) && IsInForce(stop, act.Moment) && !MayBeLifted(stop, act.Moment)))
                Object($"{act} was allowed after {stop.Asked} was in force");
            if (_history.Acts.FirstOrDefault(other => other.Refusal == Refusal.RegistryHalted && other.Moment.Boot == act.Moment.Boot && other.Moment.IsBefore(act.Moment)) is { } halted)
                Object($"{act} was allowed after the node had halted for {halted}");
        }
        else if (IsByStop(act.Refusal) && !_stops.Any(stop => Covers(stop.Asked, act, isCertain: false) && MayBeInForce(stop, act.Moment) && !IsLifted(stop, act.Moment)))
        {
            Object($"{act} was refused by a stop that there is not");
        }
    }

    // Who begins now must be refused.
    private static bool IsInForce(StopInLedger stop, Moment moment) => stop.Asked.Refusal switch
    {
        Refusal.None => stop.Asked.Moment.IsBefore(moment),
        Refusal.StorageFull => stop.Asked.Moment.IsBefore(moment) && stop.Asked.Moment.Boot == moment.Boot,
        _ => stop.Indexes.Length > 0 && stop.Asked.Moment.Boot < moment.Boot,
    };

    // Who was refused may have been by this.
    private static bool MayBeInForce(StopInLedger stop, Moment moment) => stop.Asked.Moment.Began < moment.Ended && stop.Asked.Refusal switch
    {
        Refusal.None => true,
        Refusal.StorageFull => stop.Asked.Moment.Boot == moment.Boot,
        Refusal.RegistryHalted => stop.Asked.Moment.Boot == moment.Boot || stop.Indexes.Length > 0,
        _ => moment.Began < stop.Asked.Moment.Ended,
    };

    private bool MayBeLifted(StopInLedger stop, Moment moment) =>
        Restores(stop).Any(restore => restore.Refusal is Refusal.None or Refusal.RegistryHalted && restore.Moment.Began < moment.Ended);

    // Until whoever asked for it is answered a stop denies by its own word, also when somebody who found it in the ledger has lifted it meanwhile.
    private bool IsLifted(StopInLedger stop, Moment moment) => stop.Asked.Moment.IsBefore(moment) && Restores(stop).Any(restore => restore.Refusal == Refusal.None && restore.Moment.IsBefore(moment));

    private IEnumerable<RestoreAsked> Restores(StopInLedger stop) => stop.Indexes.Length == 0 ? [] : _history.Restores.Where(restore => restore.Stops.Contains(stop.Indexes[0]));

    // What is restricted keeps its credentials and may receive; it passes nothing on, and these agents' blueprints call nothing a read.
    private bool Covers(StopAsked stop, Acted act, bool isCertain) => act.Act switch
    {
        Act.Verify => CoversChain(stop, act, isCertain),
        Act.Delegate => CoversChain(stop, act, isCertain) || (stop.State != StandingState.Restricted && Covers(stop, act.Receiver!, act.Act, isCertain)),
        Act.Enrol => Covers(stop, act.Party, act.Act, isCertain),
        _ => stop.State != StandingState.Restricted && Covers(stop, act.Party, act.Act, isCertain),
    };

    private bool CoversChain(StopAsked stop, Acted act, bool isCertain) => act.Above.Prepend(act.Party).Any(party => Covers(stop, party, act.Act, isCertain));

    private bool Covers(StopAsked stop, Party party, Act act, bool isCertain) => stop.Scope.Kind switch
    {
        ScopeKind.Credential when act is not (Act.Verify or Act.Delegate) => false,
        ScopeKind.Audience when act != Act.Verify => false,
        _ => _reach.Covers(stop, party, isCertain),
    };

    private void CheckLedger()
    {
        foreach (var stop in _stops)
        {
            if (stop.Indexes.Length > 1)
                Object($"{stop.Asked} is in the ledger {stop.Indexes.Length} times");
            var isThere = stop.Indexes.Length > 0 && stop.Indexes[0] == stop.Asked.Index && ((Stop)At(stop.Asked.Index)!).Epoch == stop.Asked.Epoch;
            if (stop.Asked.Refusal == Refusal.None && !isThere)
                Object($"{stop.Asked} is not in the ledger as it was acknowledged");
            if (stop.Asked.Refusal is not (Refusal.None or Refusal.RegistryHalted) && stop.Indexes.Length > 0)
                Object($"{stop.Asked} is in the ledger");
        }
        foreach (var restore in _history.Restores.Where(restore => restore.Refusal == Refusal.None && !(At(restore.Index) is Restored restored && restored.Epoch == restore.Epoch && restored.Stops.SequenceEqual(restore.Stops))))
            Object($"{restore} is not in the ledger as it was acknowledged");
        foreach (var act in _history.Acts.Where(act => act.Refusal == Refusal.None && act.Index is { } index && !IsOf(act, At(index))))
            Object($"{act} is not in the ledger as it was acknowledged");
    }

    private static bool IsOf(Acted act, EntryBody? body) => (act.Act, body) switch
    {
        (Act.Issue or Act.Renew or Act.Enrol or Act.Delegate, CredentialsIssued) => true,
        (Act.Record, Activity activity) => !activity.Quarantined,
        _ => false,
    };

    private void CheckEpochs()
    {
        var opened = _history.Ledger.Select(body => body switch { Stop stop => stop.Epoch, Restored restored => restored.Epoch, _ => 0ul }).Where(epoch => epoch > 0).ToArray();
        if (!opened.SequenceEqual(Enumerable.Range(1, opened.Length).Select(epoch => (ulong)epoch)))
            Object($"The epochs of the ledger are {string.Join(' ', opened)}");
        var told = _history.Stops.Where(stop => stop.Refusal == Refusal.None).Select(stop => new EpochRead(stop.Moment, stop.Epoch))
            .Concat(_history.Restores.Where(restore => restore.Refusal == Refusal.None).Select(restore => new EpochRead(restore.Moment, restore.Epoch))).ToArray();
        foreach (var read in _history.Epochs)
        {
            if (told.FirstOrDefault(earlier => earlier.Moment.IsBefore(read.Moment) && earlier.Epoch > read.Epoch) is { } earlier)
                Object($"{read} is behind {earlier}");
        }
        foreach (var own in _history.Epochs.Concat(told).GroupBy(read => read.Moment.Observer))
        {
            var inOrder = own.OrderBy(read => read.Moment.Began).ToArray();
            foreach (var (earlier, later) in inOrder.Zip(inOrder.Skip(1)).Where(pair => pair.Second.Epoch < pair.First.Epoch))
                Object($"{later} is behind {earlier}, which the same observer has seen");
        }
    }

    private EntryBody? At(LeafIndex index) => index.Value < (ulong)_history.Ledger.Count ? _history.Ledger[(int)index.Value] : null;

    /// <summary>Whether somebody was refused for a stop.</summary>
    public static bool IsByStop(Refusal refusal) => refusal is Refusal.AgentRestricted or Refusal.AgentFrozen or Refusal.AgentRevoked or Refusal.KeyStopped or Refusal.CredentialStopped or Refusal.AudienceStopped
        or Refusal.ChainStopped or Refusal.DelegateStopped;

    private void Object(string violation) => _violations.Add(violation);

    private sealed record StopInLedger(StopAsked Asked, LeafIndex[] Indexes);
}
