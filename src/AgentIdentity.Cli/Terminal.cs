using System.CommandLine;

namespace AgentIdentity.Cli;

/// <summary>Where a verb reads and writes. Tests bring their own.</summary>
internal sealed class Terminal : InvocationConfiguration
{
    public required TextReader Input { get; init; }

    /// <summary>Whether somebody watches: only then do progress bars move.</summary>
    public bool IsWatched { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public static Terminal OfProcess() => new()
    {
        Input = Console.In,
        Output = Console.Out,
        Error = Console.Error,
        IsWatched = !Console.IsErrorRedirected && !Console.IsOutputRedirected,
        EnableDefaultExceptionHandler = false,
    };
}
