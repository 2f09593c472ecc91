using System.CommandLine;
using AgentIdentity.Cli.Home;
using AgentIdentity.Client;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Passes a part of an agent's authority on to another agent, and prints the other's credential.</summary>
internal static class DelegateVerb
{
    private static readonly Argument<string> To = AgentArgument.Create();
    private static readonly Option<string> Agent = AgentArgument.Name("The name in the home folder of the agent that passes on.");
    private static readonly Option<string> Credential = CredentialFile.Option("The credential that is passed on from. Without it: the agent's own.");
    private static readonly Option<string[]> Allow = AuthorityOptions.Allow("What is passed on, within the credential");
    private static readonly Option<int> Depth = AuthorityOptions.Depth();
    private static readonly Option<string> EnvelopeFile = AuthorityOptions.EnvelopeFile();
    private static readonly Option<string[]> Audiences = AuthorityOptions.Audiences("Whom it may be shown to; may be repeated. Without it: all that the credential names.");
    private static readonly Option<uint> Lifetime = new("--lifetime") { HelpName = "SECONDS", Description = "1 to 900; 0: as long as the credential.", DefaultValueFactory = _ => 0 };
    private static readonly Option<string[]> Budgets = BudgetOption.Create("--budget", "What may be used up, by the agent and all that it passes on to together; may be repeated.");

    public static Command Create() => new Command("delegate", "Pass a part of an agent's authority on to another agent, and print the credential for that one.")
    {
        To, Agent, Credential, Allow, Depth, EnvelopeFile, Audiences, Lifetime, Budgets,
    }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = Request(run);
        using var agent = new ActingAgent(run, run.Get(Agent));
        using var connection = run.Connect(agent.Key, agent.Shows(CredentialFile.Read(run, Credential)));
        var passedOn = await AgentDelegation.DelegateAsync(connection, request, cancellationToken);
        // The credential alone, so that it can be kept in a file for the other agent.
        run.Answer(AgentFolder.CredentialJson(passedOn), text => text.WriteLine(passedOn.Token));
        return ExitCode.Fine;
    }

    private static DelegateRequest Request(Invocation run) => new()
    {
        Agent = AgentArgument.Did(run, To),
        AuthorizationDetails = AuthorityOptions.Envelope(run, Allow, EnvelopeFile, Depth)
            ?? throw Failure.Usage("Nothing is passed on.", "Say what, for example --allow 'documents:read:https://tools.example/documents/7', or give --envelope FILE."),
        Audience = { run.Get(Audiences) },
        LifetimeSeconds = run.Get(Lifetime),
        Budgets = { BudgetOption.Read(run, Budgets) },
    };
}
