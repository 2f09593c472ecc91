using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Says from which entry on an agent or a key is not relied on.</summary>
internal static class CutVerb
{
    private static readonly Argument<string> ScopeArgument = ScopeText.Create();
    private static readonly Option<ulong> After = new("--after") { Required = true, HelpName = "ENTRY", Description = "The last entry that is still good." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };
    private static readonly Option<string> Incident = new("--incident") { HelpName = "ID", Description = "Ties it to stops.", DefaultValueFactory = _ => "" };
    private static readonly Option<string?> Later = new("--out") { HelpName = "FILE", Description = "To move a cut to a later entry: where to write what two operators are to sign." };

    public static Command Create() =>
        new Command("cut", "Rely on nothing that an agent, an agent with its delegates, or a key was given after an entry. One person moves it earlier, two later.") { ScopeArgument, After, Reason, Incident, Later }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var scope = ScopeText.Read(run, run.Get(ScopeArgument));
        if (run.Find(Later) is { } file)
            return await ApprovalFile.AskAsync(run, ApprovedAction.Cut(scope, new LeafIndex(run.Get(After)), run.Get(Reason)), file, cancellationToken);
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var request = new CutRequest { Scope = ScopeText.ToWire(scope), After = run.Get(After), Reason = run.Get(Reason), Incident = run.Get(Incident) };
        var done = await connection.Control.CutAsync(request, cancellationToken: cancellationToken);
        run.Answer(
            new JsonObject { ["scope"] = scope.ToString(), ["after"] = request.After, ["ledger_index"] = done.LedgerIndex, ["index_pending"] = done.IndexPending, ["at"] = Instants.FromMilliseconds(done.CutAt), ["epoch"] = done.Epoch },
            text => text.WriteLine($"{scope} is not relied on after entry {request.After}: entry {done.LedgerIndex}, epoch {done.Epoch}{(done.IndexPending ? "; index pending: the registry's disk is full, and nothing proves it before there is room" : "")}"));
        return ExitCode.Fine;
    }
}
