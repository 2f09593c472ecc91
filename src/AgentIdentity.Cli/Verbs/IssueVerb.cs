using System.CommandLine;
using AgentIdentity.Cli.Home;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Gets a credential for an agent of the home folder, and prints it.</summary>
internal static class IssueVerb
{
    private static readonly Option<string> Agent = AgentArgument.Name("The agent's name in the home folder.");
    private static readonly Option<string[]> Audiences = AuthorityOptions.Audiences("Whom the credential may address; may be repeated. Without it: all that the agent may.");
    private static readonly Option<string[]> Allow = AuthorityOptions.Allow("What the credential may do, within the agent's maximum");
    private static readonly Option<string> EnvelopeFile = AuthorityOptions.EnvelopeFile();
    private static readonly Option<int> Depth = AuthorityOptions.Depth();
    private static readonly Option<uint> Lifetime = new("--lifetime") { HelpName = "SECONDS", Description = "300 to 900; 0 takes the registry's default.", DefaultValueFactory = _ => 0 };

    private static readonly Option<bool> EmbeddedProof = new("--embedded-proof") { Description = "Print the form with an embedded proof (eddsa-jcs-2022), a JSON document, instead of the token." };

    public static Command Create() => new Command("issue", "Get a credential for an agent, and print it.") { Agent, Audiences, Allow, Depth, EnvelopeFile, Lifetime, EmbeddedProof }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var agent = new ActingAgent(run, run.Get(Agent));
        var request = new IssueRequest { AuthorizationDetails = AuthorityOptions.Envelope(run, Allow, EnvelopeFile, Depth) ?? "", LifetimeSeconds = run.Get(Lifetime), EmbeddedProof = run.Get(EmbeddedProof) };
        request.Audience.Add(run.Get(Audiences));
        var credential = await agent.IssueAsync(request, cancellationToken);
        // The credential alone, so that it can be piped to agentid verify.
        run.Answer(AgentFolder.CredentialJson(credential), text => text.WriteLine(credential.Document ?? credential.Token));
        return ExitCode.Fine;
    }
}
