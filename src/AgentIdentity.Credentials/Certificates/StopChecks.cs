using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>Holds each stop of a certificate against its entry, its evidence against the stop, and computes how far it has come.</summary>
internal sealed class StopChecks(CertificateFile file, ShownEntries shown, EnforcerRegister people, SignatureChecks signatures, long madeAt, CertificateFindings notes)
{
    public IReadOnlyList<StopVerdict> Check()
    {
        var found = new List<StopVerdict>();
        ulong? before = null;
        foreach (var stop in file.Stops)
        {
            if (before is { } last && stop.Index.Value <= last)
                Wrong(stop, "the stops are not in the order of the ledger");
            before = stop.Index.Value;
            if (Read(stop) is { } read)
                found.Add(Judge(stop, read));
        }
        if (file.Stops.Count == 0)
            notes.Add(CertificateProperty.Stops, "the file is about no stop");
        if (file.Header.Incident.Length == 0 && file.Stops.Count > 1)
            notes.Add(CertificateProperty.Stops, "several stops without an incident do not belong together");
        return found;
    }

    private StopVerdict Judge(CertifiedStop stop, StopEntry read)
    {
        CheckOrder(stop, CertificateProperty.Exposure, stop.Exposed, Place);
        CheckOrder(stop, CertificateProperty.Acknowledgements, stop.Signed, static signed => Place(signed.Acknowledgement));
        CheckOrder(stop, CertificateProperty.Enforcers, stop.Word, static said => said.Enforcer);
        var lift = Lift(stop, read);
        var until = Exposed(stop, read);
        var signed = Signed(stop, read);
        var word = Word(stop, signed);
        var enforcers = people.All.Where(enforcer => Concerns(read.Denial.Scope, enforcer.Body.Audiences, until)).Select(enforcer => Stand(stop, enforcer, signed, word)).ToArray();
        var needed = enforcers.Where(enforcer => enforcer.IsNeeded).ToArray();
        // Whoever was removed behind the stop was waited for until then.
        var gone = enforcers.Where(enforcer => enforcer.Enforcer.Registered.Value < stop.Index.Value).Max(enforcer => people.Removal(enforcer.Enforcer)?.At) ?? read.At;
        var exposed = until.Select(pair => new CertifiedExposure(
            pair.Key, pair.Value, !needed.Any(enforcer => enforcer.MayRefuse && enforcer.Enforcer.Body.Audiences.Contains(pair.Key, StringComparer.Ordinal))));
        var last = until.Count == 0 ? 0 : until.Values.Max();
        var proven = needed.Length == 0 || needed.Any(enforcer => enforcer.SignedAt is null) ? null : needed.Select(enforcer => enforcer.SignedAt).Append(Math.Max(gone, read.At)).Max();
        var byWord = needed.Any(enforcer => enforcer.DoneByWord(read.At) is null) ? null : needed.Select(enforcer => enforcer.DoneByWord(read.At)).Append(Math.Max(gone, read.At)).Max();
        return new StopVerdict(
            read.Denial, read.Reason, read.At, lift?.Index, lift?.At, enforcers, [.. exposed], Level(read, proven, last, lift?.At), Level(read, byWord, last, lift?.At))
        {
            CameAsNote = read.Order is { } order && IsNote(order),
            Rule = read.Rule,
            CredentialsBelow = read.Denial.Credentials.Except(read.Probes).Count(),
        };
    }

    private static (ulong, uint) Place(ItemPlace place) => (place.Entry.Value, place.Position);

    // The one that they have, so that all who read a file find the same.
    private void CheckOrder<T, TKey>(CertifiedStop stop, CertificateProperty property, IReadOnlyList<T> shownOf, Func<T, TKey> key)
    {
        if (shownOf.Zip(shownOf.Skip(1)).Any(pair => Comparer<TKey>.Default.Compare(key(pair.First), key(pair.Second)) >= 0))
            notes.Add(property, $"stop {stop.Index}: what is shown of it stands in another order, or twice");
    }

    private CertifiedLevel Level(StopEntry read, long? enforced, long until, long? lifted)
    {
        if (enforced is not { } at)
            return new CertifiedLevel(StopLevel.Nodes, null, null);
        var exhausted = Math.Max(at, until);
        // What was lifted is accepted again.
        if (read.Denial.IsEndless || (lifted is { } end && exhausted > end))
            return new CertifiedLevel(StopLevel.Enforced, at, null);
        return new CertifiedLevel(exhausted <= madeAt ? StopLevel.Exhausted : StopLevel.Enforced, at, exhausted);
    }

