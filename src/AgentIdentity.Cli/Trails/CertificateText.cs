using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Watching;

namespace AgentIdentity.Cli.Trails;

/// <summary>What a containment certificate was found to be, for people and as JSON. How far the stops have come stands in the first line.</summary>
internal static class CertificateText
{
    public static void Write(TextWriter text, CertificateVerdict verdict)
    {
        text.WriteLine(FirstLine(verdict));
        if (verdict is { MadeAt: { } madeAt, Checkpoint: { } checkpoint })
            text.WriteLine($"as of {Instants.FromMilliseconds(madeAt)} by the registry's clock, entry {checkpoint.Size.Value - 1} of {checkpoint.Origin}");
        foreach (var stop in verdict.Stops)
            Write(text, stop);
        VerdictText.WriteChecks(text, verdict.Findings, verdict.RestsOn, verdict.NotChecked);
        text.WriteLine($"verdict: {VerdictText.Summary(verdict.IsProven, verdict.IsConsistent)}");
    }

    public static JsonObject ToJson(CertificateVerdict verdict) => new()
    {
        ["verdict"] = VerdictText.Summary(verdict.IsProven, verdict.IsConsistent),
        ["proven"] = verdict.IsProven,
        ["summary"] = FirstLine(verdict),
        ["incident"] = verdict.File?.Header.Incident,
        ["level"] = verdict.Level is { } level ? Word(level) : null,
        ["level_by_word"] = verdict.LevelByWord is { } word ? Word(word) : null,
        ["made_at"] = Json(verdict.MadeAt),
        ["origin"] = verdict.Checkpoint?.Origin,
        ["tree_size"] = verdict.Checkpoint?.Size.Value,
        ["stops"] = new JsonArray([.. verdict.Stops.Select(ToJson)]),
        ["checks"] = new JsonArray([.. verdict.Findings.Select(VerdictText.ToJson)]),
        ["rests_on"] = verdict.RestsOn.ToJson(),
        ["not_checked"] = verdict.NotChecked.ToJson(),
    };

    private static string FirstLine(CertificateVerdict verdict)
    {
        if (verdict is not { Level: { } level, LevelByWord: { } byWord, File: { } file })
            return "This certificate proves nothing: something in it does not hold.";
        var what = file.Header.Incident.Length > 0 ? $"incident {file.Header.Incident}" : $"the stop of entry {file.Stops[0].Index}";
        return $"{(verdict.IsProven ? "" : "Self-consistent only, under a key that nobody vouches for: ")}{what} {(level >= StopLevel.Enforced ? Reached(verdict, level) : Missed(verdict, level))}{ByWord(level, byWord)}{Lifted(verdict)}";
    }

    private static string Reached(CertificateVerdict verdict, StopLevel level)
    {
        var at = verdict.Stops.Max(stop => level == StopLevel.Exhausted ? stop.Proven.ExhaustedAt : stop.Proven.EnforcedAt);
        var last = verdict.Stops.MaxBy(stop => stop.Proven.EnforcedAt)!.Last!.Name;
        var unproven = verdict.Stops.SelectMany(stop => stop.Exposed).Where(exposed => exposed.IsUnproven && level != StopLevel.Exhausted).Select(exposed => exposed.Audience).Distinct().ToArray();
        return $"is {Word(level)} since {Time(at)}; the last to sign was {last}{(unproven.Length == 0 ? "" : $"; nobody refuses for {string.Join(", ", unproven)}")}";
    }

    private static string Missed(CertificateVerdict verdict, StopLevel level)
    {
        var needed = verdict.Stops.SelectMany(stop => stop.Enforcers).Where(enforcer => enforcer.IsNeeded).Select(enforcer => enforcer.Name).Distinct().Count();
        var missing = verdict.Stops.SelectMany(stop => stop.Missing).Select(enforcer => enforcer.Name).Distinct().ToArray();
        return $"is NOT ENFORCED: it has come to {Word(level)}; "
            + (missing.Length == 0 ? "no enforcer had to sign" : $"{missing.Length} of {EntryText.Count(needed, "enforcer")} {(missing.Length == 1 ? "has" : "have")} not signed: {string.Join(", ", missing)}");
    }

    private static string ByWord(StopLevel level, StopLevel byWord) => byWord > level ? $". By the registry's word it is {Word(byWord)}" : "";

    private static string Lifted(CertificateVerdict verdict)
    {
        var lifted = verdict.Stops.Count(stop => stop.Lifted is not null);
        return lifted == 0 ? "" : $". {(lifted == verdict.Stops.Count ? "It was lifted since" : $"{lifted} of {verdict.Stops.Count} stops {(lifted == 1 ? "was" : "were")} lifted since")}";
    }

