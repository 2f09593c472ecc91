using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Shows all that is on the record about an agent, each entry checked against its leaf.</summary>
internal static class TrailVerb
{
    // A statement can hold 1,000 hashes; a page stays below the 4 MB that a gRPC client takes.
    private const uint PageSize = 100;

    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Option<ulong> From = new("--from") { HelpName = "N", Description = "Begin with entry N about the agent; the first is 0.", DefaultValueFactory = _ => 0 };

    public static Command Create() => new Command("trail", "Show what is on the record about an agent, and check it. Reading is on the record too.") { Agent, From }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var did = AgentArgument.Did(run, Agent);
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
                return lines;
            request.FromSubjectSequence = page.NextSubjectSequence;
        }
    }
}
