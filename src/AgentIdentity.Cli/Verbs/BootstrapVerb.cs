using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Redeems the bootstrap secret: makes the first operators' keys, and keeps the log key that the registry names.</summary>
internal static class BootstrapVerb
{
    private static readonly Option<string> SecretFile = new("--secret-file")
    {
        Required = true,
        HelpName = "FILE",
        Description = "The file that the registry wrote at its first start, for example data/bootstrap-secret.",
    };

    private static readonly Option<string[]> Operators = new("--operator")
    {
        HelpName = "NAME",
        Description = "A first operator whose key is made here, in this home folder. One person is one operator: let the other bring a proof.",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string[]> Proofs = new("--operator-proof")
    {
        HelpName = "FILE",
        Description = "What another first operator made on a machine of their own within the last five minutes: agentid operators apply --secret-hash HASH.",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<bool> HashOnly = new("--show-hash") { Description = "Send nothing; show the hash of the secret, which another first operator needs, and which founds nothing." };

    public static Command Create() => new Command("bootstrap", "Make the first operators, once, with the bootstrap secret.") { SecretFile, Operators, Proofs, HashOnly }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var secret = Encoding.ASCII.GetString(PrivateFiles.ReadSecret(run.Get(SecretFile))).Trim();
        var hash = Sha256.Hash(Encoding.ASCII.GetBytes(secret));
        if (run.Get(HashOnly))
        {
            run.Answer(new JsonObject { ["secret_hash"] = hash.ToBase64Url() }, text => text.WriteLine(hash.ToBase64Url()));
            return ExitCode.Fine;
        }
        var request = new BootstrapRequest { Secret = secret, Operators = { run.Get(Proofs).Select(file => Brought(run, file, hash)) } };
        request.Operators.Add(run.Get(Operators).Select(name => Made(run, name, hash)));
        if (request.Operators.Count == 0)
            throw Failure.Usage("A registry is founded by its first operators.", $"Name them with {Operators.Name} and {Proofs.Name}.");
        using var connection = run.Connect();
        var answer = await connection.Admin.BootstrapAsync(request, cancellationToken: cancellationToken);
        Invocation.Keep(() => run.Home.Registry.Write(run.Registry.PublicUrl, answer.LogKey));
        run.Answer(ToJson(answer), text => Write(text, run, answer));
        return ExitCode.Fine;
    }

    private static FirstOperator Made(Invocation run, string name, Hash secretHash)
    {
        using var key = run.Home.MakeKey(CallerRole.Operator, name);
        return new FirstOperator { Name = name, Proof = BootstrapProof.Create(key, run.Registry.PublicUrl, secretHash, name, run.Clock.GetUtcNow()) };
    }

    private static FirstOperator Brought(Invocation run, string file, Hash secretHash)
    {
        var proof = File.Exists(file) ? File.ReadAllText(file).Trim() : throw Failure.Usage($"There is no file {file}.");
        var refusal = BootstrapProof.Read(proof, run.Registry.PublicUrl, secretHash, run.Clock.GetUtcNow(), out var read);
        return refusal == Credentials.Refusal.None
            ? new FirstOperator { Name = read!.Name, Proof = proof }
            : throw Failure.Usage($"{file} is no proof for {run.Registry.PublicUrl} and this secret, or older than {BootstrapProof.Window.TotalMinutes} minutes.", "Its owner makes a new one, with the same key: agentid operators apply --secret-hash HASH");
    }

    private static JsonObject ToJson(BootstrapResponse answer) => new()
    {
        ["origin"] = answer.Origin,
        ["registry_did"] = answer.RegistryDid,
        ["log_key"] = answer.LogKey,
        ["single_operator"] = answer.SingleOperator,
        ["operators"] = new JsonArray([.. answer.Operators.Select(CallerText.ToJson)]),
        ["epoch"] = answer.At.Epoch,
        ["position"] = answer.At.Position,
    };

    private static void Write(TextWriter text, Invocation run, BootstrapResponse answer)
    {
        text.WriteLine($"registry  {answer.RegistryDid}{(answer.SingleOperator ? "  (single operator: for trying out)" : "")}");
        text.WriteLine($"log key   {answer.LogKey}");
        foreach (var made in answer.Operators)
            text.WriteLine($"operator  {made.Name}  {(run.Get(Operators).Contains(made.Name) ? run.Home.KeyFile(CallerRole.Operator, made.Name) : "keeps the key")}");
    }
}
