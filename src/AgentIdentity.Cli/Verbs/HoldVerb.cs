using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Keeps what an agent did from being erased. One operator places a hold, two lift it.</summary>
internal static class HoldVerb
{
    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };
    private static readonly Option<ulong> Hold = new("--hold") { Required = true, HelpName = "ENTRY", Description = "The entry that placed the hold." };

    public static Command Create() => new("hold", "Keep what an agent did from being erased, or end that.")
    {
        new Command("place", "Nothing of the agent can be erased from here on.") { Agent, Reason }.Does(PlaceAsync),
        new Command("lift", "Ask for the end of a hold. Two operators sign: agentid approve.") { Agent, Hold, Reason, ApprovalFile.Out }.Does(LiftAsync),
    };

    internal static JsonObject ToJson(string what, HoldResponse done) => new()
    {
        ["hold"] = what,
        ["ledger_index"] = done.LedgerIndex,
        ["at"] = Instants.FromMilliseconds(done.RecordedAt),
        ["single_operator"] = done.SingleOperator,
    };

    private static async Task<int> PlaceAsync(Invocation run, CancellationToken cancellationToken)
    {
        var did = AgentArgument.Did(run, Agent);
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var done = await connection.Admin.PlaceHoldAsync(new PlaceHoldRequest { Agent = did, Reason = run.Get(Reason) }, cancellationToken: cancellationToken);
        run.Answer(ToJson("placed", done), text => text.WriteLine($"held by entry {done.LedgerIndex}: nothing of {did} can be erased"));
        return ExitCode.Fine;
    }

    private static Task<int> LiftAsync(Invocation run, CancellationToken cancellationToken)
    {
        var agent = AgentArgument.Id(run, AgentArgument.Did(run, Agent));
        return ApprovalFile.AskAsync(run, ApprovedAction.LiftHold(agent, new LeafIndex(run.Get(Hold)), run.Get(Reason)), cancellationToken);
    }
}
