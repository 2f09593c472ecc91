using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Gathers what does not hold, and puts the whole into words.</summary>
internal sealed class TrailFindings
{
    // A clock that is off by more than this is reported; a phone in a tunnel is not.
    private const long FarOffMilliseconds = 5 * 60 * 1000;

    private readonly List<TrailProblem> _problems = [];
    private TrustedCheckpoint? _trusted;

    public AnchorNote? Anchor { get; set; }

    public Genesis? Genesis { get; set; }

    private IReadOnlyList<string> Witnesses => _trusted?.Witnesses ?? [];

    public void Add(TrailProperty property, string words) => _problems.Add(new TrailProblem(property, words));

    public void Take(TrustedCheckpoint trusted)
    {
        _trusted = trusted;
        foreach (var problem in trusted.Problems)
            Add(TrailProperty.Checkpoint, problem);
    }

    public TrailVerdict Conclude(TrailFile? file, Checkpoint? checkpoint, IReadOnlyList<EntryCheck> entries)
    {
        foreach (var entry in entries)
            _problems.AddRange(entry.Problems.Select(problem => problem with { Words = $"{Name(entry)}: {problem.Words}" }));
        var findings = Enum.GetValues<TrailProperty>().Select(property => Find(property, file, checkpoint, entries)).ToArray();
        return new TrailVerdict(file, checkpoint, entries, findings, checkpoint is null ? [] : RestsOn(checkpoint), NotChecked(file, entries).ToArray(), Anchor);
    }

    private static string Name(EntryCheck entry) =>
        entry.Shown.Index is { } index ? $"entry {index}" : $"the closed entry {entry.Sequence} about the agent";

    private Finding<TrailProperty> Find(TrailProperty property, TrailFile? file, Checkpoint? checkpoint, IReadOnlyList<EntryCheck> entries)
    {
        var problems = _problems.Where(problem => problem.Property == property).Select(problem => problem.Words).ToArray();
        var notChecked = property switch
        {
            _ when file is null => "the file cannot be read",
            > TrailProperty.Checkpoint when checkpoint is null => "there is no signed tree to hold it against",
            TrailProperty.Checkpoint => _trusted?.Distrust,
            TrailProperty.Forks when entries.Any(entry => !entry.IsHeldShown) => Forks(entries),
            _ => null,
        };
        return Finding<TrailProperty>.Of(property, problems, notChecked, () => Words(property, file!, entries));
    }

    private string Words(TrailProperty property, TrailFile file, IReadOnlyList<EntryCheck> entries)
    {
        var inTree = entries.Count(entry => entry.Shown.Index is not null);
        return property switch
        {
            TrailProperty.File => $"{file.ItemCount + 1} items, each in its one form, and nothing behind them",
            TrailProperty.Checkpoint => _trusted!.Words,
            TrailProperty.Tree => $"{Counted.Of(inTree + file.RegistryEntries.Count + 1, "entry leads", "entries lead")} to the signed root",
            TrailProperty.Openings => "each is the entry that its leaf commits to",
            TrailProperty.Label => "committed when the agent was enrolled; each leaf shows its nullifier, so that two entries for one position would be seen in public",
            TrailProperty.Sequence => $"numbers 0 to {entries.Count - 1}, none missing, indexes and times ascending",
            TrailProperty.Complete => $"these {Counted.Of(entries.Count, "entry is", "entries are")} all about this agent below entry {file.Heads.Index}, as that entry's heads map says",
            TrailProperty.Statements => Statements(entries),
            TrailProperty.Quarantine => Quarantine(entries),
            TrailProperty.Forks => Forks(entries),
            TrailProperty.Stops => List(entries, Stopping, "none on the record") + "; stops of wider scopes (a blueprint, a sponsor, everybody) are not about this agent alone and are not shown" + Closed(entries),
            TrailProperty.Erasures => Erasures(entries),
            TrailProperty.Credentials => Credentials(entries),
            TrailProperty.RegistryKeys => $"genesis names the origin and the log key; {Counted.Of(file.RegistryEntries.Count - 1, "rotation")} shown, each ending the key before it",
            TrailProperty.Times => Times(entries),
            TrailProperty.Anchor => AnchorWords.Agrees(Anchor, _trusted!.Checkpoint!),
            _ => throw new ArgumentOutOfRangeException(nameof(property), property, "A property without words."),
        };
    }

