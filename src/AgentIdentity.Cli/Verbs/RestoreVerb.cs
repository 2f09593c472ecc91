using System.CommandLine;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Credentials.Proofs;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Begins the lifting of stops. Nothing is restored before two operators have signed the file.</summary>
internal static class RestoreVerb
{
    private static readonly Argument<string> Stops = new("stops") { Description = "The entries of the stops, for example 12 or 12,15: agentid stops shows them." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };

    public static Command Create() => new Command("restore", "Ask for stops to be lifted. Two operators sign: agentid approve.") { Stops, Reason, ApprovalFile.Out }.Does(RunAsync);

    private static Task<int> RunAsync(Invocation run, CancellationToken cancellationToken) =>
        ApprovalFile.AskAsync(run, ApprovedAction.Restore(EraseVerb.ReadList(run.Get(Stops)), run.Get(Reason)), cancellationToken);
}
