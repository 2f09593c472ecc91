using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Stops an agent, and says how far that is proven.</summary>
internal static class StopVerb
{
    private static readonly Argument<string> Agent = AgentArgument.Create();

    private static readonly Option<string> State = new Option<string>("--state")
    {
        Required = true,
        HelpName = "STATE",
        Description = "frozen: until two people restore it; revoked: for ever.",
    }.AcceptOnlyFromAmong("frozen", "revoked");

    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };
    private static readonly Option<string> Incident = new("--incident") { HelpName = "ID", Description = "Ties several stops together.", DefaultValueFactory = _ => "" };

    public static Command Create() => new Command("stop", "Stop an agent: it is refused from the moment of the answer on.") { Agent, State, Reason, Incident }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var agent = AgentArgument.Did(run, Agent);
        var request = new StopRequest
        {
            Scope = new Protocol.V1.Scope { Agent = agent },
            State = Enum.Parse<AgentState>(run.Get(State), ignoreCase: true),
            Reason = run.Get(Reason),
            Incident = run.Get(Incident),
        };
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Control.StopAsync(request, cancellationToken: cancellationToken);
        run.Answer(ToJson(agent, answer), text => Write(text, agent, answer));
        return ExitCode.Fine;
    }

    private static JsonObject ToJson(string agent, StopResponse answer) => new()
    {
        ["agent"] = agent,
        ["state"] = Word(answer),
        ["level"] = Level(answer),
        ["ledger_index"] = answer.LedgerIndex,
        ["stopped_at"] = Instants.FromMilliseconds(answer.StoppedAt),
        ["epoch"] = answer.At.Epoch,
        ["position"] = answer.At.Position,
    };

    private static void Write(TextWriter text, string agent, StopResponse answer)
    {
        text.WriteLine($"{Word(answer),-7} {agent}");
        text.WriteLine($"level   {Level(answer)}: durable, and this registry refuses the agent");
        text.WriteLine($"entry   {answer.LedgerIndex}, epoch {answer.At.Epoch}, {Instants.FromMilliseconds(answer.StoppedAt)}");
    }

    private static string Word(StopResponse answer) => answer.State.ToString().ToLowerInvariant();

    // "Stopped" without a level is never said: a level that this version does not know is an error, not a guess.
    private static string Level(StopResponse answer) => answer.Level == StopLevel.Recorded
        ? "RECORDED"
        : throw Failure.Refused($"The registry names the level {answer.Level}, which this version does not know.", "Update agentid; do not count the agent as stopped before.");
}
