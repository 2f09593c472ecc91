using System.ComponentModel;
using System.Diagnostics;

namespace AgentIdentity.Interop.Tests;

/// <summary>What a script said.</summary>
internal sealed record Script(int ExitCode, string Output, string Errors)
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(2);

    /// <summary>Runs a script to its end, or ends it after <see cref="TimeMax"/>. A test whose interpreter is missing is skipped.</summary>
    public static async Task<Script> RunAsync(string interpreter, IEnumerable<string> arguments, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(interpreter, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Start(start);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeMax);
        await using (limit.Token.Register(() => process.Kill(entireProcessTree: true)))
            await process.WaitForExitAsync();
        return new Script(process.ExitCode, await output, await errors);
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new SkipException($"{start.FileName} is not installed.");
        }
    }
}
