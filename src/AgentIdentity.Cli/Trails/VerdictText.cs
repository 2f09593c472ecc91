using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Trails;

namespace AgentIdentity.Cli.Trails;

/// <summary>What a trail file was found to be, for people and as JSON.</summary>
internal static class VerdictText
{
    private const int ProblemsShownMax = 10;

    public static void Write(TextWriter text, TrailVerdict verdict)
    {
        if (verdict is { File: { } file, Checkpoint: { } checkpoint })
            text.WriteLine($"agent {file.Header.AgentId} in the log {checkpoint.Origin}, as of entry {file.Heads.Index}{Time(verdict)}");
        var table = new TextTable("CHECK", "", "WHAT");
        foreach (var finding in verdict.Findings)
            table.Add(Name(finding.Property), Word(finding.Result), finding.Words);
        table.Write(text);
        WriteList(text, "also wrong", verdict.Findings.Where(finding => finding.Problems.Count > 1).SelectMany(finding => finding.Problems.Skip(1)).ToArray());
        WriteList(text, "rests on", verdict.RestsOn);
        WriteList(text, "not checked", verdict.NotChecked);
        text.WriteLine($"verdict: {Summary(verdict)}");
    }

    public static JsonObject ToJson(TrailVerdict verdict) => new()
    {
        ["verdict"] = Summary(verdict),
        ["proven"] = verdict.IsProven,
        ["agent"] = verdict.File?.Header.AgentId.ToString(),
        ["origin"] = verdict.Checkpoint?.Origin,
        ["tree_size"] = verdict.Checkpoint?.Size.Value,
        ["entries"] = verdict.Entries.Count,
        ["checks"] = new JsonArray([.. verdict.Findings.Select(ToJson)]),
        ["rests_on"] = verdict.RestsOn.ToJson(),
        ["not_checked"] = verdict.NotChecked.ToJson(),
    };

    private static JsonNode ToJson(TrailFinding finding) => new JsonObject
    {
        ["check"] = Name(finding.Property),
        ["result"] = Word(finding.Result).ToLowerInvariant(),
        ["words"] = finding.Words,
        ["problems"] = finding.Problems.ToJson(),
    };

    private static string Summary(TrailVerdict verdict) => verdict switch
    {
        { IsProven: true } => "proven",
        { IsConsistent: true } => "self-consistent only",
        _ => "FAILED",
    };

    // The newest entry about the agent that is open: until when the file certainly tells something.
    private static string Time(TrailVerdict verdict) =>
        verdict.Entries.LastOrDefault(entry => entry.Entry is not null)?.Entry is { } last ? $"; the newest one is of {Instants.FromMilliseconds(last.At)}" : "";

    private static string Name(TrailProperty property) => property == TrailProperty.RegistryKeys ? "registry keys" : property.ToString().ToLowerInvariant();

    public static string Word(TrailResult result) => result switch
    {
        TrailResult.Passed => "passed",
        TrailResult.Failed => "FAILED",
        TrailResult.NotChecked => "not checked",
        _ => throw new ArgumentOutOfRangeException(nameof(result), result, "A result without a word."),
    };

    public static void WriteList(TextWriter text, string head, IReadOnlyCollection<string> lines)
    {
        foreach (var line in lines.Take(ProblemsShownMax))
            text.WriteLine($"{head}: {line}");
        if (lines.Count > ProblemsShownMax)
            text.WriteLine($"{head}: and {lines.Count - ProblemsShownMax} more; --json shows all");
    }
}
