using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Proofs;
using AgentIdentity.Client;
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

    public static Command Create() => new Command("prove", "Prove that the log holds an entry, and say what that means.") { Index, LogKeyOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        // What is given is read before anything is sent; what the registry names is asked for after the first call.
        if (run.Find(LogKeyOption) is { } given)
            LogKey.Given(given);
        using var connection = run.Connect();
        var received = await FetchAsync(run, connection, cancellationToken);
        var known = await LogKey.FindAsync(run, run.Find(LogKeyOption), async () => (await connection.Ledger.GetConsistencyAsync(new GetConsistencyRequest(), cancellationToken: cancellationToken)).LogKey);
        // The first call has followed a rotation of the key, if there was one.
        var logKey = known.Following(run);
        var proof = CheckedProof.Check(received, run.Get(Index), logKey.Key);
        run.Answer(ToJson(proof, logKey), text => Write(text, proof, logKey));
        return logKey.IsTrusted ? ExitCode.Fine : ExitCode.Refused;
    }

    private static async Task<GetInclusionProofResponse> FetchAsync(Invocation run, RegistryConnection connection, CancellationToken cancellationToken)
    {
        var giveUp = run.Clock.GetTimestamp();
        while (true)
        {
            try
            {
                return await connection.Ledger.GetInclusionProofAsync(new GetInclusionProofRequest { LedgerIndex = run.Get(Index) }, cancellationToken: cancellationToken);
            }
            catch (RegistryRefusedException refused) when (refused.Refusal == Credentials.Refusal.NotIntegrated && run.Clock.GetElapsedTime(giveUp) < Patience)
            {
                await Task.Delay(Pause, run.Clock, cancellationToken);
            }
        }
    }

    private static JsonObject ToJson(CheckedProof proof, LogKey logKey) => new()
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
        ["not_checked"] = NotChecked(logKey).ToJson(),
    };

    private static void Write(TextWriter text, CheckedProof proof, LogKey logKey)
    {
        text.WriteLine($"entry {proof.Index} of {proof.Checkpoint.Origin}: {Verdict(logKey)}");
        text.WriteLine($"  checked      its leaf ({proof.ClassWord}, {Trails.EntryText.Count(proof.Leaf.Nullifiers.Length, "subject")}) leads over {Trails.EntryText.Count(proof.PathLength, "hash", "hashes")} to the root of a tree of {proof.Checkpoint.Size}");
        text.WriteLine($"  checked      the checkpoint of that tree is signed by {logKey.Key} ({logKey.Source})");
        foreach (var gap in NotChecked(logKey))
            text.WriteLine($"  not checked  {gap}");
    }

    private static string Verdict(LogKey logKey) => logKey.IsTrusted ? "proven" : "self-consistent only";

    private static IEnumerable<string> NotChecked(LogKey logKey)
    {
        if (!logKey.IsTrusted)
            yield return "whose key that is: the registry itself named it; give the one you trust with --log-key";
        yield return "what the entry says: the leaf is blinded; agentid trail opens the entries about an agent";
        yield return "that everybody is shown the same log: no witness has cosigned this checkpoint";
    }
}
