using System.CommandLine;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

internal static class AgentsShowVerb
{
    private static readonly Argument<string> AgentArg = AgentArgument.Create();

    public static Command Create() => new Command("show", "Show one agent.") { AgentArg }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new GetAgentRequest { Agent = AgentArgument.Did(run, AgentArg) };
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor, CallerRole.Sponsor, CallerRole.Enforcer);
        using var connection = run.Connect(key);
        var answer = await connection.Registry.GetAgentAsync(request, cancellationToken: cancellationToken);
        run.Answer(AgentText.ToJson(answer.Agent).AsObject(), text => Write(text, answer.Agent));
        return ExitCode.Fine;
    }

    private static void Write(TextWriter text, Agent agent)
    {
        text.WriteLine($"agent       {agent.Did}");
        text.WriteLine($"state       {AgentText.State(agent)}{Why(agent.Stop)}");
        text.WriteLine($"sponsor     {agent.Sponsor}");
        text.WriteLine($"blueprint   {agent.Blueprint}");
        text.WriteLine($"labels      {string.Join(' ', agent.Labels.Select(AgentText.Of))}".TrimEnd());
        text.WriteLine($"allowed     {agent.MaximumEnvelope}");
        text.WriteLine($"audiences   {string.Join(' ', agent.Audiences)}");
        text.WriteLine($"enrolled    {Instants.FromMilliseconds(agent.EnrolledAt)}, entry {agent.EnrolledIndex}");
        text.WriteLine($"session     {Session(agent)}");
        text.WriteLine($"statements  {agent.Statements}");
    }

    private static string Session(Agent agent) => agent switch
    {
        { SessionEndsAt: 0 } => "without end: its token asks for no evidence again",
        { DemandsEvidence: true } => $"until {Instants.FromMilliseconds(agent.SessionEndsAt)}, then no credential without evidence",
        // It has none to bring.
        _ => $"until {Instants.FromMilliseconds(agent.SessionEndsAt)}, then no credential any more: another key enrols",
    };

    private static string Why(StopInForce? stop) => stop is null ? "" : $"{(stop.Reason.Length > 0 ? $": {stop.Reason}" : "")} (entry {stop.LedgerIndex}, epoch {stop.Epoch}, {Instants.FromMilliseconds(stop.At)})";
}
