using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace AgentIdentity.Tests;

/// <summary>
/// Gives each test process a folder of its own for temporary files, which its child processes inherit, and takes it away with all that is left in it when the process ends.
/// What a process that was killed has left goes when the next one begins.
/// </summary>
internal static class TemporaryFiles
{
    [ModuleInitializer]
    internal static void Begin()
    {
        var all = Path.Combine(Path.GetTempPath(), $"agentidentity-tests-{Environment.UserName}");
        var own = Directory.CreateDirectory(Path.Combine(all, Environment.ProcessId.ToString())).FullName;
        Delete([.. Directory.EnumerateDirectories(all).Where(folder => !IsRunning(Path.GetFileName(folder)))]);
        Environment.SetEnvironmentVariable("TMPDIR", own);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete([own]);
    }

    private static bool IsRunning(string id) => Directory.Exists($"/proc/{id}");

    // By a process of its own: whoever runs the tests waits no longer than a moment for this one to end.
    private static void Delete(string[] folders) => Process.Start("rm", ["-rf", "--", .. folders]).Dispose();
}
