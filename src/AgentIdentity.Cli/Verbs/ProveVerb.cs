using System.CommandLine;
using System.Text.Json.Nodes;
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

    public static Command Create() => new Command("prove", "Prove that the log holds an entry, and say what that means.") { Index, LogKeyOption, PolicyOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        // What is given is read before anything is sent; what the registry names is asked for after the first call.
        if (run.Find(LogKeyOption) is { } given)
            LogKey.Given(given);
        var policy = run.Find(PolicyOption) is { } file ? PolicyFile.Read(file) : null;
        using var connection = run.Connect();
        var received = await PatientlyAsync(run, () => connection.Ledger.GetInclusionProofAsync(new GetInclusionProofRequest { LedgerIndex = run.Get(Index) }, cancellationToken: cancellationToken).ResponseAsync, cancellationToken);
        var known = await LogKey.FindAsync(run, run.Find(LogKeyOption), async () => (await connection.Ledger.GetConsistencyAsync(new GetConsistencyRequest(), cancellationToken: cancellationToken)).LogKey);
        // The first call has followed a rotation of the key, if there was one.
        var logKey = known.Following(run);
        var proof = CheckedProof.Check(received, run.Get(Index), logKey.Key);
        var witnesses = policy is null ? [] : await WitnessesAsync(run, connection, proof, policy.With(logKey.Key), cancellationToken);
        run.Answer(ToJson(proof, logKey, witnesses), text => Write(text, proof, logKey, witnesses));
        return logKey.IsTrusted ? ExitCode.Fine : ExitCode.Refused;
    }

    // Under the newest checkpoint that a quorum has cosigned, which is an older one for a moment.
    private static async Task<IReadOnlyList<WitnessedAt>> WitnessesAsync(Invocation run, RegistryConnection connection, CheckedProof proof, TlogPolicy policy, CancellationToken cancellationToken)
    {
        var request = new GetReceiptRequest { LedgerIndex = proof.Index, MinLevel = AckLevel.Witnessed };
        var received = await PatientlyAsync(run, () => connection.Ledger.GetReceiptAsync(request, cancellationToken: cancellationToken).ResponseAsync, cancellationToken);
        if (!TlogProof.TryParse(received.Receipt.Span, out var receipt, out var refusal) || receipt.Index.Value != proof.Index)
            throw Failure.Refused($"That is no receipt of entry {proof.Index}: {refusal}.");
        refusal = receipt.Verify(proof.LeafHash, policy, out var cosigned, out var why);
        return refusal == TlogProofRefusal.None
            ? cosigned!.Cosignatures
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

    private static JsonObject ToJson(CheckedProof proof, LogKey logKey, IReadOnlyList<WitnessedAt> witnesses) => new()
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
        ["witnesses"] = new JsonArray([.. witnesses.Select(each => new JsonObject { ["name"] = each.Witness.Name, ["at"] = each.Time.ToString("O") })]),
        ["not_checked"] = NotChecked(logKey, witnesses).ToJson(),
    };

    private static void Write(TextWriter text, CheckedProof proof, LogKey logKey, IReadOnlyList<WitnessedAt> witnesses)
    {
        text.WriteLine($"entry {proof.Index} of {proof.Checkpoint.Origin}: {Verdict(logKey)}");
        text.WriteLine($"  checked      its leaf ({proof.ClassWord}, {Trails.EntryText.Count(proof.Leaf.Nullifiers.Length, "subject")}) leads over {Trails.EntryText.Count(proof.PathLength, "hash", "hashes")} to the root of a tree of {proof.Checkpoint.Size}");
        text.WriteLine($"  checked      the checkpoint of that tree is signed by {logKey.Key} ({logKey.Source})");
        foreach (var each in witnesses)
            text.WriteLine($"  checked      {each.Witness.Name} has cosigned a checkpoint that covers it, {each.Time:yyyy-MM-dd HH:mm:ss}Z");
        foreach (var gap in NotChecked(logKey, witnesses))
            text.WriteLine($"  not checked  {gap}");
    }

    private static string Verdict(LogKey logKey) => logKey.IsTrusted ? "proven" : "self-consistent only";

    private static IEnumerable<string> NotChecked(LogKey logKey, IReadOnlyList<WitnessedAt> witnesses)
    {
        if (!logKey.IsTrusted)
            yield return "whose key that is: the registry itself named it; give the one you trust with --log-key";
        yield return "what the entry says: the leaf is blinded; agentid trail opens the entries about an agent";
        if (witnesses.Count == 0)
            yield return "that everybody is shown the same log: no witness was asked for; name those that you trust with --policy";
    }
}
