using System.CommandLine;
using System.Globalization;
using AgentIdentity.Client;
using AgentIdentity.Protocol.V1;
using Grpc.Core;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Watches levels being reached and enforcers signing, up to a level or a time.</summary>
internal static class StopWatch
{
    public static readonly Option<bool> Watch = new("--watch") { Description = "Show levels and acknowledgements as they arrive. Exit code 0 only when the level was reached." };

    public static readonly Option<string> Until = new Option<string>("--until") { HelpName = "LEVEL", Description = "With --watch, end at recorded, enforced or exhausted.", DefaultValueFactory = _ => "enforced" }
        .AcceptOnlyFromAmong("recorded", "enforced", "exhausted");

    private const int TimeoutMax = 7 * 24 * 3600;

    // One that is cut off is taken up again, since proxies end what is silent for a minute; when that fails too, nobody is there.
    private const int CutsMax = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static readonly Option<double> Timeout = new Option<double>("--timeout") { HelpName = "SECONDS", Description = "With --watch, end then at the latest; up to 7 days.", DefaultValueFactory = _ => 60 }.Within(TimeoutMax);

    /// <summary>Shows each change. The exit code says whether the level was reached.</summary>
    public static async Task<int> FollowAsync(Invocation run, RegistryConnection connection, PropagationRequest request, CancellationToken cancellationToken)
    {
        var wanted = Enum.Parse<StopLevel>(run.Get(Until), ignoreCase: true);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ending.CancelAfter(TimeSpan.FromSeconds(run.Get(Timeout)));
        var (seen, cuts) = (new PropagationResponse(), 0);
        try
        {
            while (true)
            {
                try
                {
                    using var call = connection.Control.WatchPropagation(request, cancellationToken: ending.Token);
                    while (await call.ResponseStream.MoveNext(ending.Token))
                    {
                        Show(run, seen, call.ResponseStream.Current);
                        (seen, cuts) = (call.ResponseStream.Current, 0);
                        if (seen.Level >= wanted)
                            return ExitCode.Fine;
                    }
                    throw new RpcException(new Status(StatusCode.Unavailable, "The registry ended while it was watched."));
                }
                catch (RpcException) when (++cuts < CutsMax)
                {
                    await Task.Delay(Pause, run.Clock, ending.Token);
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return NotReached(run, seen, wanted);
        }
    }

    // Before anything is done: a stop that was recorded is not undone by a wrong option behind it.
    private static Option<double> Within(this Option<double> option, double most)
    {
        option.Validators.Add(given =>
        {
            // What is no number is told by who reads it.
            if (given.Tokens is [var token] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out var seconds) && !(seconds > 0 && seconds <= most))
                given.AddError($"{option.Name} takes more than 0 and at most {most} seconds.");
        });
        return option;
    }

    private static int NotReached(Invocation run, PropagationResponse seen, StopLevel wanted)
    {
        if (!run.IsJson)
        {
            PropagationText.Write(run.Text, seen);
            run.Text.WriteLine($"{PropagationText.Word(wanted)} was not reached in the time that was given.");
        }
        return ExitCode.Refused;
    }

    // People are told what is new; scripts get the whole report each time.
    private static void Show(Invocation run, PropagationResponse before, PropagationResponse now)
    {
        run.Answer(PropagationText.ToJson(now), text =>
        {
            foreach (var (stop, enforcer) in now.Stops.SelectMany(stop => stop.Enforcers.Select(enforcer => (stop, enforcer))))
            {
                var known = before.Stops.FirstOrDefault(other => other.Stop.LedgerIndex == stop.Stop.LedgerIndex)?.Enforcers.FirstOrDefault(other => other.CallerId == enforcer.CallerId);
                if (known?.Progress != enforcer.Progress)
                    text.WriteLine($"  {enforcer.Name} {PropagationText.Stands(enforcer.Progress)}{(enforcer.ProgressedAt > 0 ? $", {enforcer.ProgressedAt - stop.RecordedAt} ms after the stop; probe: {PropagationText.Probe(enforcer)}" : "")}");
            }
            if (before.Level != now.Level)
                text.WriteLine($"level   {PropagationText.Word(now.Level)}");
        });
    }
}