    private EnforcerVerdict Stand(CertifiedStop stop, RegisteredEnforcer enforcer, Dictionary<SubjectId, (GoodSignature Signature, LeafIndex Entry)> signed, Dictionary<SubjectId, EnforcerWord> word)
    {
        var isNeeded = enforcer.Registered.Value < stop.Index.Value && people.Removal(enforcer) is null;
        var isObserving = signatures.IsObserving(enforcer);
        var said = word.GetValueOrDefault(enforcer.Id);
        return !isObserving && signed.TryGetValue(enforcer.Id, out var one)
            ? new EnforcerVerdict(enforcer, isNeeded, one.Signature.At, one.Entry, one.Signature.Signed.Epoch, false, said)
            : new EnforcerVerdict(enforcer, isNeeded, null, null, null, isObserving, said);
    }

    private static bool Concerns(Scope scope, IReadOnlyList<string> audiences, IReadOnlyDictionary<string, long> until) => scope.Kind switch
    {
        ScopeKind.IssuerKey or ScopeKind.Everything => true,
        // The others are told of an epoch that does not concern them.
        ScopeKind.Audience => audiences.Contains(scope.Value, StringComparer.Ordinal),
        _ => audiences.Any(until.ContainsKey),
    };

    private StopEntry? Read(CertifiedStop stop)
    {
        if (shown.Find(stop.Index) is not { } entry || StopEntry.Of(stop.Index, entry) is not { } read)
        {
            Wrong(stop, "the file shows no stop in this entry");
            return null;
        }
        if (read.Incident != file.Header.Incident)
            Wrong(stop, $"it is of the incident '{read.Incident}', and the certificate of '{file.Header.Incident}'");
        if (!DenialFormat.TryDecode(stop.Denial, out var denial) || !read.IsSpelledOutBy(denial))
        {
            Wrong(stop, "the denial is not that of its entry");
            return null;
        }
        if (read.Order is { } order && !IsNote(order) && !IsOrdered(stop, denial.Scope, order))
            Wrong(stop, "the order that it came by is not signed by the break-glass key, or for something else");
        if (read.Rule is { } rule && Ruled(stop, denial, rule) is { } problem)
            Wrong(stop, problem);
        return read with { Denial = denial };
    }

    // A delta that an enforcer still held is a note; its key, for enforcers, is not in the file.
    private static bool IsNote(string order) => order.Contains('\n', StringComparison.Ordinal);

    private bool IsOrdered(CertifiedStop stop, Scope scope, string order) =>
        shown.Genesis is { } genesis && StopOrder.TryRead(order, genesis.PublicUrl, out var ordered, out var key) && ordered.Scope == scope && people.BreakGlassKeyAt(stop.Index) == key.KeyId;

    private string? Ruled(CertifiedStop stop, Denial denial, StoppingRule rule)
    {
        if (rule.Rules.Value >= stop.Index.Value || shown.Find(rule.Rules) is not { Body: RulesSet set } entry)
            return $"the file shows no rules in entry {rule.Rules}, by which it is";
        return set.Rules.Any(one => one.Trigger == rule.Trigger && one.State == denial.State)
            ? people.Problem(rule.Rules, entry, ApprovedAction.SetRules(set.Rules, set.Reason), set.Approvals)
            : $"entry {rule.Rules} has no such rule";
    }

    private (LeafIndex Index, long At)? Lift(CertifiedStop stop, StopEntry read)
    {
        foreach (var (index, entry) in shown.All.SkipWhile(one => one.Index.Value <= stop.Index.Value))
        {
            var problem = entry.Body switch
            {
                Restored restored when restored.Stops.Contains(stop.Index) => people.Problem(index, entry, ApprovedAction.Restore(restored.Stops, restored.Reason), restored.Approvals),
                CompromiseCut { Approvals.Count: > 0 } cut when read.Denial.After is not null && cut.Scope == read.Denial.Scope => people.Problem(index, entry, ApprovedAction.Cut(cut.Scope, cut.After, cut.Reason), cut.Approvals),
                _ => "",
            };
            if (problem == "")
                continue;
            if (problem is not null)
                Wrong(stop, $"entry {index} lifts it, and {problem}");
            return (index, entry.At);
        }
        return null;
    }

