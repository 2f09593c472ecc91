using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Cli.Verbs;

internal static class AgentsListVerb
{
    // Envelopes can be long; a page stays far below what a gRPC message may hold.
    private const uint PageSize = 100;

    private static readonly Option<string> Sponsor = new("--sponsor") { HelpName = "NAME", Description = "Only those of one sponsor.", DefaultValueFactory = _ => "" };
    private static readonly Option<string> Blueprint = new("--blueprint") { HelpName = "TEXT", Description = "Only those of one blueprint.", DefaultValueFactory = _ => "" };
    private static readonly Option<string> State =
        new Option<string>("--state") { HelpName = "STATE", Description = "Only those in one state." }.AcceptOnlyFromAmong("active", "restricted", "frozen", "revoked");

    private static readonly Option<bool> Probes = new("--probes") { Description = "Also the registry's own, which ride along with stops." };

    private static readonly Option<string> Token = new("--token") { HelpName = "ID", Description = "Only those that an enrolment token has let in: its id, as agentid token list shows it." };

    public static Command Create() => new Command("list", "List agents, oldest first.") { Sponsor, Blueprint, State, Probes, Token }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var agents = await ReadAllAsync(run, cancellationToken);
        run.Answer(new JsonObject { ["agents"] = new JsonArray([.. agents.Select(AgentText.ToJson)]) }, text => Write(text, agents));
        return ExitCode.Fine;
    }

    private static async Task<List<Agent>> ReadAllAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new ListAgentsRequest { PageSize = PageSize, Sponsor = run.Get(Sponsor), Blueprint = run.Get(Blueprint), State = WantedState(run), WithProbes = run.Get(Probes), TokenId = WantedToken(run) };
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor, CallerRole.Sponsor);
        using var connection = run.Connect(key);
        return await Progress.ShowAsync(run, "Agents", total: null, report => Pages.ReadAllAsync<Agent>(
            async from =>
            {
                request.PageToken = from;
                var page = await connection.Registry.ListAgentsAsync(request, cancellationToken: cancellationToken);
                return (page.Agents, page.NextPageToken);
            },
            report));
    }

    private static ByteString WantedToken(Invocation run) => run.Find(Token) is not { } text ? ByteString.Empty
        : SubjectId.TryParse(text, out var id) ? ByteString.CopyFrom(id.ToArray())
        : throw Failure.Usage("That is no id of a token.", "agentid token list --all shows the ids.");

    private static AgentState WantedState(Invocation run) => run.Find(State) is { } state ? Enum.Parse<AgentState>(state, ignoreCase: true) : AgentState.Unspecified;

    private static void Write(TextWriter text, List<Agent> agents)
    {
        var table = new TextTable("STATE", "AGENT", "SPONSOR", "BLUEPRINT", "STATEMENTS");
        foreach (var agent in agents)
            table.Add(AgentText.State(agent), agent.Did, agent.Sponsor, agent.Blueprint, $"{agent.Statements}");
        table.Write(text);
    }
}
