using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Lists what happened when, over the whole ledger.</summary>
internal static class EntriesVerb
{
    private const int PageSize = 1000;

    private static readonly Option<string> From = new("--from") { HelpName = "TIME", Description = "Entries from then on: RFC 3339, for example 2026-11-21T09:00:00Z.", DefaultValueFactory = _ => "" };
    private static readonly Option<string> To = new("--to") { HelpName = "TIME", Description = "Entries before then.", DefaultValueFactory = _ => "" };
    private static readonly Option<ulong> FromIndex = new("--from-index") { HelpName = "N", Description = "Entries from index N on.", DefaultValueFactory = _ => 0 };
    private static readonly Option<int> Max = new("--max") { HelpName = "N", Description = "So many at most.", DefaultValueFactory = _ => PageSize };

    public static Command Create() => new Command("entries", "List what happened when: kinds and subjects. Reading is on the record too.") { From, To, FromIndex, Max }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var max = run.Get(Max) is > 0 and var count ? count : throw Failure.Usage("--max takes a number above 0.");
        var request = new ListEntriesRequest { FromIndex = run.Get(FromIndex), FromTime = Time(run, From), ToTime = Time(run, To) };
        if (request.ToTime != 0 && request.FromTime > request.ToTime)
            throw Failure.Usage("--from lies behind --to.");
        using var key = run.Signer(CallerRole.Auditor, CallerRole.Operator);
        using var connection = run.Connect(key);
        var (entries, next) = await ReadAsync(connection, request, max, cancellationToken);
        run.Answer(ToJson(entries, next), text => Write(text, entries, next));
        return ExitCode.Fine;
    }

    private static async Task<(List<ListedEntry> Entries, ulong? Next)> ReadAsync(RegistryConnection connection, ListEntriesRequest request, int max, CancellationToken cancellationToken)
    {
        var entries = new List<ListedEntry>();
        while (true)
        {
            request.PageSize = (uint)Math.Min(PageSize, max - entries.Count);
            var page = await connection.Ledger.ListEntriesAsync(request, cancellationToken: cancellationToken);
            entries.AddRange(page.Entries);
            if (!page.HasNextIndex || entries.Count == max)
                return (entries, page.HasNextIndex ? page.NextIndex : null);
            request.FromIndex = page.NextIndex;
        }
    }

    private static long Time(Invocation run, Option<string> option)
    {
        var text = run.Get(option);
        if (text.Length == 0)
            return 0;
        const DateTimeStyles Styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, Styles, out var time) && time > DateTimeOffset.UnixEpoch
            ? time.ToUnixTimeMilliseconds()
            : throw Failure.Usage($"'{text}' is no time after 1970.", "For example 2026-11-21T09:00:00Z.");
    }

    private static JsonObject ToJson(List<ListedEntry> entries, ulong? next) => new()
    {
        ["entries"] = new JsonArray([.. entries.Select(ToJson)]),
        ["next_index"] = next,
    };

    private static JsonNode ToJson(ListedEntry entry) => new JsonObject
    {
        ["ledger_index"] = entry.LedgerIndex,
        ["at"] = Instants.FromMilliseconds(entry.SequencedAt),
        ["kind"] = Kind(entry),
        ["class"] = entry.EntryClass.ToString().ToLowerInvariant(),
        ["erased"] = entry.Erased,
        ["subjects"] = Subjects(entry).ToJson(),
    };

    private static void Write(TextWriter text, List<ListedEntry> entries, ulong? next)
    {
        var table = new TextTable("ENTRY", "TIME", "KIND", "CLASS", "SUBJECTS");
        foreach (var entry in entries)
            table.Add($"{entry.LedgerIndex}", Instants.FromMilliseconds(entry.SequencedAt), entry.Erased ? $"{Kind(entry)} (erased)" : Kind(entry), entry.EntryClass.ToString().ToLowerInvariant(), string.Join(' ', Subjects(entry)));
        table.Write(text);
        if (next is { } index)
            text.WriteLine($"There is more: --from-index {index}");
    }

    private static string Kind(ListedEntry entry) => Enum.IsDefined((EntryKind)entry.Kind) ? EntryText.Kind((EntryKind)entry.Kind) : $"kind {entry.Kind}";

    private static string[] Subjects(ListedEntry entry) => [.. entry.Subjects.Select(subject => subject.Length == SubjectId.Size ? $"{SubjectId.Read(subject.Span)}" : "?")];
}
