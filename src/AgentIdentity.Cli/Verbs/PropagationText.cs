using System.Text.Json.Nodes;
using AgentIdentity.Cli.Asking;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>How far stops have come, for people and as JSON.</summary>
internal static class PropagationText
{
    /// <summary>The level, by the word that is used everywhere. One that this version does not know is an error and not a guess.</summary>
    public static string Word(StopLevel level) => level is >= StopLevel.Recorded and <= StopLevel.Exhausted
        ? level.ToString().ToUpperInvariant()
        : throw Failure.Refused($"The registry names the level {level}, which this version does not know.", "Update agentid; do not count the agent as stopped before.");

    public static void Write(TextWriter text, PropagationResponse report)
    {
        foreach (var stop in report.Stops)
            Write(text, stop);
        text.WriteLine($"level    {Word(report.Level)}{(report.Stops.Count > 1 ? $", of {EntryText.Count(report.Stops.Count, "stop")} the one that has come least far" : "")}");
        if (report.SingleOperator)
            text.WriteLine("note     single-operator mode: one person may lift this");
    }

    public static JsonObject ToJson(PropagationResponse report) => new()
    {
        ["level"] = Word(report.Level),
        ["single_operator"] = report.SingleOperator,
        ["leases_known_from"] = Instants.FromMilliseconds(report.LeasesKnownFrom),
        ["stops"] = new JsonArray([.. report.Stops.Select(ToJson)]),
        ["epoch"] = report.At.Epoch,
        ["position"] = report.At.Position,
    };

    private static void Write(TextWriter text, StopPropagation stop)
    {
        text.WriteLine($"stop     entry {stop.Stop.LedgerIndex}, epoch {stop.Stop.Epoch}: {ScopeText.From(stop.Stop.Scope)} is {stop.Stop.State.ToString().ToLowerInvariant()}");
        if (stop.Stop.HasRule)
            text.WriteLine($"by       the rule {stop.Stop.Rule}: nobody asked");
        text.WriteLine($"reach    {EntryText.Count((long)stop.AgentsBelow, "delegate")} and {EntryText.Count((long)stop.CredentialsBelow, "delegated credential")} below it; {EntryText.Count((long)stop.LiveCredentials, "unexpired credential")} in scope");
        WriteLevel(text, StopLevel.Recorded, stop.RecordedAt);
        WriteLevel(text, StopLevel.Nodes, stop.NodesAt);
        WriteLevel(text, StopLevel.Enforced, stop.EnforcedAt, stop.EnforcedAt == 0 || stop.Enforcers.Any(enforcer => enforcer.Needed) ? "" : "  nobody had to sign: no enforcer answers for what it covers");
        WriteLevel(text, StopLevel.Exhausted, stop.ExhaustedAt);
        var table = new TextTable("ENFORCER", "STANDS", "SINCE", "PROBE", "");
        foreach (var enforcer in stop.Enforcers)
            table.Add(enforcer.Name, Stands(enforcer.Progress), Time(enforcer.ProgressedAt), Probe(enforcer), Note(enforcer));
        if (stop.Enforcers.Count > 0)
            table.Write(text);
        foreach (var words in stop.Residual)
            text.WriteLine($"left     {words}");
    }

    private static void WriteLevel(TextWriter text, StopLevel level, long at, string note = "") => text.WriteLine($"{Word(level),-10} {Time(at)}{note}");

    private static string Time(long at) => at == 0 ? "not yet" : Instants.FromMilliseconds(at);

    public static string Stands(EnforcerProgress progress) => progress switch
    {
        EnforcerProgress.Acknowledged => "acknowledged",
        EnforcerProgress.LeaseOver => "lease over",
        EnforcerProgress.Lagging => "LAGGING",
        EnforcerProgress.Silent => "SILENT",
        EnforcerProgress.Observing => "ONLY OBSERVES",
        EnforcerProgress.Lying => "LYING",
        _ => throw Failure.Refused($"The registry says that an enforcer is {progress}, which this version does not know.", "Update agentid."),
    };

