using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Adds and removes people, by two people.</summary>
internal static class OperatorsChangeVerb
{
    private static readonly Option<string> Name = new("--name") { Required = true, HelpName = "NAME", Description = "Of the operator to be." };
    private static readonly Option<string> ProofOut = new("--out") { Required = true, HelpName = "FILE", Description = "Where to write the proof, which operators need." };
    private static readonly Option<string?> SecretHash = new("--secret-hash") { HelpName = "HASH", Description = "To found a registry with somebody else: what agentid bootstrap --show-hash shows them. The proof is for --operator-proof." };
    private static readonly Argument<string> ProofFile = new("proof") { Description = "What the operator to be made with agentid operators apply, or on the console's page with a passkey." };
    private static readonly Argument<string> Caller = new("caller") { Description = "The caller's id: agentid operators list." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };

    public static Command Apply() =>
        new Command("apply", "Make a key, and prove that you hold it, to become an operator. Two operators add you; you approve nothing for 24 hours.") { Name, ProofOut, SecretHash }.Does((run, _) => Task.FromResult(Apply(run)));

    public static Command Add() => new Command("add", "Ask for an operator to be added. Two operators sign: agentid approve.") { ProofFile, ApprovalFile.Out }.Does(AddAsync);

    public static Command Remove() => new Command("remove", "Ask for a caller to be removed. Two operators sign: agentid approve.") { Caller, Reason, ApprovalFile.Out }.Does(RemoveAsync);

    private static int Apply(Invocation run)
    {
        var founding = run.Find(SecretHash) is { } text ? ReadHash(text) : (Hash?)null;
        using var key = run.Home.MakeKey(CallerRole.Operator, run.Get(Name));
        var proof = founding is { } hash
            ? BootstrapProof.Create(key, run.Registry.PublicUrl, hash, run.Get(Name), run.Clock.GetUtcNow())
            : OperatorProof.Create(key, run.Registry.PublicUrl, run.Get(Name), run.Clock.GetUtcNow());
        var next = founding is null
            ? $"good for an hour. An operator goes on: agentid operators add {run.Get(ProofOut)} --out FILE. Say your key id to both of them"
            : $"good for {BootstrapProof.Window.TotalMinutes} minutes. Whoever has the secret goes on: agentid bootstrap --secret-file FILE --operator NAME --operator-proof {run.Get(ProofOut)}. Your key id";
        PrivateFiles.WriteNew(run.Get(ProofOut), Encoding.ASCII.GetBytes(proof + "\n"));
        run.Answer(
            new JsonObject { ["proof"] = run.Get(ProofOut), ["jkt"] = key.PublicKey.KeyId.ToString(), ["key_file"] = run.Home.KeyFile(CallerRole.Operator, run.Get(Name)) },
            text => text.WriteLine($"{run.Get(ProofOut)}: {next}: {key.PublicKey.KeyId}"));
        return ExitCode.Fine;
    }

    private static Hash ReadHash(string text) =>
        HashText.TryParse(text, out var hash) ? hash : throw Failure.Usage($"'{text}' is no hash of a secret.", "Whoever has the secret shows it: agentid bootstrap --secret-file FILE --show-hash");

    private static Task<int> AddAsync(Invocation run, CancellationToken cancellationToken)
    {
        var text = File.Exists(run.Get(ProofFile)) ? File.ReadAllText(run.Get(ProofFile)).Trim() : throw Failure.Usage($"There is no file {run.Get(ProofFile)}.");
        if (OperatorProof.Read(text, run.Registry.PublicUrl, run.Clock.GetUtcNow(), out var proof) != Credentials.Refusal.None)
            throw Failure.Usage($"{run.Get(ProofFile)} is no proof for {run.Registry.PublicUrl}, or older than an hour.", "Whoever shall become an operator makes it: agentid operators apply --help");
        return ApprovalFile.AskAsync(run, ApprovedAction.AddOperator(proof!.Key.KeyId, proof.Name, proof.Passkey), cancellationToken, text);
    }

    private static Task<int> RemoveAsync(Invocation run, CancellationToken cancellationToken) => SubjectId.TryParse(run.Get(Caller), out var id)
        ? ApprovalFile.AskAsync(run, ApprovedAction.RemoveCaller(id, run.Get(Reason)), cancellationToken)
        : throw Failure.Usage($"'{run.Get(Caller)}' is not the id of a caller.", "agentid operators list shows them.");
}
