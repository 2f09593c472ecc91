using System.CommandLine;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>How far a stop, or all stops of an incident, have come.</summary>
internal static class PropagationVerb
{
    private static readonly Argument<string> What = new("stop") { Description = "A stop by its entry, or an incident for all of its stops." };

    public static Command Create() => new Command("propagation", "Show how far a stop is proven: levels, enforcers by name, and what is left.") { What, StopWatch.Watch, StopWatch.Until, StopWatch.Timeout }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor, CallerRole.Sponsor);
        using var connection = run.Connect(key);
        var request = Request(run.Get(What));
        if (run.Get(StopWatch.Watch))
            return await StopWatch.FollowAsync(run, connection, request, cancellationToken);
        var report = await connection.Control.PropagationAsync(request, cancellationToken: cancellationToken);
        run.Answer(PropagationText.ToJson(report), text => PropagationText.Write(text, report));
        return ExitCode.Fine;
    }

    internal static PropagationRequest Request(string what) => ulong.TryParse(what, out var stop) ? new() { Stop = stop } : new() { Incident = what };
}