    private static void Write(TextWriter text, StopVerdict stop)
    {
        text.WriteLine($"stop     entry {stop.Denial.Index}, epoch {stop.Denial.Epoch}: {stop.Denial.Scope} is {stop.Denial.State.ToString().ToLowerInvariant()}{(stop.Denial.After is { } after ? $" after entry {after}" : "")} ({stop.Reason})");
        if (stop.Rule is { } rule)
            text.WriteLine($"by       the rule {rule.Trigger.Word()} of entry {rule.Rules}: nobody asked");
        text.WriteLine($"reach    {EntryText.Count(stop.Denial.Agents.Count, "delegate")} and {EntryText.Count(stop.CredentialsBelow, "delegated credential")} below it, by name");
        text.WriteLine($"RECORDED {Time(stop.At)}");
        text.WriteLine($"NODES    {Time(stop.At)}");
        text.WriteLine($"ENFORCED {Time(stop.Proven.EnforcedAt)}");
        text.WriteLine($"EXHAUSTED {Exhausted(stop)}");
        if (stop is { Lifted: { } lifted, LiftedAt: { } at })
            text.WriteLine($"lifted   by entry {lifted}, {Time(at)}");
        WriteEnforcers(text, stop);
        foreach (var exposed in stop.Exposed)
            text.WriteLine($"left     {exposed.Audience}: who asks no enforcer accepts credentials in scope until {Time(exposed.Until)}{(exposed.IsUnproven ? "; no enforcer refuses for it: unproven until then" : "")}");
    }

    private static void WriteEnforcers(TextWriter text, StopVerdict stop)
    {
        var table = new TextTable("ENFORCER", "KEY", "STANDS", "SINCE", "");
        foreach (var enforcer in stop.Enforcers)
            table.Add(enforcer.Name, $"{enforcer.Enforcer.Body.Key.KeyId}", Stands(enforcer), Since(enforcer), Note(enforcer));
        if (stop.Enforcers.Count > 0)
            table.Write(text);
    }

    private static string Exhausted(StopVerdict stop) => stop.Proven switch
    {
        { Level: StopLevel.Exhausted, ExhaustedAt: { } at } => Time(at),
        { ExhaustedAt: { } at } => $"will be {Time(at)}",
        { Level: StopLevel.Enforced } => "never",
        _ => "not yet",
    };

    private static string Stands(EnforcerVerdict enforcer) => enforcer switch
    {
        { SignedAt: not null } => "signed",
        { IsObserving: true } => "ONLY OBSERVES",
        { Word.Progress: EnforcerProgress.LeaseOver } => "lease over",
        { Word.Progress: EnforcerProgress.Lagging } => "LAGGING",
        { Word.Progress: EnforcerProgress.Observing } => "ONLY OBSERVES",
        { Word.Progress: EnforcerProgress.Acknowledged } => "NOT SHOWN",
        { Word.Progress: EnforcerProgress.Lying } => "LYING",
        _ => "SILENT",
    };

    private static string Since(EnforcerVerdict enforcer) => enforcer.SignedAt is { } signed ? Time(signed) : enforcer.Word is { At: > 0 and var at } ? Time(at) : "-";

    private static string Note(EnforcerVerdict enforcer)
    {
        var notes = new List<string>();
        if (enforcer is { SignedIn: { } entry, Epoch: { } epoch })
            notes.Add($"epoch {epoch}, in entry {entry}");
        if (!enforcer.IsNeeded)
            notes.Add("not waited for: registered later, or removed by two");
        if (enforcer is { SignedAt: null, Word: { } word })
            notes.Add($"the registry's word{(word.Progress is EnforcerProgress.Silent or EnforcerProgress.Lagging ? $"; its lease may run until {Time(word.LeaseUntil)}" : "")}");
        return string.Join("; ", notes);
    }

    private static JsonNode ToJson(StopVerdict stop) => new JsonObject
    {
        ["ledger_index"] = stop.Denial.Index.Value,
        ["epoch"] = stop.Denial.Epoch,
        ["scope"] = stop.Denial.Scope.ToString(),
        ["state"] = stop.Denial.State.ToString().ToLowerInvariant(),
        ["level"] = Word(stop.Proven.Level),
        ["level_by_word"] = Word(stop.ByWord.Level),
        ["rule"] = stop.Rule?.Trigger.Word(),
        ["recorded_at"] = Json(stop.At),
        ["enforced_at"] = Json(stop.Proven.EnforcedAt),
        ["last_to_sign"] = stop.Last?.Name,
        ["exhausted_at"] = Json(stop.Proven.ExhaustedAt),
        ["lifted_by"] = stop.Lifted?.Value,
        ["delegates"] = stop.Denial.Agents.Count,
        ["delegated_credentials"] = stop.CredentialsBelow,
        ["enforcers"] = new JsonArray([.. stop.Enforcers.Select(ToJson)]),
        ["exposed"] = new JsonArray([.. stop.Exposed.Select(exposed => (JsonNode)new JsonObject { ["audience"] = exposed.Audience, ["until"] = Json(exposed.Until), ["unproven"] = exposed.IsUnproven })]),
    };

    private static JsonNode ToJson(EnforcerVerdict enforcer) => new JsonObject
    {
        ["name"] = enforcer.Name,
        ["jkt"] = enforcer.Enforcer.Body.Key.KeyId.ToString(),
        ["audiences"] = enforcer.Enforcer.Body.Audiences.ToJson(),
        ["needed"] = enforcer.IsNeeded,
        ["stands"] = Stands(enforcer).ToUpperInvariant().Replace(' ', '_'),
        ["signed_at"] = Json(enforcer.SignedAt),
        ["ledger_index"] = enforcer.SignedIn?.Value,
        ["epoch"] = enforcer.Epoch,
        ["lease_until"] = Json(enforcer.Word?.LeaseUntil),
    };

    private static string Word(StopLevel level) => level.ToString().ToUpperInvariant();

    private static string Time(long? at) => at is { } known ? Instants.FromMilliseconds(known) : "not yet";

    private static JsonValue? Json(long? at) => at is { } known ? JsonValue.Create(Instants.FromMilliseconds(known)) : null;
}