    private SortedDictionary<string, long> Exposed(CertifiedStop stop, StopEntry read)
    {
        var until = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var place in stop.Exposed)
        {
            if (place.Entry.Value >= stop.Index.Value || shown.Find(place.Entry)?.Body is not CredentialsIssued || shown.Find(place) is not { } bytes
                || !IssuanceItem.TryDecode(bytes, out var item) || item.ExpiresAt <= read.At / 1000)
            {
                notes.Add(CertificateProperty.Exposure, $"stop {stop.Index}: entry {place.Entry} shows no credential in place {place.Position} that was issued before and had not expired");
                continue;
            }
            foreach (var audience in item.Audience)
                until[audience] = Math.Max(until.GetValueOrDefault(audience), Math.Min(item.ExpiresAt, long.MaxValue / 1000) * 1000);
        }
        return until;
    }

    private Dictionary<SubjectId, (GoodSignature, LeafIndex)> Signed(CertifiedStop stop, StopEntry read)
    {
        var signed = new Dictionary<SubjectId, (GoodSignature, LeafIndex)>();
        foreach (var shownAs in stop.Signed)
        {
            var place = shownAs.Acknowledgement;
            if (signatures.Find(place) is not { } good)
                notes.Add(CertificateProperty.Acknowledgements, $"stop {stop.Index}: entry {place.Entry} shows no good acknowledgement in place {place.Position}");
            else if (Problem(stop, read, shownAs, good) is { } problem)
                notes.Add(CertificateProperty.Acknowledgements, $"stop {stop.Index}: what {good.Enforcer.Body.Name} has signed in entry {place.Entry} {problem}");
            else if (!signed.TryAdd(good.Enforcer.Id, (good with { At = Math.Max(good.At, read.At) }, place.Entry)))
                notes.Add(CertificateProperty.Acknowledgements, $"stop {stop.Index}: {good.Enforcer.Body.Name} is counted twice");
        }
        return signed;
    }

    private static string? Problem(CertifiedStop stop, StopEntry read, SignedDenial shownAs, GoodSignature good)
    {
        if (shownAs.Acknowledgement.Entry.Value <= stop.Index.Value || good.Signed.Epoch < read.Denial.Epoch)
            return $"is of epoch {good.Signed.Epoch}, before the stop's {read.Denial.Epoch}";
        if (good.Signed.IsObserving)
            return "says that it only observes";
        if (good.Signed.Probe is { After: Refusal.None } probe && read.Probes.Contains(probe.Jti))
            return "says that the stop's probe was let in";
        return EntryCheck.Leads(shownAs.Path, new LeafIndex(shownAs.Place), new TreeSize(shownAs.Count), MerkleHash.Leaf(stop.Denial.Span), good.Signed.Digest)
            ? null
            : "is a digest that does not hold this stop";
    }

    private Dictionary<SubjectId, EnforcerWord> Word(CertifiedStop stop, Dictionary<SubjectId, (GoodSignature, LeafIndex)> signed)
    {
        var word = new Dictionary<SubjectId, EnforcerWord>();
        foreach (var said in stop.Word)
        {
            if (people.Find(said.Enforcer) is null || signed.ContainsKey(said.Enforcer) || !word.TryAdd(said.Enforcer, said))
                notes.Add(CertificateProperty.Enforcers, $"stop {stop.Index}: the registry's word is about {said.Enforcer}, who is no enforcer here or needs none");
        }
        return word;
    }

    private void Wrong(CertifiedStop stop, string words) => notes.Add(CertificateProperty.Stops, $"stop {stop.Index}: {words}");
}

/// <summary>What an entry says of a stop or a cut.</summary>
internal sealed record StopEntry(Denial Denial, string Incident, string Reason, long At, string? Order)
{
    /// <summary>The registry's own credentials that rode along.</summary>
    public IReadOnlyList<SubjectId> Probes { get; init; } = [];

    /// <summary>The rule that it is by.</summary>
    public StoppingRule? Rule { get; init; }

    /// <summary>Null for an entry that stops nothing.</summary>
    public static StopEntry? Of(LeafIndex index, Entry entry) => entry.Body switch
    {
        Stop stop => new StopEntry(new Denial(index, stop.Epoch, stop.State, stop.Scope), stop.Incident, stop.Reason, entry.At, stop.Order) { Probes = stop.Probes, Rule = stop.Rule },
        CompromiseCut cut => new StopEntry(new Denial(index, cut.Epoch, StandingState.Frozen, cut.Scope) { After = cut.After }, cut.Incident, cut.Reason, entry.At, null) { Probes = cut.Probes },
        _ => null,
    };

    /// <summary>Whether a denial is this one, with whom it reaches spelled out.</summary>
    public bool IsSpelledOutBy(Denial denial) =>
        denial.Index == Denial.Index && denial.Epoch == Denial.Epoch && denial.State == Denial.State && denial.Scope == Denial.Scope && denial.After == Denial.After;
}
