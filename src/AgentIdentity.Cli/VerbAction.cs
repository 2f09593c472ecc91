using System.CommandLine;

namespace AgentIdentity.Cli;

/// <summary>Binds a verb to what it does, and turns all ways to fail into an exit code and an error that says what to do next.</summary>
internal static class VerbAction
{
    public static Command Does(this Command command, Func<Invocation, CancellationToken, Task<int>> work)
    {
        command.SetAction((parse, cancellationToken) => RunAsync(parse, work, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse, Func<Invocation, CancellationToken, Task<int>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work(new Invocation(parse), cancellationToken);
        }
        catch (Exception failed)
        {
            var failure = failed is OperationCanceledException && cancellationToken.IsCancellationRequested ? Failures.Interrupted : Failures.Explain(failed);
            return ErrorReport.Write(failure, parse.GetValue<bool>(GlobalOptions.Json), (Terminal)parse.InvocationConfiguration);
        }
    }
}
