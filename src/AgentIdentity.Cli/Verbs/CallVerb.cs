using System.CommandLine;
using AgentIdentity.Cli.Home;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Calls a protected tool over HTTP as an agent, with its credential and a key proof.</summary>
internal static class CallVerb
{
    private static readonly Argument<string> Url = new("url") { Description = "The tool's URL." };
    private static readonly Option<string> Agent = AgentArgument.Name("The agent's name in the home folder.");
    private static readonly Option<string> Method = new("--method") { HelpName = "METHOD", Description = "The HTTP method.", DefaultValueFactory = _ => "GET" };
    private static readonly Option<string> Data = new("--data") { HelpName = "TEXT", Description = "The body of the request." };

    private static readonly Option<string> Credential = CredentialFile.Option("The credential to show, for example one that was passed on to the agent. Without it: the agent's own.");

    public static Command Create() => new Command("call", "Call a protected tool as an agent: exit code 0 when it answers with success.") { Url, Agent, Method, Data, Credential }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var agent = new ActingAgent(run, run.Get(Agent));
        var url = ToolUrl(run);
        var answer = await ToolCall.SendAsync(agent.Key, agent.Shows(CredentialFile.Read(run, Credential)), () => Request(run, url), cancellationToken);
        run.Answer(answer.ToJson(), answer.Write);
        return answer.IsSuccess ? ExitCode.Fine : ExitCode.Refused;
    }

    private static Uri ToolUrl(Invocation run) => Uri.TryCreate(run.Get(Url), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        ? url
        : throw Failure.Usage($"'{run.Get(Url)}' is no URL of a tool: http:// or https:// is expected.");

    private static HttpRequestMessage Request(Invocation run, Uri url) =>
        new(HttpMethod.Parse(run.Get(Method)), url) { Content = run.Find(Data) is { } data ? new StringContent(data) : null };
}
