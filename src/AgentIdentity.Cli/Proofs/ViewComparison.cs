using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Hash = AgentIdentity.Ledger.Hash;

namespace AgentIdentity.Cli.Proofs;

/// <summary>Whether two people were shown one log: their files held against each other, and if that does not decide it and the caller asks for it, a proof of the registry.</summary>
internal static class ViewComparison
{
    private const int AttemptsMax = 5;

    public static async Task<int> RunAsync(Invocation run, byte[] file, byte[] other, TlogPolicy? policy, bool ask, CancellationToken cancellationToken)
    {
        var (ours, theirs) = (Read(file, "the first file", policy), Read(other, "the second file", policy));
        if (ours.Checkpoint.Origin != theirs.Checkpoint.Origin)
            throw Failure.Usage($"The files are of two logs, {ours.Checkpoint.Origin} and {theirs.Checkpoint.Origin}: there is nothing to compare.");
        var agreement = ours.Known.Compare(theirs.Known);
        var isAsked = agreement == TreeAgreement.Undecided && ask;
        if (isAsked && await AskAsync(run, ours, theirs, cancellationToken))
            agreement = TreeAgreement.OneHistory;
        run.Answer(ToJson(ours, theirs, agreement, policy is not null, isAsked), text => Write(text, ours, theirs, agreement, policy is not null, isAsked));
        return agreement switch
        {
            TreeAgreement.SplitView => ExitCode.SplitView,
            TreeAgreement.OneHistory when policy is not null => ExitCode.Fine,
            _ => ExitCode.Refused,
        };
    }

    private static ShownTree Read(byte[] file, string which, TlogPolicy? policy) =>
        ShownTree.TryRead(file, policy, out var tree, out var problem) ? tree : throw Failure.Refused($"Of {which} nothing can be compared: {problem}.");

    // Two paths to one and the same newest checkpoint; the registry may sign another one between the questions. That it refuses one of them proves nothing to anybody.
    private static async Task<bool> AskAsync(Invocation run, ShownTree ours, ShownTree theirs, CancellationToken cancellationToken)
    {
        using var connection = run.Connect();
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            if (await LeadAsync(connection, ours, cancellationToken) == await LeadAsync(connection, theirs, cancellationToken))
                return true;
        }
        return false;
    }

    // The newest tree, which begins with the one that was shown.
    private static async Task<(TreeSize Size, Hash Root)> LeadAsync(RegistryConnection connection, ShownTree shown, CancellationToken cancellationToken)
    {
        GetConsistencyResponse answer;
        try
        {
            answer = await connection.Ledger.GetConsistencyAsync(new GetConsistencyRequest { KnownCheckpoint = shown.Note }, cancellationToken: cancellationToken);
        }
        catch (RegistryRefusedException refused) when (refused.Refusal is Refusal.RolledBack or Refusal.CheckpointNotOurs)
        {
            throw Failure.Refused($"The registry does not lead from the checkpoint of {shown.Checkpoint.Size} entries to its own: {refused.Reason}.", "Keep both files, and compare them with those of others: the refusal alone proves nothing.");
        }
        var newest = SignedNote.TryParse(Encoding.UTF8.GetBytes(answer.Checkpoint), out var note, out _) && Checkpoint.TryParse(note.Text.Span, out var read, out _)
            ? read
            : throw Failure.Refused("The registry's newest checkpoint has no known form.");
        Hash[] path = [.. answer.Path.Select(hash => Hash.Read(hash.Span))];
        return ConsistencyProof.Verify(shown.Checkpoint.Size, newest.Size, shown.Checkpoint.Root, newest.Root, path)
            ? (newest.Size, newest.Root)
            : throw Failure.Refused($"The registry's proof between {shown.Checkpoint.Size} and {newest.Size} entries does not hold.");
    }

    private static JsonObject ToJson(ShownTree ours, ShownTree theirs, TreeAgreement agreement, bool isTrusted, bool isAsked) => new()
    {
        ["verdict"] = Verdict(agreement),
        ["origin"] = ours.Checkpoint.Origin,
        ["trees"] = new JsonArray([.. new[] { ours, theirs }.Select(tree => new JsonObject { ["size"] = tree.Checkpoint.Size.Value, ["root"] = tree.Checkpoint.Root.ToString(), ["checkpoint"] = tree.Note })]),
        ["trusted_key"] = isTrusted,
        ["by_the_registrys_proof"] = isAsked,
    };

    private static void Write(TextWriter text, ShownTree ours, ShownTree theirs, TreeAgreement agreement, bool isTrusted, bool isAsked)
    {
        text.WriteLine($"log {ours.Checkpoint.Origin}: {ours.Checkpoint.Size} entries with root {ours.Checkpoint.Root}, and {theirs.Checkpoint.Size} with root {theirs.Checkpoint.Root}");
        text.WriteLine(agreement switch
        {
            TreeAgreement.OneHistory => $"one history: the smaller tree is the beginning of the larger one{(isAsked ? ", by a proof of the registry that was checked here" : "")}",
            TreeAgreement.SplitView => "SPLIT VIEW: two histories were signed under one name. Keep both files: together they prove it to anybody, and whoever holds the log's key has to answer for it.",
            _ => $"undecided: the files do not overlap enough to tell. A checkpoint alone has no paths: a trail file or a certificate for each side has.{(isAsked ? " The registry went on faster than it could be asked; ask again." : " Add --ask to have the registry prove it.")}",
        });
        text.WriteLine("not checked: the files themselves; agentid audit FILE checks each.");
        if (!isTrusted)
            text.WriteLine("not checked: whose key has signed them; each file names its own. Give the one that you trust with --log-key.");
    }

    private static string Verdict(TreeAgreement agreement) => agreement switch
    {
        TreeAgreement.OneHistory => "one history",
        TreeAgreement.SplitView => "SPLIT VIEW",
        _ => "undecided",
    };
}
