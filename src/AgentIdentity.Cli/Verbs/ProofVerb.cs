using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Makes the key proof that goes with a credential, for trying tools and <c>agentid verify</c> by hand.</summary>
internal static class ProofVerb
{
    private const string Example = "For example: agentid issue --agent summariser | agentid proof --agent summariser --url https://tools.example/documents --nonce NONCE";

    private static readonly Option<string> Agent = AgentArgument.Name("The agent's name in the home folder.");
    private static readonly Option<string> Method = new("--method") { HelpName = "METHOD", Description = "The HTTP method of the request.", DefaultValueFactory = _ => "GET" };
    private static readonly Option<string> Url = new("--url") { Required = true, HelpName = "URL", Description = "The request's target, without query and fragment." };
    private static readonly Option<string> Nonce = new("--nonce") { Required = true, HelpName = "NONCE", Description = "The nonce that the tool gave." };

    public static Command Create() => new Command("proof", "Make the key proof for one request with the credential on standard input.") { Agent, Method, Url, Nonce }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var url = HttpUrl.Read(Url.Name, run.Get(Url)).OriginalString;
        using var key = run.Home.Agent(run.Get(Agent)).ReadKey();
        var credential = await run.ReadInputAsync("The credential", Example, cancellationToken);
        var credentialHash = Sha256.Hash(Encoding.ASCII.GetBytes(credential)).ToBase64Url();
        var proof = KeyProof.Create(key, new RequestBinding(run.Get(Method), url, run.Get(Nonce), credentialHash), run.Clock.GetUtcNow());
        run.Answer(new JsonObject { ["proof"] = proof }, text => text.WriteLine(proof));
        return ExitCode.Fine;
    }
}
