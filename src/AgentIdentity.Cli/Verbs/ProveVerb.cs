using System.CommandLine;
using AgentIdentity.Cli.Chains;
using AgentIdentity.Cli.Proofs;
using AgentIdentity.Client;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Proves, without trusting the registry, that the log holds an entry.</summary>
internal static class ProveVerb
{
    // A checkpoint is signed each second: an entry that was just written is covered soon.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private static readonly Argument<ulong> Index = new("index") { Description = "The ledger index of the entry, as answers and trails show it." };

    private static readonly Option<string> LogKeyOption = new("--log-key")
    {
        HelpName = "VKEY",
        Description = "The log's key, from where you trust it. Without it: the one that bootstrap kept in the home folder, else the registry's own word.",
    };

    private static readonly Option<string> PolicyOption = new("--policy") { HelpName = "FILE", Description = "Prove it by the word of witnesses too: a policy (C2SP tlog-policy) with those that you trust, and their quorum." };

    private static readonly Option<bool> AnchoredOption = new("--anchored") { Description = "Prove it by the chain too: an anchor that is final, in agreement with the proof." };

    private static readonly Option<string[]> RpcOption = ChainQuestion.Option();

    private static readonly Option<string?> OutOption = new("--out") { HelpName = "FILE", Description = "Write the receipt, which agentid receipt checks offline. Of the anchor if one was asked for, else of the witnesses." };

    public static Command Create() => new Command("prove", "Prove that the log holds an entry, and say what that means.") { Index, LogKeyOption, PolicyOption, AnchoredOption, RpcOption, OutOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        // What is given is read before anything is sent; what the registry names is asked for after the first call.
        if (run.Find(LogKeyOption) is { } given)
            LogKey.Given(given);
        var policy = run.Find(PolicyOption) is { } file ? PolicyFile.Read(file) : null;
        var nodes = ChainQuestion.Nodes(run, RpcOption);
        using var connection = run.Connect();
        var received = await PatientlyAsync(run, () => connection.Ledger.GetInclusionProofAsync(new GetInclusionProofRequest { LedgerIndex = run.Get(Index) }, cancellationToken: cancellationToken).ResponseAsync, cancellationToken);
        var known = await LogKey.FindAsync(run, run.Find(LogKeyOption), async () => (await connection.Ledger.GetConsistencyAsync(new GetConsistencyRequest(), cancellationToken: cancellationToken)).LogKey);
        // The first call has followed a rotation of the key, if there was one.
        var logKey = known.Following(run);
        var proof = CheckedProof.Check(received, run.Get(Index), logKey.Key);
        // Under a checkpoint of its own each: the newest that a quorum has cosigned is an older one for a moment.
        var witnessed = policy is null ? null : await ReceiptAsync(run, connection, proof, AckLevel.Witnessed, cancellationToken);
        var anchored = run.Get(AnchoredOption) || nodes.Length > 0 ? await ReceiptAsync(run, connection, proof, AckLevel.Anchored, cancellationToken) : null;
        var anchor = anchored is null ? null : anchored.AnchorUnder(logKey.Key) ?? throw Failure.Refused($"No anchor came with the receipt of entry {proof.Index}.");
        var grounds = new Grounds(
            witnessed?.Under(policy!.With(logKey.Key)).Cosignatures ?? [], anchor, nodes.Length > 0 ? await ChainQuestion.AskAsync(anchor, nodes, cancellationToken) : null);
        if (run.Find(OutOption) is { } receiptFile)
        {
            var receipt = anchored ?? witnessed ?? await ReceiptAsync(run, connection, proof, AckLevel.Integrated, cancellationToken);
            receipt.Under(TlogPolicy.LogAlone(logKey.Key));
            receipt.WriteTo(receiptFile);
        }
        return ProofText.Answer(run, proof, logKey, grounds);
    }

    private static async Task<Receipt> ReceiptAsync(Invocation run, RegistryConnection connection, CheckedProof proof, AckLevel level, CancellationToken cancellationToken)
    {
        var request = new GetReceiptRequest { LedgerIndex = proof.Index, MinLevel = level };
        return Receipt.Of(await PatientlyAsync(run, () => connection.Ledger.GetReceiptAsync(request, cancellationToken: cancellationToken).ResponseAsync, cancellationToken), proof);
    }

    private static async Task<T> PatientlyAsync<T>(Invocation run, Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        var begun = run.Clock.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (RegistryRefusedException refused) when (refused.Refusal == Credentials.Refusal.NotIntegrated && run.Clock.GetElapsedTime(begun) < Patience)
            {
                await Task.Delay(Pause, run.Clock, cancellationToken);
            }
        }
    }
}
