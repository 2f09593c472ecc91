using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Statements;

namespace AgentIdentity.Cli.Trails;

/// <summary>A checked trail as a table for people, and as JSON.</summary>
internal static class TrailText
{
    public static void Write(TextWriter text, IReadOnlyList<TrailLine> lines)
    {
        var table = new TextTable("ENTRY", "TIME", "KIND", "CLASS", "CHECK", "WHAT");
        foreach (var line in lines)
            table.Add($"{line.LedgerIndex}", Time(line), Kind(line), Class(line), line.Problems.Count == 0 ? "ok" : "WRONG", What(line));
        table.Write(text);

        foreach (var line in lines.Where(line => line.Problems.Count > 0))
            text.WriteLine($"entry {line.LedgerIndex} is not what it should be: {string.Join("; ", line.Problems)}");
        text.WriteLine(Summary(lines));
    }

    public static JsonObject ToJson(string agent, IReadOnlyList<TrailLine> lines) => new()
    {
        ["agent"] = agent,
        ["checked"] = lines.All(line => line.Problems.Count == 0),
        ["entries"] = new JsonArray([.. lines.Select(ToJson)]),
    };

    private static string Summary(IReadOnlyList<TrailLine> lines)
    {
        var wrong = lines.Count(line => line.Problems.Count > 0);
        var entries = EntryText.Count(lines.Count, "entry", "entries");
        return wrong == 0
            ? $"{entries}, each opens its leaf. That the log holds a leaf is proven by: agentid prove ENTRY"
            : $"{entries}, {wrong} of them WRONG. Keep this answer as evidence.";
    }

    private static JsonNode ToJson(TrailLine line) => new JsonObject
    {
        ["ledger_index"] = line.LedgerIndex,
        ["subject_sequence"] = line.SubjectSequence,
        ["at"] = line.Entry is null && line.Erased is null ? null : Time(line),
        ["kind"] = Kind(line),
        ["class"] = Class(line),
        ["what"] = What(line),
        ["commitments"] = Commitments(line),
        ["credentials"] = new JsonArray([.. line.Items.Select(ToJson)]),
        ["problems"] = line.Problems.ToJson(),
    };

    private static JsonNode ToJson(IssuanceItem item) => new JsonObject
    {
        ["jti"] = item.Jti.ToString(),
        ["audience"] = item.Audience.ToJson(),
        ["not_before"] = Instants.FromSeconds(item.NotBefore),
        ["expires_at"] = Instants.FromSeconds(item.ExpiresAt),
    };

    private static JsonArray Commitments(TrailLine line)
    {
        var commitments = new JsonArray();
        if (line.Entry?.Body is Activity activity && SignedStatement.TryRead(activity.Statement, out var statement))
        {
            foreach (var commitment in statement.Commitments)
                commitments.Add((JsonNode)Convert.ToHexStringLower(commitment.ToArray()));
        }
        return commitments;
    }

    private static string Time(TrailLine line) => (line.Entry?.At ?? line.Erased?.At) is { } at ? Instants.FromMilliseconds(at) : "-";

    private static string Kind(TrailLine line) => line.Entry is { } entry ? EntryText.Kind(entry.Body.Kind) : line.Erased is null ? "unreadable" : "erased";

    private static string Class(TrailLine line) => (line.Entry?.Body.Class ?? line.Erased?.Class)?.ToString().ToLowerInvariant() ?? "-";

    private static string What(TrailLine line) => line.Entry is { } entry ? EntryText.Describe(entry.Body)
        : line.Erased is { } stub ? $"statement {stub.Sequence}, erased on {Instants.FromMilliseconds(stub.ErasedAt)} by entry {stub.ErasedBy}" : "";
}
