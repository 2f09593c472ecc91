namespace AgentIdentity.Cli;

/// <summary>Why a verb ends without having done its work: an exit code, a sentence, and what to do next.</summary>
internal sealed class Failure(int exitCode, string message, string? next = null, string? reason = null) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public string? Next { get; } = next;

    /// <summary>The name of the refusal on the wire, when the other end gave one.</summary>
    public string? Reason { get; } = reason;

    public static Failure Usage(string message, string? next = null) => new(Cli.ExitCode.Usage, message, next);

    public static Failure Refused(string message, string? next = null, string? reason = null) => new(Cli.ExitCode.Refused, message, next, reason);
}
