using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>A break-glass order that is obeyed, and the entry under which the ledger has it, once that is proven.</summary>
internal sealed record ObeyedOrder(string Token, StopOrder Order, Denial Denial, LeafIndex? Entry);

/// <summary>
/// Who may take a denial away, and what they have taken away: changed by entries that the ledger is proven to hold, and that pinned operators have approved.
/// The registry's word alone changes nothing here. Owned by the watch.
/// </summary>
internal sealed class Authority(string publicUrl, DenialBook denials, DenyState denyState, TimeProvider clock, Action<EnforcerAlarmKind, string> alarm)
{
    // Each takes the approval of two people.
    private const int WaitingMax = 256;
    private const int OrdersMax = 1000;

    private readonly List<ObeyedOrder> _orders = [];
    private readonly List<(LeafIndex Index, Entry Entry)> _waiting = [];
    private readonly HashSet<string> _liftedOrders = new(StringComparer.Ordinal);
    private ulong _orderNumber;

    public OperatorPins Pins { get; } = new(publicUrl);

    public PublicKey? BreakGlassKey { get; set; }

    public IReadOnlyList<ObeyedOrder> Orders => _orders;

    /// <summary>Orders that two people have lifted: the file that one came in may still lie where it was found. base64url SHA-256 of each.</summary>
    public IReadOnlyCollection<string> LiftedOrders => _liftedOrders;

    /// <summary>Entries that are good but for a key that is not known for a day.</summary>
    public IReadOnlyList<(LeafIndex Index, Entry Entry)> Waiting => _waiting;

    /// <summary>Takes what an entry changes that the ledger is proven to hold.</summary>
    public void Apply(LeafIndex index, Entry entry) => Judge(index, entry, hasWaited: false);

    private void Judge(LeafIndex index, Entry entry, bool hasWaited)
    {
        if (entry.Body is Stop { Order: { } token })
            Settle(token, index);
        if (ActionOf(entry.Body) is not { } asked)
            return;
        switch (Pins.Use(index, asked.Approvals, asked.Action, DateTimeOffset.FromUnixTimeMilliseconds(entry.At), clock.GetUtcNow()))
        {
            case ApprovalVerdict.Good:
                Take(index, entry);
                break;
            case ApprovalVerdict.Again:
                // A lift twice is one lift. Who was added then may have been removed since.
                if (entry.Body is Restored or CompromiseCut)
                    Take(index, entry);
                break;
            case ApprovalVerdict.TooEarly:
                Wait(index, entry);
                break;
            default:
                // What has waited was good but for the age of a key: whoever was slipped in is removed in that time, and that must not count. Whoever was not is removed as well, so it says what it is.
                if (IsNews(index, entry.Body))
                    alarm(EnforcerAlarmKind.RestoreForged, hasWaited
                        ? $"Entry {index} ({entry.Body.Kind}) waited here for an operator's key to be known for a day, and meanwhile that operator was removed or the approvals served another entry. Nothing was lifted."
                        : $"Entry {index} ({entry.Body.Kind}) does not carry the approvals of the operators who are pinned here. Nothing was lifted.");
                break;
        }
    }

    /// <summary>Looks again at what waits for a key to be a day old.</summary>
    public void JudgeWaiting()
    {
        var waiting = _waiting.OrderBy(waiting => waiting.Index.Value).ToArray();
        _waiting.Clear();
        foreach (var (index, entry) in waiting)
            Judge(index, entry, hasWaited: true);
    }

    public void Wait(LeafIndex index, Entry entry)
    {
        if (_waiting.Count < WaitingMax && !_waiting.Exists(other => other.Index == index))
            _waiting.Add((index, entry));
    }

    /// <summary>Whether one of those lifts the denial.</summary>
    public bool WaitsToLift(LeafIndex stop) => _waiting.Exists(waiting => waiting.Entry.Body switch
    {
        Restored restored => restored.Stops.Contains(stop),
        CompromiseCut cut => denials.CutsBefore(cut.Scope, waiting.Index).Contains(stop),
        _ => false,
    });

    /// <summary>Obeys a break-glass order, from now until two operators lift the stop that the ledger makes of it. Null when it is obeyed already, or is none.</summary>
    public Denial? Obey(string token)
    {
        if (_orders.Exists(order => order.Token == token) || _liftedOrders.Contains(NameOf(token)))
            return null;
        if (!StopOrder.TryRead(token, publicUrl, out var order, out var key) || !key.Equals(BreakGlassKey) || !order.Scope.CanCover || _orders.Count >= OrdersMax)
        {
            alarm(EnforcerAlarmKind.OrderRefused, BreakGlassKey is null ? "There is a break-glass order, and no break-glass key is known." : "A break-glass order is not one of this registry's break-glass key, or would stop nothing.");
            return null;
        }
        return Keep(token, order, entry: null);
    }

