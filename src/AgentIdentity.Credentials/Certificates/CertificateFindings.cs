using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>Gathers what does not hold, and puts the whole into words.</summary>
internal sealed class CertificateFindings
{
    private readonly List<(CertificateProperty Property, string Words)> _problems = [];
    private TrustedCheckpoint? _trusted;

    public long? MadeAt { get; set; }

    public AnchorNote? Anchor { get; set; }

    public Genesis? Genesis { get; set; }

    public void Add(CertificateProperty property, string words) => _problems.Add((property, words));

    public void Take(TrustedCheckpoint trusted)
    {
        _trusted = trusted;
        foreach (var problem in trusted.Problems)
            Add(CertificateProperty.Checkpoint, problem);
    }

    public CertificateVerdict Conclude(CertificateFile? file, Checkpoint? checkpoint, IReadOnlyList<StopVerdict> stops, IReadOnlyCollection<string> seers)
    {
        var findings = Enum.GetValues<CertificateProperty>().Select(property => Find(property, file, checkpoint, stops, seers)).ToArray();
        return checkpoint is null
            ? new CertificateVerdict(file, null, null, [], findings, [], [], null)
            : new CertificateVerdict(file, checkpoint, MadeAt, stops, findings, [.. RestsOn(checkpoint, seers), .. OperatorChecks.RestsOn(Genesis), .. AnchorWords.RestsOn(Anchor)], [.. NotChecked(stops), .. Anchor is null ? [] : (string[])[ChainAnswer.NotAsked]], Anchor);
    }

    private Finding<CertificateProperty> Find(CertificateProperty property, CertificateFile? file, Checkpoint? checkpoint, IReadOnlyList<StopVerdict> stops, IReadOnlyCollection<string> seers)
    {
        var problems = _problems.Where(problem => problem.Property == property).Select(problem => problem.Words).ToArray();
        var notChecked = property switch
        {
            _ when file is null => "the file cannot be read",
            > CertificateProperty.Checkpoint when checkpoint is null => "there is no signed tree to hold it against",
            CertificateProperty.Checkpoint => _trusted?.Distrust,
            _ => null,
        };
        return Finding<CertificateProperty>.Of(property, problems, notChecked, () => Words(property, file!, stops, seers));
    }

    private string Words(CertificateProperty property, CertificateFile file, IReadOnlyList<StopVerdict> stops, IReadOnlyCollection<string> seers) => property switch
    {
        CertificateProperty.File => $"{file.ItemCount + 1} items, each in its one form, and nothing behind them",
        CertificateProperty.Checkpoint => _trusted!.Words,
        CertificateProperty.Tree => $"{Counted.Of(file.Entries.Count, "entry leads", "entries lead")} to the signed root",
        CertificateProperty.Openings => "each is the entry that its leaf commits to",
        CertificateProperty.RegistryKeys => "genesis names the origin and the log key",
        CertificateProperty.Seal => "the log key has signed all of it, the registry's word on leases included: a lie in it is one that can be shown to others",
        CertificateProperty.Stops => string.Join("; ", stops.Select(Describe)),
        CertificateProperty.Enforcers => Enforcers(stops),
        CertificateProperty.Exposure => Exposure(stops),
        CertificateProperty.Acknowledgements => Acknowledgements(stops),
        CertificateProperty.OneHistory => seers.Count == 0
            ? "no enforcer had seen a checkpoint when it signed"
            : $"the trees that {string.Join(", ", seers)} had seen and signed go on in this one",
        CertificateProperty.Anchor => AnchorWords.Agrees(Anchor, _trusted!.Checkpoint!),
        _ => throw new ArgumentOutOfRangeException(nameof(property), property, "A property without words."),
    };

    private static string Describe(StopVerdict stop) =>
        $"{stop.Denial.State.ToString().ToLowerInvariant()} at entry {stop.Denial.Index}, {stop.Denial.Scope}{(stop.Denial.After is { } after ? $" after entry {after}" : "")} ({stop.Reason})"
        + $", which names {Counted.Of(stop.Denial.Agents.Count, "delegate")} and {Counted.Of(stop.CredentialsBelow, "delegated credential")} below it"
        + (stop.Lifted is { } lifted ? $", LIFTED by entry {lifted} with the approvals that it takes" : "");

