using System.CommandLine;
using System.Globalization;
using AgentIdentity.Cli.Approvals;
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

    public static Command Create() =>
        new Command("erase", "Ask for the erasure of what an agent's activities say; their hashes stay in the log. Two operators sign: agentid approve.") { Agent, Entries, Reason, ApprovalFile.Out }.Does(RunAsync);

    private static Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var agent = AgentArgument.Id(run, AgentArgument.Did(run, Agent));
        return ApprovalFile.AskAsync(run, ApprovedAction.Erase(agent, ReadList(run.Get(Entries), Entries.Name), run.Get(Reason)), cancellationToken);
    }

    /// <summary>"12,15-20", ascending; nothing twice.</summary>
    internal static LeafIndex[] ReadList(string list, string asked)
    {
        var indexes = new SortedSet<ulong>();
        foreach (var part in list.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !TryRead(ends[0], out var first) || !TryRead(ends[^1], out var last) || last < first || last - first >= ActivitiesErased.IndexesMax)
                throw Failure.Usage($"'{part}' is not an entry or a range of at most 1,000.", $"For example {asked} 12,15-20");
            for (var index = first; index <= last; index++)
                indexes.Add(index);
        }
        return indexes.Count <= ActivitiesErased.IndexesMax ? [.. indexes.Select(index => new LeafIndex(index))] : throw Failure.Usage("At most 1,000 entries are erased at once.");
    }

    private static bool TryRead(string text, out ulong index) =>
        ulong.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < long.MaxValue;
}