    /// <summary>Goes on with an order that was obeyed before a restart. It is of the key of then: that another was set since lifts nothing.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public void RememberObeyed(string token, LeafIndex? entry) =>
        Keep(token, StopOrder.TryRead(token, publicUrl, out var order, out _) ? order : throw new InvalidDataException("it holds something else than break-glass orders."), entry);

    // What is done with the approvals in an entry; null for an entry that takes none.
    private static (string Action, IReadOnlyList<string> Approvals)? ActionOf(EntryBody body) => body switch
    {
        Restored restored => (ApprovedAction.Restore(restored.Stops, restored.Reason), restored.Approvals),
        CompromiseCut { Approvals.Count: > 0 } cut => (ApprovedAction.Cut(cut.Scope, cut.After, cut.Reason), cut.Approvals),
        OperatorAdded added => (ApprovedAction.AddOperator(added.Key.KeyId, added.Name, added.Passkey), added.Approvals),
        CallerRemoved removed => (ApprovedAction.RemoveCaller(removed.Caller, removed.Reason), removed.Approvals),
        BreakGlassKeySet set => (ApprovedAction.SetBreakGlassKey(set.Key.KeyId), set.Approvals),
        _ => null,
    };

    // What was never refused here need not be lifted: not having known its operators is no alarm then.
    private bool IsNews(LeafIndex index, EntryBody body) => body switch
    {
        Restored restored => restored.Stops.Any(denials.IsDenied),
        CompromiseCut cut => denials.CutsBefore(cut.Scope, index).Length > 0,
        OperatorAdded added => !Pins.Pinned.Exists(pinned => pinned.Key.Equals(added.Key)),
        CallerRemoved removed => Pins.Pinned.Exists(pinned => pinned.Caller == removed.Caller),
        BreakGlassKeySet set => !set.Key.Equals(BreakGlassKey),
        _ => true,
    };

    private void Take(LeafIndex index, Entry entry)
    {
        switch (entry.Body)
        {
            case Restored restored:
                foreach (var stop in restored.Stops)
                    Lift(stop);
                break;
            case CompromiseCut cut:
                foreach (var older in denials.CutsBefore(cut.Scope, index))
                    denials.Lift(older);
                break;
            case OperatorAdded added:
                Pins.Pinned.Add(new PinnedOperator(PersonOf(entry, added), added.Name, added.Key, clock.GetUtcNow()) { Passkey = added.Passkey });
                break;
            case CallerRemoved removed:
                Forget(index, earlier => earlier.Body is OperatorAdded added && PersonOf(earlier, added) == removed.Caller);
                Pins.Pinned.RemoveAll(pinned => pinned.Caller == removed.Caller);
                break;
            case BreakGlassKeySet set:
                Forget(index, earlier => earlier.Body is BreakGlassKeySet);
                BreakGlassKey = set.Key;
                break;
        }
    }

    // Whose key it is follows from the name, which was approved; the entry's subject is the registry's word.
    private SubjectId PersonOf(Entry entry, OperatorAdded added) => Pins.Pinned.Find(pinned => pinned.Name == added.Name)?.Caller ?? entry.Subjects[0].Id;

    // What came before an entry and waits would, a day later, undo what that has done.
    private void Forget(LeafIndex by, Predicate<Entry> isUndone) => _waiting.RemoveAll(waiting => waiting.Index.Value < by.Value && isUndone(waiting.Entry));

    private Denial Keep(string token, StopOrder order, LeafIndex? entry)
    {
        // No entry has such an index: an order and a stop never take each other's place.
        var denial = new Denial(new LeafIndex(ulong.MaxValue - ++_orderNumber), 0, StandingState.Frozen, order.Scope);
        _orders.Add(new ObeyedOrder(token, order, denial, entry));
        denyState.Add(denial);
        return denial;
    }

    private void Lift(LeafIndex stop)
    {
        denials.Lift(stop);
        foreach (var order in _orders.FindAll(order => order.Entry == stop))
        {
            denyState.Remove(order.Denial);
            _orders.Remove(order);
            _liftedOrders.Add(NameOf(order.Token));
        }
    }

    public void RememberLifted(string order) => _liftedOrders.Add(order);

    private static string NameOf(string token) => Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)).ToBase64Url();

    private void Settle(string token, LeafIndex index)
    {
        var at = _orders.FindIndex(order => order.Token == token);
        if (at >= 0)
            _orders[at] = _orders[at] with { Entry = index };
    }
}
