using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AgentIdentity.Tests.Tokens;

/// <summary>Tokens of SoftHSM2 for this process: in a folder of its own, all made before the module is loaded, since it looks for them only then.</summary>
internal static partial class SoftToken
{
    public const string Module = "/usr/lib/softhsm/libsofthsm2.so";
    public const string Pin = "1234";
    private const int Tokens = 10;

    private static readonly DirectoryInfo Folder = Directory.CreateTempSubdirectory("agentidentity-tokens-");
    private static int _taken;

    static SoftToken()
    {
        var settings = Path.Combine(Folder.FullName, "softhsm2.conf");
        File.WriteAllText(settings, $"directories.tokendir = {Folder.FullName}\nobjectstore.backend = file\nlog.level = ERROR\n");
        // The class library keeps an environment of its own, which no native library sees.
        if (SetEnvironment("SOFTHSM2_CONF", settings, 1) != 0)
            throw new InvalidOperationException("The environment could not be changed.");
        for (var i = 0; i < Tokens; i++)
            Run(settings, "--init-token", "--free", "--label", $"token {i}", "--so-pin", "5678", "--pin", Pin);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Folder.Delete(recursive: true);
    }

    public static bool IsInstalled => File.Exists(Module);

    /// <summary>The label of a token that nobody uses.</summary>
    public static string Take() => $"token {Interlocked.Increment(ref _taken) - 1}";

    private static void Run(string settings, params string[] arguments)
    {
        var start = new ProcessStartInfo("softhsm2-util", arguments) { RedirectStandardOutput = true, Environment = { ["SOFTHSM2_CONF"] = settings } };
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"softhsm2-util {arguments[0]} ended with {process.ExitCode}.");
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrites);
}
