using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Trails;

namespace AgentIdentity.Cli.Trails;

/// <summary>What a trail file was found to be, for people and as JSON.</summary>
internal static class VerdictText
{
    private const int ProblemsShownMax = 10;

    /// <param name="text">Where it is written.</param>
    /// <param name="verdict">What was found.</param>
    /// <param name="isRestGood">Whether what was held against the trail agrees with it.</param>
    public static void Write(TextWriter text, TrailVerdict verdict, bool isRestGood = true)
    {
        if (verdict is { File: { } file, Checkpoint: { } checkpoint })
            text.WriteLine($"agent {file.Header.AgentId} in the log {checkpoint.Origin}, as of entry {file.Heads.Index}{Time(verdict)}");
        WriteChecks(text, verdict.Findings, verdict.RestsOn, verdict.NotChecked);
        text.WriteLine($"verdict: {Summary(verdict.IsProven && isRestGood, verdict.IsConsistent && isRestGood)}");
    }

    /// <summary>The checks as a table, and in words what they rest on and what was not checked.</summary>
    public static void WriteChecks<TProperty>(TextWriter text, IReadOnlyList<Finding<TProperty>> findings, IReadOnlyList<string> restsOn, IReadOnlyList<string> notChecked)
        where TProperty : struct, Enum
    {
        var table = new TextTable("CHECK", "", "WHAT");
        foreach (var finding in findings)
            table.Add(Name(finding), Word(finding.Result), finding.Words);
        table.Write(text);
        WriteList(text, "also wrong", findings.Where(finding => finding.Problems.Count > 1).SelectMany(finding => finding.Problems.Skip(1)).ToArray());
        WriteList(text, "rests on", restsOn);
        WriteList(text, "not checked", notChecked);
    }

    public static JsonObject ToJson(TrailVerdict verdict, bool isRestGood = true) => new()
    {
        ["verdict"] = Summary(verdict.IsProven && isRestGood, verdict.IsConsistent && isRestGood),
        ["proven"] = verdict.IsProven && isRestGood,
        ["agent"] = verdict.File?.Header.AgentId.ToString(),
        ["origin"] = verdict.Checkpoint?.Origin,
        ["tree_size"] = verdict.Checkpoint?.Size.Value,
        ["entries"] = verdict.Entries.Count,
        ["checks"] = new JsonArray([.. verdict.Findings.Select(ToJson)]),
        ["rests_on"] = verdict.RestsOn.ToJson(),
        ["not_checked"] = verdict.NotChecked.ToJson(),
    };

    /// <summary>A check.</summary>
    public static JsonNode ToJson<TProperty>(Finding<TProperty> finding)
        where TProperty : struct, Enum => new JsonObject
    {
        ["check"] = Name(finding),
        ["result"] = Word(finding.Result).ToLowerInvariant(),
        ["words"] = finding.Words,
        ["problems"] = finding.Problems.ToJson(),
    };

    /// <summary>The whole in a word or two.</summary>
    public static string Summary(bool isProven, bool isConsistent) => isProven ? "proven" : isConsistent ? "self-consistent only" : "FAILED";

    // The newest entry about the agent that is open: until when the file certainly tells something.
    private static string Time(TrailVerdict verdict) =>
        verdict.Entries.LastOrDefault(entry => entry.Entry is not null)?.Entry is { } last ? $"; the newest one is of {Instants.FromMilliseconds(last.At)}" : "";

    // RegistryKeys: registry keys.
    private static string Name<TProperty>(Finding<TProperty> finding)
        where TProperty : struct, Enum =>
        string.Concat(finding.Property.ToString().Select((letter, at) => at > 0 && char.IsUpper(letter) ? $" {letter}" : $"{letter}")).ToLowerInvariant();

    private static string Word(TrailResult result) => result switch
    {
        TrailResult.Passed => "passed",
        TrailResult.Failed => "FAILED",
        TrailResult.NotChecked => "not checked",
        _ => throw new ArgumentOutOfRangeException(nameof(result), result, "A result without a word."),
    };

    private static void WriteList(TextWriter text, string head, IReadOnlyCollection<string> lines)
    {
        foreach (var line in lines.Take(ProblemsShownMax))
            text.WriteLine($"{head}: {line}");
        if (lines.Count > ProblemsShownMax)
            text.WriteLine($"{head}: and {lines.Count - ProblemsShownMax} more; --json shows all");
    }
}
