using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Shows all that is on the record about an agent, each entry checked against its leaf, or writes it to a file that can be checked offline.</summary>
internal static class TrailVerb
{
    // A statement can hold 1,000 hashes; a page stays below the 4 MB that a gRPC client takes.
    private const uint PageSize = 100;

    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Option<ulong> From = new("--from") { HelpName = "N", Description = "Begin with entry N about the agent; the first is 0.", DefaultValueFactory = _ => 0 };
    private static readonly Option<ulong> To = new("--to") { HelpName = "M", Description = "With --out: open activities below entry M only; everything else is always open." };
    private static readonly Option<string> Out = new("--out") { HelpName = "FILE", Description = "Write a trail file instead, which agentid audit checks offline." };

    public static Command Create() => new Command("trail", "Show what is on the record about an agent, and check it. Reading is on the record too.") { Agent, From, To, Out }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var did = AgentArgument.Did(run, Agent);
        if (run.Find(Out) is { } file)
            return await ExportAsync(run, did, file, cancellationToken);
        if (run.Find(To) != 0)
            throw Failure.Usage("--to goes with --out.");
        var lines = await ReadAsync(run, did, cancellationToken);
        run.Answer(TrailText.ToJson(did, lines), text => TrailText.Write(text, lines));
        return lines.TrueForAll(line => line.Problems.Count == 0) ? ExitCode.Fine : ExitCode.Refused;
    }

    private static async Task<List<TrailLine>> ReadAsync(Invocation run, string did, CancellationToken cancellationToken)
    {
        var check = new TrailCheck(AgentArgument.Id(run, did), run.Get(From));
        var request = new ListTrailRequest { Agent = did, FromSubjectSequence = run.Get(From), PageSize = PageSize };
        using var key = run.Signer(CallerRole.Auditor, CallerRole.Operator, CallerRole.Sponsor);
        using var connection = run.Connect(key);
        return await Progress.ShowAsync(run, "Entries", total: null, report => ReadPagesAsync(connection, request, check, report, cancellationToken));
    }

    private static async Task<int> ExportAsync(Invocation run, string did, string file, CancellationToken cancellationToken)
    {
        var request = new ExportTrailRequest { Agent = did, FromSubjectSequence = run.Get(From), ToSubjectSequence = run.Find(To) };
        using var key = run.Signer(CallerRole.Auditor, CallerRole.Operator, CallerRole.Sponsor);
        using var connection = run.Connect(key);
        var written = await Progress.ShowAsync(run, "Entries", total: null, report => TrailDownload.WriteAsync(connection, request, file, report, cancellationToken));
        var json = new JsonObject { ["agent"] = did, ["file"] = written.File, ["bytes"] = written.Bytes, ["entries"] = written.Entries };
        run.Answer(json, text => text.WriteLine($"{written.File}: {EntryText.Count((long)written.Entries, "entry", "entries")}, {written.Bytes:N0} bytes. Check it anywhere: agentid audit {written.File} --log-key VKEY"));
        return ExitCode.Fine;
    }

    private static async Task<List<TrailLine>> ReadPagesAsync(
        RegistryConnection connection, ListTrailRequest request, TrailCheck check, Action<int> report, CancellationToken cancellationToken)
    {
        var lines = new List<TrailLine>();
        while (true)
        {
            var page = await connection.Ledger.ListTrailAsync(request, cancellationToken: cancellationToken);
            lines.AddRange(page.Entries.Select(check.Read));
            report(lines.Count);
            if (!page.HasNextSubjectSequence)
            {
                return lines;
            }
            request.FromSubjectSequence = page.NextSubjectSequence;
        }
    }
}
