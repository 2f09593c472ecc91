using System.Collections.Concurrent;

namespace AgentIdentity.Interop.Tests;

/// <summary>Another gRPC stack: its script of cases, and what of it is missing on this machine, if anything.</summary>
public sealed record Stack(string Interpreter, string Script, string? Missing);

/// <summary>What a script said: "pass" or the reason for each case that it reached.</summary>
public sealed record InteropRun(IReadOnlyDictionary<string, string> Outcomes, string Errors);

/// <summary>Runs each stack once over each transport, against one host.</summary>
public sealed class InteropRuns : IAsyncLifetime
{
    private readonly InteropHost host = new();
    private readonly ConcurrentDictionary<(Stack, string), Lazy<Task<InteropRun>>> runs = new();

    public static Stack GrpcJs { get; } = new("node", ScriptIn("grpc-js/interop.mjs"), MissingForGrpcJs());

    public static Stack Python { get; } = new("/usr/bin/python3", ScriptIn("python/interop.py"), MissingForPython());

    public static Stack GrpcGo { get; } = new("bash", ScriptIn("grpc-go/run"), MissingForGrpcGo());

    public Task InitializeAsync() => host.InitializeAsync();

    public Task DisposeAsync() => host.DisposeAsync();

    public Task<InteropRun> RunAsync(Stack stack, string transport) =>
        runs.GetOrAdd((stack, transport), _ => new(() => RunScriptAsync(stack, transport))).Value;

    private static string ScriptIn(string path) => Path.Combine(Repository.Root, "tests/interop", path);

    private static string? MissingForGrpcJs() => Directory.Exists(ScriptIn("grpc-js/node_modules/@grpc/grpc-js"))
        ? null
        : "@grpc/grpc-js is not installed: run tests/install (or: npm ci --ignore-scripts, in tests/interop/grpc-js).";

    private static string? MissingForPython() => File.Exists("/usr/lib/python3/dist-packages/grpc/__init__.py") && File.Exists("/usr/bin/protoc")
        ? null
        : "Debian's grpcio is not installed: run tests/install (or: apt-get install python3-grpcio python3-protobuf protobuf-compiler).";

    private static string? MissingForGrpcGo() => Directory.Exists("/usr/share/gocode/src/google.golang.org/grpc") && File.Exists("/usr/bin/protoc-gen-go") && File.Exists("/usr/bin/go")
        ? null
        : "Debian's grpc-go is not installed: run tests/install (or: apt-get install golang-go golang-google-grpc-dev protoc-gen-go-1-3).";

    private async Task<InteropRun> RunScriptAsync(Stack stack, string transport)
    {
        string[] arguments = transport == "tls" ? [stack.Script, $"{host.TlsPort}", host.CertificateFile] : [stack.Script, $"{host.Port}"];
        var run = await Script.RunAsync(stack.Interpreter, arguments);
        return new InteropRun(Outcomes(run.Output), run.Errors);
    }

    private static Dictionary<string, string> Outcomes(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(' ', 2) is ["pass", var name] ? (name, "pass") : (line.Split(' ', 3)[1].TrimEnd(':'), line))
        .ToDictionary();
}