    private static string? Stopping(EntryCheck entry) => entry.Entry?.Body switch
    {
        Stop stop => $"{stop.State.ToString().ToLowerInvariant()} at entry {entry.Shown.Opened!.Index}{(stop.Scope.Kind == ScopeKind.Agent ? "" : $", {stop.Scope}")} ({stop.Reason})",
        Restored restored => $"restored at entry {entry.Shown.Opened!.Index} ({restored.Reason}), which lifts {string.Join(", ", restored.Stops)}",
        _ => null,
    };

    private static string Statements(IReadOnlyList<EntryCheck> entries)
    {
        var count = entries.Count(entry => entry.Entry?.Body is Activity);
        var commitments = entries.Where(entry => entry.Entry?.Body is Activity).Sum(entry => (long)(entry.Statement?.Commitments.Length ?? 0));
        var links = entries.Any(entry => entry.Shown.IsClosed) ? ", and links across them are not checked" : "";
        return $"{Counted.Of(count, "statement")} with {Counted.Of(commitments, "hash", "hashes")}, signed by the agent's key, each naming the one before it{Rotations(entries)}{Closed(entries)}{links}";
    }

    private static string Rotations(IReadOnlyList<EntryCheck> entries)
    {
        var rotations = List(entries, entry => entry.Entry?.Body is AgentKeyRotated rotated ? $"entry {entry.Shown.Index}{(rotated.Order is null ? "" : $" as entry {rotated.Order} ordered")}" : null, "");
        return rotations.Length == 0 ? "" : $"; another key since {rotations}, with a chain of its own";
    }

    // Only its class says that a closed entry is an activity, and no stop.
    private static string Closed(IReadOnlyList<EntryCheck> entries)
    {
        var closed = entries.Count(entry => entry.Shown.IsClosed);
        return closed == 0 ? "" : $"; {closed} closed {(closed == 1 ? "one is taken for what its" : "ones are taken for what their")} class says";
    }

    private static string Forks(IReadOnlyList<EntryCheck> entries) =>
        List(entries, entry => entry.Entry?.Body is not Fork fork ? null : entry.IsHeldShown
            ? $"the AGENT signed two statements that cannot both stand: entry {fork.Held} and entry {entry.Shown.Index}"
            : $"entry {entry.Shown.Index} accuses the agent and is not checked: entry {fork.Held}, which it names, is not shown", "none on the record");

    private static string Credentials(IReadOnlyList<EntryCheck> entries)
    {
        var count = entries.Sum(entry => entry.Credentials.Count);
        return count == 0 ? "no issuance names the agent" : $"at least these: {Counted.Of(count, "credential")}, each under the root of its entry and bound to the agent's key";
    }

    private static string Erasures(IReadOnlyList<EntryCheck> entries)
    {
        var holds = List(entries, entry => entry.Entry?.Body is HoldPlaced hold ? $"entry {entry.Shown.Index} ({hold.Reason})" : null, "");
        return List(entries, entry => entry.Entry?.Body is ActivitiesErased erased
                ? $"{Counted.Of(erased.Indexes.Count, "activity", "activities")} erased on {Time(entry.Entry.At):yyyy-MM-dd'T'HH:mm:ss'Z'} by entry {entry.Shown.Index} ({erased.Reason})"
                : null, "nothing was erased")
            + (holds.Length > 0 ? $"; holds were placed by {holds}" : "");
    }

    private static string Quarantine(IReadOnlyList<EntryCheck> entries)
    {
        var count = entries.Count(entry => entry.Class == EntryClass.Quarantined);
        var without = QuarantinedWithoutStop(entries);
        var words = new List<string>();
        if (count > without)
            words.Add($"{Counted.Of(count - without, "activity", "activities")} recorded after a stop, or while one was under way, and marked so");
        if (without > 0)
            words.Add($"{without} {(without == 1 ? "is" : "are")} quarantined without a stop in the trail: a stop that was denied in memory and not recorded, or a registry that marks what it should not");
        return (count == 0 ? "nothing was recorded after a stop" : string.Join("; ", words)) + Closed(entries);
    }

