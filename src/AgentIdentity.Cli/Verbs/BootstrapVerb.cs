using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
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
        Required = true,
        HelpName = "NAME",
        Description = "A first operator's name. Two, or one where the registry runs with a single operator.",
    };

    public static Command Create() => new Command("bootstrap", "Make the first operators, once, with the bootstrap secret.") { SecretFile, Operators }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = Request(run);
        using var connection = run.Connect();
        var answer = await connection.Admin.BootstrapAsync(request, cancellationToken: cancellationToken);
        run.Home.Registry.Write(run.Registry.PublicUrl, answer.LogKey);
        run.Answer(ToJson(answer), text => Write(text, run, answer));
        return ExitCode.Fine;
    }

    private static BootstrapRequest Request(Invocation run)
    {
        var secret = Encoding.ASCII.GetString(PrivateFiles.ReadSecret(run.Get(SecretFile))).Trim();
        var secretHash = Sha256.Hash(Encoding.ASCII.GetBytes(secret));
        var request = new BootstrapRequest { Secret = secret };
        foreach (var name in run.Get(Operators))
        {
            using var key = run.Home.MakeKey(CallerRole.Operator, name);
            request.Operators.Add(new FirstOperator { Name = name, Proof = BootstrapProof.Create(key, run.Registry.PublicUrl, secretHash, name, run.Clock.GetUtcNow()) });
        }
        return request;
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
            text.WriteLine($"operator  {made.Name}  {run.Home.KeyFile(CallerRole.Operator, made.Name)}");
    }
}
