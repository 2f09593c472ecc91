using System.Text.Json.Nodes;

namespace AgentIdentity.Cli;

/// <summary>How a failure is told: a sentence on standard error, or one JSON object on standard output.</summary>
internal static class ErrorReport
{
    public static int Write(Failure failure, bool asJson, Terminal terminal)
    {
        if (asJson)
            terminal.Output.WriteLine(ToJson(failure).ToLine());
        else
            Write(failure, terminal.Error);
        return failure.ExitCode;
    }

    private static JsonObject ToJson(Failure failure) => new()
    {
        ["error"] = new JsonObject { ["message"] = failure.Message, ["next"] = failure.Next, ["reason"] = failure.Reason },
        ["exit_code"] = failure.ExitCode,
    };

    /// <summary>The sentence, and what to do next.</summary>
    public static void Write(Failure failure, TextWriter terminal)
    {
        var error = new PlainWriter(terminal);
        error.WriteLine(failure.Reason is null ? $"agentid: {failure.Message}" : $"agentid: {failure.Reason}: {failure.Message}");
        foreach (var line in failure.Next.AsSpan().EnumerateLines())
        {
            if (!line.IsEmpty)
                error.WriteLine($"  {line}");
        }
    }
}
