using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Cli.Chains;
using AgentIdentity.Cli.Proofs;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Trails;
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

    public static Command Create() => new Command("prove", "Prove that the log holds an entry, and say what that means.") { Index, LogKeyOption, PolicyOption, AnchoredOption, RpcOption }.Does(RunAsync);

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
        var witnesses = policy is null ? [] : await WitnessesAsync(run, connection, proof, policy.With(logKey.Key), cancellationToken);
        var anchor = run.Get(AnchoredOption) || nodes.Length > 0 ? await AnchorAsync(run, connection, proof, logKey.Key, cancellationToken) : null;
        var answer = nodes.Length > 0 ? await ChainQuestion.AskAsync(anchor, nodes, cancellationToken) : null;
        var grounds = new Grounds(witnesses, anchor, answer);
        run.Answer(ToJson(proof, logKey, grounds), text => Write(text, proof, logKey, grounds));
        return logKey.IsTrusted && answer is null or { Result: TrailResult.Passed } ? ExitCode.Fine : ExitCode.Refused;
    }

    // Under the newest checkpoint, which goes on from what was anchored.
    private static async Task<AnchorNote> AnchorAsync(Invocation run, RegistryConnection connection, CheckedProof proof, NoteVerifierKey logKey, CancellationToken cancellationToken)
    {
        var received = await ReceiptAsync(run, connection, proof, AckLevel.Anchored, cancellationToken);
        var checkpoint = Verified(received, proof, TlogPolicy.LogAlone(logKey)).Checkpoint;
        if (!ShownAnchor.TryRead(received.Anchor.Memory, out var shown, out var problem))
            throw Failure.Refused($"What came with the receipt of entry {proof.Index} is no anchor: {problem}.");
        if (shown.Check(checkpoint, logKey, out problem) is not { } anchor)
            throw Failure.Refused($"The anchor of entry {proof.Index} does not hold: {problem}.");
        return anchor.Size.Contains(new LeafIndex(proof.Index)) ? anchor : throw Failure.Refused($"The anchor is of {anchor.Size} entries, and does not cover entry {proof.Index}.");
    }

    // Under the newest checkpoint that a quorum has cosigned, which is an older one for a moment.
    private static async Task<IReadOnlyList<WitnessedAt>> WitnessesAsync(Invocation run, RegistryConnection connection, CheckedProof proof, TlogPolicy policy, CancellationToken cancellationToken)
    {
        var received = await ReceiptAsync(run, connection, proof, AckLevel.Witnessed, cancellationToken);
        return Verified(received, proof, policy).Cosignatures;
    }

    private static Task<GetReceiptResponse> ReceiptAsync(Invocation run, RegistryConnection connection, CheckedProof proof, AckLevel level, CancellationToken cancellationToken)
    {
        var request = new GetReceiptRequest { LedgerIndex = proof.Index, MinLevel = level };
        return PatientlyAsync(run, () => connection.Ledger.GetReceiptAsync(request, cancellationToken: cancellationToken).ResponseAsync, cancellationToken);
    }

    private static CosignedCheckpoint Verified(GetReceiptResponse received, CheckedProof proof, TlogPolicy policy)
    {
        if (!TlogProof.TryParse(received.Receipt.Span, out var receipt, out var refusal) || receipt.Index.Value != proof.Index)
            throw Failure.Refused($"That is no receipt of entry {proof.Index}: {refusal}.");
        refusal = receipt.Verify(proof.LeafHash, policy, out var cosigned, out var why);
        return refusal == TlogProofRefusal.None
            ? cosigned!
            : throw Failure.Refused($"The receipt of entry {proof.Index} does not hold under that policy: {refusal}{(why == NoteRefusal.None ? "" : $", {why}")}.");
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

    private static JsonObject ToJson(CheckedProof proof, LogKey logKey, Grounds grounds) => new()
    {
        ["ledger_index"] = proof.Index,
        ["verdict"] = Verdict(logKey),
        ["origin"] = proof.Checkpoint.Origin,
        ["tree_size"] = proof.Checkpoint.Size.Value,
        ["root"] = proof.Checkpoint.Root.ToString(),
        ["leaf_hash"] = proof.LeafHash.ToString(),
        ["class"] = proof.ClassWord,
        ["subjects"] = proof.Leaf.Nullifiers.Length,
        ["path_hashes"] = proof.PathLength,
        ["log_key"] = logKey.Key.ToString(),
        ["log_key_from"] = logKey.Source,
        ["witnesses"] = new JsonArray([.. grounds.Witnesses.Select(each => new JsonObject { ["name"] = each.Witness.Name, ["at"] = each.Time.ToString("O") })]),
        ["anchor"] = grounds.Anchor is { } anchor ? ToJson(anchor, grounds.Answer) : null,
        ["not_checked"] = NotChecked(logKey, grounds).ToJson(),
    };

    private static JsonObject ToJson(AnchorNote anchor, ChainAnswer? answer) => new()
    {
        ["entries"] = anchor.Size.Value,
        ["chain_id"] = anchor.ChainId,
        ["contract"] = anchor.Contract,
        ["transaction"] = new ChainHash(anchor.Transaction).ToString(),
        ["block"] = anchor.Block,
        ["confirmed"] = answer?.Result == TrailResult.Passed,
        ["words"] = answer?.Words,
    };

    private static void Write(TextWriter text, CheckedProof proof, LogKey logKey, Grounds grounds)
    {
        text.WriteLine($"entry {proof.Index} of {proof.Checkpoint.Origin}: {Verdict(logKey)}");
        text.WriteLine($"  checked      its leaf ({proof.ClassWord}, {Trails.EntryText.Count(proof.Leaf.Nullifiers.Length, "subject")}) leads over {Trails.EntryText.Count(proof.PathLength, "hash", "hashes")} to the root of a tree of {proof.Checkpoint.Size}");
        text.WriteLine($"  checked      the checkpoint of that tree is signed by {logKey.Key} ({logKey.Source})");
        foreach (var each in grounds.Witnesses)
            text.WriteLine($"  checked      {each.Witness.Name} has cosigned a checkpoint that covers it, {each.Time:yyyy-MM-dd HH:mm:ss}Z");
        if (grounds is { Anchor: { } anchor, Answer: null })
            text.WriteLine($"  checked      it is among the first {anchor.Size} entries, which the log's key says are anchored in block {anchor.Block} of chain {anchor.ChainId}; not asked of the chain");
        if (grounds.Answer is { } answer)
            text.WriteLine($"  {(answer.Result switch { TrailResult.Passed => "checked    ", TrailResult.NotChecked => "not checked", _ => "NOT SO     " })}  {answer.Words}");
        foreach (var gap in NotChecked(logKey, grounds))
            text.WriteLine($"  not checked  {gap}");
    }

    private static string Verdict(LogKey logKey) => logKey.IsTrusted ? "proven" : "self-consistent only";

    private static IEnumerable<string> NotChecked(LogKey logKey, Grounds grounds)
    {
        if (!logKey.IsTrusted)
            yield return "whose key that is: the registry itself named it; give the one you trust with --log-key";
        yield return "what the entry says: the leaf is blinded; agentid trail opens the entries about an agent";
        if (grounds is { Anchor: not null, Answer: null })
            yield return ChainAnswer.NotAsked;
        if (grounds.Witnesses.Count == 0 && grounds.Answer is not { Result: TrailResult.Passed })
            yield return "that everybody is shown the same log: no witness was asked for; name those that you trust with --policy";
    }

    /// <summary>On whose word it is proven besides that of the log's key.</summary>
    private sealed record Grounds(IReadOnlyList<WitnessedAt> Witnesses, AnchorNote? Anchor, ChainAnswer? Answer);
}
