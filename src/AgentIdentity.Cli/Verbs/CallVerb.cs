using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Client;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Calls a protected tool over HTTP as an agent, with its credential and a key proof.</summary>
internal static class CallVerb
{
    private static readonly Argument<string> Url = new("url") { Description = "The tool's URL." };
    private static readonly Option<string> Agent = AgentArgument.Name("The agent's name in the home folder.");
    private static readonly Option<string> Method = new("--method") { HelpName = "METHOD", Description = "The HTTP method.", DefaultValueFactory = _ => "GET" };
    private static readonly Option<string> Data = new("--data") { HelpName = "TEXT", Description = "The body of the request." };

    public static Command Create() => new Command("call", "Call a protected tool as an agent: exit code 0 when it answers with success.") { Url, Agent, Method, Data }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var agent = new ActingAgent(run, run.Get(Agent));
        using var request = Request(run);
        var answer = await ToolCall.SendAsync(agent.Key, agent.CredentialAsync, request, cancellationToken);
        run.Answer(answer.ToJson(), answer.Write);
        return answer.IsSuccess ? ExitCode.Fine : ExitCode.Refused;
    }

    private static HttpRequestMessage Request(Invocation run)
    {
        if (!Uri.TryCreate(run.Get(Url), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw Failure.Usage($"'{run.Get(Url)}' is no URL of a tool: http:// or https:// is expected.");
        return new HttpRequestMessage(HttpMethod.Parse(run.Get(Method)), url) { Content = run.Find(Data) is { } data ? new StringContent(data) : null };
    }
}
