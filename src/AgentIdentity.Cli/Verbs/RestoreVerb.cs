using System.CommandLine;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Begins the lifting of stops. Nothing is restored before two operators have signed the file.</summary>
internal static class RestoreVerb
{
    private static readonly Argument<string> Stops = new("stops") { Description = "The entries of the stops, for example 12 or 12,15: agentid stops shows them." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };

    public static Command Create() => new Command("restore", "Ask for stops to be lifted. Two operators sign: agentid approve.") { Stops, Reason, ApprovalFile.Out }.Does(RunAsync);

    private static Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var stops = EraseVerb.ReadList(run.Get(Stops), "agentid restore");
        return ApprovalFile.AskAsync(run, ApprovedAction.Restore(stops, run.Get(Reason)), cancellationToken, about: connection => AboutAsync(connection, stops, cancellationToken));
    }

    private static async Task<IReadOnlyList<string>> AboutAsync(RegistryConnection connection, IReadOnlyList<LeafIndex> stops, CancellationToken cancellationToken)
    {
        var answer = await connection.Control.ListStopsAsync(new ListStopsRequest(), cancellationToken: cancellationToken);
        return [.. answer.Stops.Where(stop => stops.Contains(new LeafIndex(stop.LedgerIndex))).Select(StopsVerb.Line)];
    }
}
