using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Proofs;

/// <summary>On whose word an entry is proven besides that of the log's key.</summary>
internal sealed record Grounds(IReadOnlyList<WitnessedAt> Witnesses, AnchorNote? Anchor, ChainAnswer? Answer);

/// <summary>Tells what a proof has shown, and what it has not.</summary>
internal static class ProofText
{
    /// <summary>The exit code that follows.</summary>
    public static int Answer(Invocation run, CheckedProof proof, LogKey logKey, Grounds grounds)
    {
        run.Answer(ToJson(proof, logKey, grounds), text => Write(text, proof, logKey, grounds));
        return logKey.IsTrusted && grounds.Answer is null or { Result: TrailResult.Passed } ? ExitCode.Fine : ExitCode.Refused;
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
        text.WriteLine($"  checked      its leaf ({proof.ClassWord}, {EntryText.Count(proof.Leaf.Nullifiers.Length, "subject")}) leads over {EntryText.Count(proof.PathLength, "hash", "hashes")} to the root of a tree of {proof.Checkpoint.Size}");
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
}