    private static string Enforcers(IReadOnlyList<StopVerdict> stops)
    {
        var needed = stops.SelectMany(stop => stop.Enforcers).Where(enforcer => enforcer.IsNeeded).Select(enforcer => enforcer.Name).Distinct().Order(StringComparer.Ordinal).ToArray();
        return needed.Length == 0
            ? "none that the file registers answers for an audience of a credential in scope"
            : $"{Counted.Of(needed.Length, "enforcer was", "enforcers were")} registered for audiences of credentials in scope, and must sign: {string.Join(", ", needed)}";
    }

    private static string Exposure(IReadOnlyList<StopVerdict> stops)
    {
        var audiences = stops.SelectMany(stop => stop.Exposed).Select(exposed => exposed.Audience).Distinct().Count();
        return audiences == 0 ? "no unexpired credential in scope is shown" : $"credentials in scope for {Counted.Of(audiences, "audience")}, each under the root of its entry, issued before and unexpired at its stop";
    }

    private static string Acknowledgements(IReadOnlyList<StopVerdict> stops)
    {
        var signed = stops.Sum(stop => stop.Enforcers.Count(enforcer => enforcer.SignedAt is not null));
        return signed == 0
            ? "nobody has signed that it refuses"
            : $"{Counted.Of(signed, "signature")} by enforcers' own keys, each over a digest that holds the stop, whom it reaches by name included";
    }

    private string[] RestsOn(Checkpoint checkpoint, IReadOnlyCollection<string> seers)
    {
        var witnesses = _trusted!.Witnesses;
        return
        [
            "that an enforcer holds the stop: the key that is registered for it. Nobody without that key could have signed; that the key is your enforcer's, and its software does what it signs, is for you to know: hold the thumbprints above against your own list",
            "who must sign: the registry's signed word that these are all the enforcers, and all the audiences of credentials in scope. Any other registration, or credential in scope for another audience, is an entry that exposes a lie",
            $"that everybody is shown this history: the log key of {checkpoint.Origin}{(witnesses.Count == 0 ? "" : $", and {string.Join(", ", witnesses)}")}{(seers.Count == 0 ? "" : $", and up to the trees that they had seen {string.Join(", ", seers)}")}. All of them together could sign another",
            "when: the registry's clock. The order of entries is proven, their distance is not",
        ];
    }

    private IEnumerable<string> NotChecked(IReadOnlyList<StopVerdict> stops)
    {
        yield return "enforcers that were registered and that the file leaves out, and credentials in scope beside those shown: hold the names above against your own list";
        if (stops.Any(stop => stop.Missing.Any(enforcer => enforcer.Word is not null)))
            yield return "leases, and who watches or only observes without having signed it: the registry's word, for whoever has not signed";
        if (stops.Any(stop => stop.Denial.Agents.Count + stop.CredentialsBelow > 0))
            yield return "that the delegates and delegated credentials which a stop names are all there were: the registry walks the delegations when the stop is applied, each of which is an entry";
        if (stops.Any(stop => stop.Denial.State == StandingState.Restricted))
            yield return "what is restricted goes on reading, as its blueprint says, and receives credentials";
        if (stops.Any(stop => stop.Denial.Scope.Kind == ScopeKind.IssuerKey))
            yield return "whoever holds the stolen key gives its credentials any expiry: who checks signatures only accepts them until the key is taken out of the registry's documents";
        yield return "whoever checks signatures and times only, and asks no enforcer: it accepts credentials in scope until they expire; whoever reads status lists as well, for 60 seconds after the stop, unless it is of a resource or an issuer key, which they do not show";
        if (stops.Any(stop => stop.CameAsNote))
            yield return "the delta that an enforcer still held, by which a stop came: the key for enforcers is not in the file";
        if (stops.Any(stop => stop.Rule is not null))
            yield return $"that what a rule counts has happened, and that nobody had changed the rules before it stopped: the file shows that {(Genesis is { SingleOperator: true } ? "an operator" : "two people")} had switched it on";
        yield return "a restore that the file leaves out, and what came behind the checkpoint: an enforcer's signature says that the stop was in force when it signed, and not for how long";
    }
}
