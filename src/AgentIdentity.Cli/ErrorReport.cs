using System.Text.Json.Nodes;

namespace AgentIdentity.Cli;

/// <summary>How a failure is told: a sentence on standard error, or one JSON object on standard output.</summary>
internal static class ErrorReport
{
    public static int Write(Failure failure, bool asJson, Terminal terminal)
    {
        if (!asJson || !TryWrite(ToJson(failure), terminal))
            Write(failure, terminal.Error);
        return failure.ExitCode;
    }

    // Standard output may be what failed.
    private static bool TryWrite(JsonObject error, Terminal terminal)
    {
        try
        {
            terminal.Output.WriteLine(error.ToLine());
            return true;
        }
        catch (IOException unwritten)
        {
            Write(Failures.Unwritten(unwritten), terminal.Error);
            return false;
        }
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
