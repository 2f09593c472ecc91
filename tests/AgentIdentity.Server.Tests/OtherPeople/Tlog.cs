using System.Runtime.Versioning;
using AgentIdentity.Interop.Tests;
using Repository = AgentIdentity.Interop.Tests.Repository;

namespace AgentIdentity.Server.Tests.OtherPeople;

/// <summary>tests/interop/tlog, which is made of other people's code: built once, and run with one of its verbs.</summary>
[UnsupportedOSPlatform("windows")]
internal static class Tlog
{
    private static readonly Lazy<Task<string>> Built = new(BuildAsync);

    /// <summary>Where the program lies. A test on a machine without Go is skipped.</summary>
    public static Task<string> ProgramAsync() => Built.Value;

    public static async Task<Script> RunAsync(params string[] words) => await Script.RunAsync(await ProgramAsync(), words);

    /// <summary>Checks a whole log from the outside.</summary>
    public static Task<Script> VerifyAsync(string url, string vkey, params string[] more) => RunAsync(["verify", "-url", url, "-vkey", vkey, .. more]);

    /// <summary>A key of a log, as the library makes it.</summary>
    public static async Task<(string Private, string Public)> NewKeyAsync(string name)
    {
        var lines = (await RunAsync("newkey", name)).Output.Split('\n');
        return (lines[0], lines[1]);
    }

    // Beside the tests, where what the compiler keeps serves the next run too.
    private static async Task<string> BuildAsync()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "tlog-tool", "tlog");
        var built = await Script.RunAsync(
            "go", ["build", "-o", program, .. Directory.GetFiles(Path.Combine(Repository.Root, "tests/interop/tlog"), "*.go")],
            ("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOCACHE", Path.Combine(AppContext.BaseDirectory, "tlog-tool", "cache")));
        Assert.Equal((0, ""), (built.ExitCode, built.Errors));
        return program;
    }
}