    /// <summary>What became of the probe that rode along.</summary>
    public static string Probe(EnforcerPropagation enforcer) => enforcer.Probe switch
    {
        ProbeSeen.NoProbe => "none",
        ProbeSeen.Unanswered => "not answered",
        ProbeSeen.ProbeRefused => $"refused, {enforcer.ProbeRefusal}",
        ProbeSeen.RefusedBefore => $"refused before, {enforcer.ProbeRefusal}",
        ProbeSeen.LetIn => "LET IN",
        _ => throw Failure.Refused($"The registry says of a probe that it is {enforcer.Probe}, which this version does not know.", "Update agentid."),
    };

    private static string Note(EnforcerPropagation enforcer)
    {
        var notes = new List<string>();
        if (enforcer.OfCallee)
            notes.Add("answers for an agent that is stopped");
        if (!enforcer.Needed)
            notes.Add(enforcer.OfCallee ? "not waited for" : "registered later, not waited for");
        if (enforcer.Progress == EnforcerProgress.Silent)
            notes.Add($"its lease may run until {Instants.FromMilliseconds(enforcer.LeaseUntil)}");
        if (enforcer.Unlogged > 0)
            notes.Add($"was shown {EntryText.Count((long)enforcer.Unlogged, "credential")} that the ledger does not hold");
        if (enforcer.RevokersFailed > 0)
            notes.Add($"{EntryText.Count(enforcer.RevokersFailed, "revoker")} of {enforcer.RevokersFailed + enforcer.RevokersDone} FAILED: what was handed out may go on");
        else if (enforcer.RevokersDone > 0)
            notes.Add("what was handed out is ended");
        notes.AddRange(enforcer.Alarms.Select(alarm => $"raised {alarm.Name} (entry {alarm.LedgerIndex}): {alarm.Detail}"));
        return string.Join("; ", notes);
    }

    private static JsonNode ToJson(StopPropagation stop) => new JsonObject
    {
        ["ledger_index"] = stop.Stop.LedgerIndex,
        ["scope"] = ScopeText.From(stop.Stop.Scope),
        ["state"] = stop.Stop.State.ToString().ToLowerInvariant(),
        ["rule"] = stop.Stop.HasRule ? stop.Stop.Rule : null,
        ["level"] = Word(stop.Level),
        ["recorded_at"] = Json(stop.RecordedAt),
        ["nodes_at"] = Json(stop.NodesAt),
        ["enforced_at"] = Json(stop.EnforcedAt),
        ["exhausted_at"] = Json(stop.ExhaustedAt),
        ["delegates"] = stop.AgentsBelow,
        ["delegated_credentials"] = stop.CredentialsBelow,
        ["live_credentials"] = stop.LiveCredentials,
        ["enforcers"] = new JsonArray([.. stop.Enforcers.Select(ToJson)]),
        ["unproven"] = new JsonArray([.. stop.Unproven.Select(audience => (JsonNode)new JsonObject { ["audience"] = audience.Audience, ["until"] = Instants.FromMilliseconds(audience.Until * 1000) })]),
        ["residual"] = stop.Residual.ToJson(),
    };

    private static JsonNode ToJson(EnforcerPropagation enforcer) => new JsonObject
    {
        ["name"] = enforcer.Name,
        ["progress"] = Stands(enforcer.Progress).ToUpperInvariant().Replace(" ", "_", StringComparison.Ordinal),
        ["at"] = Json(enforcer.ProgressedAt),
        ["epoch"] = enforcer.Epoch,
        ["ledger_index"] = enforcer.LedgerIndex,
        ["probe"] = WireJson.Word(enforcer.Probe),
        ["probe_refusal"] = enforcer.ProbeRefusal.Length == 0 ? null : enforcer.ProbeRefusal,
        ["needed"] = enforcer.Needed,
        ["of_callee"] = enforcer.OfCallee,
        ["lease_until"] = Json(enforcer.LeaseUntil),
        ["unlogged"] = enforcer.Unlogged,
        ["revokers_done"] = enforcer.RevokersDone,
        ["revokers_failed"] = enforcer.RevokersFailed,
        ["alarms"] = new JsonArray([.. enforcer.Alarms.Select(alarm => (JsonNode)new JsonObject
        {
            ["name"] = alarm.Name,
            ["detail"] = alarm.Detail,
            ["raised_at"] = Json(alarm.RaisedAt),
            ["ledger_index"] = alarm.LedgerIndex,
        })]),
    };

    private static JsonValue? Json(long at) => at == 0 ? null : JsonValue.Create(Instants.FromMilliseconds(at));
}
