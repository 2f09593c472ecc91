using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Begins the erasure of activities. Nothing is erased before two operators have signed the file.</summary>
internal static class EraseVerb
{
    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Option<string> Entries = new("--entries") { Required = true, HelpName = "LIST", Description = "Ledger indexes of activities, for example 12,15-20: at most 1,000." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };
    private static readonly Option<string> Out = new("--out") { Required = true, HelpName = "FILE", Description = "Where to write what two operators are to sign." };

    public static Command Create() =>
        new Command("erase", "Ask for the erasure of what an agent's activities say; their hashes stay in the log. Two operators sign: agentid approve.") { Agent, Entries, Reason, Out }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var did = AgentArgument.Did(run, Agent);
        var indexes = ReadList(run.Get(Entries));
        var action = ApprovedAction.Erase(AgentArgument.Id(run, did), indexes, run.Get(Reason));
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var file = await ApprovalFile.BeginAsync(run, connection, action, run.Get(Out), cancellationToken);
        var json = new JsonObject { ["file"] = run.Get(Out), ["action"] = JsonNode.Parse(action), ["operators_needed"] = file.OperatorsNeeded, ["expires_at"] = Instants.FromMilliseconds(file.ExpiresAt) };
        run.Answer(json, text => text.WriteLine(
            $"{run.Get(Out)}: to be signed by {EntryText.Count(file.OperatorsNeeded, "operator")} until {Instants.FromMilliseconds(file.ExpiresAt)}. Each: agentid approve {run.Get(Out)}"));
        return ExitCode.Fine;
    }

    /// <summary>"12,15-20", ascending; nothing twice.</summary>
    internal static LeafIndex[] ReadList(string list)
    {
        var indexes = new SortedSet<ulong>();
        foreach (var part in list.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !TryRead(ends[0], out var first) || !TryRead(ends[^1], out var last) || last < first || last - first >= ActivitiesErased.IndexesMax)
                throw Failure.Usage($"'{part}' is not an entry or a range of at most 1,000.", "For example --entries 12,15-20");
            for (var index = first; index <= last; index++)
                indexes.Add(index);
        }
        return indexes.Count <= ActivitiesErased.IndexesMax ? [.. indexes.Select(index => new LeafIndex(index))] : throw Failure.Usage("At most 1,000 entries are erased at once.");
    }

    private static bool TryRead(string text, out ulong index) =>
        ulong.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < long.MaxValue;
}
