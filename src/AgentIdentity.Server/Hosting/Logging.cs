using Microsoft.Extensions.Logging.Console;

namespace AgentIdentity.Server.Hosting;

/// <summary>One JSON object a line, all on standard error: standard output belongs to the ready line.</summary>
internal static class Logging
{
    public static ILoggerFactory ToStandardError() => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Information)
        .Quieten()
        .AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.FormatterName = ConsoleFormatterNames.Json;
        })
        .AddJsonConsole(json =>
        {
            json.UseUtcTimestamp = true;
            json.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        }));

    // The frameworks log each request, with paths and addresses, and what a broken client sends; our interceptors say what matters of it.
    private static ILoggingBuilder Quieten(this ILoggingBuilder logging) => logging
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)
        // A start that fails is told in one sentence by the program, not in a trace before it.
        .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)
        .AddFilter("Grpc", LogLevel.None);
}
