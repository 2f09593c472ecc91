using System.Diagnostics;

namespace AgentIdentity.Server.Tests.Maintenance;

/// <summary>A maintenance verb run as a process of its own, as an operator runs it.</summary>
internal sealed record VerbProcess(int ExitCode, string Output, string Errors)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public static async Task<VerbProcess> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "AgentIdentity.Server.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        return new VerbProcess(process.ExitCode, await output, await errors);
    }

    public void RequireDone() => Assert.True(ExitCode == 0, $"exit {ExitCode}: {Output}{Errors}");

    /// <summary>Ended with the code, and said why in one line.</summary>
    public void RequireRefused(int exitCode, string why)
    {
        Assert.Equal((exitCode, ""), (ExitCode, Output));
        Assert.Contains(why, Assert.Single(Errors.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }
}