    // A stop denies before it is written, and what comes in between is quarantined and stands directly before it. A crash or a full disk can keep the stop from ever being written.
    private static int QuarantinedWithoutStop(IReadOnlyList<EntryCheck> entries)
    {
        var classes = entries.TakeWhile(entry => entry.Entry?.Body is not Stop).Select(entry => entry.Class).ToList();
        var end = classes.Count == entries.Count ? classes.Count : classes.LastIndexOf(EntryClass.Activity) + 1;
        return classes.Take(end).Count(found => found == EntryClass.Quarantined);
    }

    // An entry's time is what the registry wrote, and may lie where no calendar goes.
    private static DateTimeOffset Time(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private static string List(IReadOnlyList<EntryCheck> entries, Func<EntryCheck, string?> describe, string none)
    {
        var listed = entries.Select(describe).OfType<string>().ToArray();
        return listed.Length == 0 ? none : string.Join("; ", listed);
    }

    private static string Times(IReadOnlyList<EntryCheck> entries)
    {
        var late = entries.Where(entry => entry.Entry?.Body is Activity && entry.Statement is not null)
            .Select(entry => entry.Entry!.At - (long)Math.Min(entry.Statement!.ClaimedAt, long.MaxValue / 2)).ToArray();
        if (late.Length == 0)
            return "no statement claims one";
        var farOff = late.Count(milliseconds => Math.Abs(milliseconds) > FarOffMilliseconds);
        return $"recorded {late.Min() / 1000.0:0.###} s to {late.Max() / 1000.0:0.###} s after the time that the agent claims; {(farOff == 0 ? "none" : $"{farOff} of {late.Length}")} off by more than 5 minutes";
    }

    private string[] RestsOn(Checkpoint checkpoint) => [.. Sayings(checkpoint), .. OperatorChecks.RestsOn(Genesis), .. AnchorWords.RestsOn(Anchor)];

    private string[] Sayings(Checkpoint checkpoint) =>
    [
        "what the agent said: the key that asked for its enrolment, and signed that. Nobody without it could have signed the statements; that the agent holds it, and nobody else, is the registry's word",
        $"that nothing was changed, and everybody is shown the same: the log key of {checkpoint.Origin}{(Witnesses.Count == 0 ? ". Its holder" : $", and {string.Join(", ", Witnesses)}. All of them together")} could sign another history; any other checkpoint or receipt that does not agree exposes it",
        "that nothing is missing: the registry's signed claim in the heads entry. Any receipt about this agent below that entry which is not in this file exposes a lie; who holds none must trust the registry",
    ];

    private IEnumerable<string> NotChecked(TrailFile? file, IReadOnlyList<EntryCheck> entries)
    {
        if (entries.Any(entry => entry.Erased is not null))
            yield return "what erased activities said, that the agent signed them, and when they came: the registry's word in the erasure entry, under its operators' signatures";
        var closed = entries.Count(entry => entry.Shown.IsClosed);
        if (closed > 0)
        {
            yield return $"what {Counted.Of(closed, "activity says that stays", "activities say that stay")} closed: an export of the whole trail opens them";
            yield return "that the closed ones are activities, and signed by the agent: their class alone says so";
        }
        if (entries.Any(entry => entry.Entry?.Body is CredentialsIssued))
            yield return "credentials of an issuance that the file leaves out: the entry's root covers them, and does not say whose they are";
        if (_trusted is { IsSuccessor: true })
            yield return "that this tree goes on from the one that the log before had signed: its last note says so, and who remembers a checkpoint of it can ask the registry for a proof";
        if (file is not null)
            yield return $"entries behind {file.Heads.Index}: a newer export has them";
        if (Anchor is not null)
            yield return ChainAnswer.NotAsked;
        else
            yield return Witnesses.Count == 0 ? "witness cosignatures and anchors: nothing here says who must have seen this checkpoint" : "anchors: nothing here says where this checkpoint must have been written";
        yield return "rotations of the registry's keys that the file leaves out: entries about the registry are not all in it";
        yield return "other agents, and what was never submitted: no log can show it";
        yield return "the payloads behind the hashes: the agent keeps those, and their salts";
    }
}
