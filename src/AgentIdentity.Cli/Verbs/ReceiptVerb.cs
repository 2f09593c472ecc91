using System.CommandLine;
using AgentIdentity.Cli.Chains;
using AgentIdentity.Cli.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Checks a receipt that somebody has kept. The registry is not asked.</summary>
internal static class ReceiptVerb
{
    private static readonly Argument<string> ReceiptArgument = new("file") { Description = "What agentid prove --out has written, and beside it the anchor, if there was one." };
    private static readonly Option<string> LogKeyOption = new("--log-key") { HelpName = "VKEY", Description = "The log's key, from where you trust it. Without it: the one that bootstrap kept in the home folder." };
    private static readonly Option<string> PolicyOption = new("--policy") { HelpName = "FILE", Description = "A policy (C2SP tlog-policy) with the witnesses that you trust, and their quorum." };
    private static readonly Option<string[]> RpcOption = ChainQuestion.Option();

    public static Command Create() => new Command("receipt", "Check a receipt offline: that the log held the entry, on whose word, and whether the chain has it.") { ReceiptArgument, LogKeyOption, PolicyOption, RpcOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var receipt = Receipt.Read(run.Get(ReceiptArgument));
        var policy = run.Find(PolicyOption) is { } file ? PolicyFile.Read(file) : null;
        var nodes = ChainQuestion.Nodes(run, RpcOption);
        var known = await LogKey.FindAsync(run, run.Find(LogKeyOption), () => throw Failure.Usage("No key of the log is known here, and a receipt names none.", "Give the one that you trust with --log-key."));
        var logKey = known.Key.Name == receipt.Origin ? known : known.Following(run);
        var cosigned = receipt.Under(policy?.With(logKey.Key) ?? TlogPolicy.LogAlone(logKey.Key));
        var anchor = receipt.AnchorUnder(logKey.Key);
        var answer = nodes.Length > 0 ? await ChainQuestion.AskAsync(anchor, nodes, cancellationToken) : null;
        return ProofText.Answer(run, receipt.Proven(cosigned), logKey, new Grounds(cosigned.Cosignatures, anchor, answer));
    }
}
