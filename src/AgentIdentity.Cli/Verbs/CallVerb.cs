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
        var (method, url) = (ReadMethod(run.Get(Method)), HttpUrl.Read(Url.Name, run.Get(Url)));
        using var agent = new ActingAgent(run, run.Get(Agent));
        var answer = await ToolCall.SendAsync(agent.Key, agent.Shows(CredentialFile.Read(run, Credential)), () => Request(run, method, url), cancellationToken);
        run.Answer(answer.ToJson(), answer.Write);
        return answer.IsSuccess ? ExitCode.Fine : ExitCode.Refused;
    }

    private static HttpMethod ReadMethod(string text)
    {
        try
        {
            return HttpMethod.Parse(text);
        }
        catch (Exception wrong) when (wrong is FormatException or ArgumentException)
        {
            throw Failure.Usage($"{Method.Name} takes one word such as GET or POST, and '{text}' is none.");
        }
    }

    private static HttpRequestMessage Request(Invocation run, HttpMethod method, Uri url) =>
        new(method, url) { Content = run.Find(Data) is { } data ? new StringContent(data) : null };
}
