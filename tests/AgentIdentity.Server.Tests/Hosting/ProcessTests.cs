using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Server.Tests.Hosting;

/// <summary>The executable as a service manager sees it: what it prints, how it ends.</summary>
public sealed partial class ProcessTests : IDisposable
{
    private const int Unavailable = 14;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string ServerPath = Path.Combine(AppContext.BaseDirectory, "AgentIdentity.Server.dll");
    private static readonly string[] FreePorts = ["--dev", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0", "--control=127.0.0.1:0", "--console=127.0.0.1:0"];

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task The_ready_line_is_all_that_standard_output_gets_and_SIGTERM_ends_with_0()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no SIGTERM.");
        using var server = Start([.. FreePorts, $"--data={_folder}"]);
        var ready = await server.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        Assert.Matches(ReadyLine(), ready!);
        Assert.EndsWith($" data={_folder}", ready, StringComparison.Ordinal);
        var secret = (await File.ReadAllTextAsync(Path.Combine(_folder, "bootstrap-secret"))).Trim();

        await RunAsync("kill", "-TERM", $"{server.Id}");
        var errors = await server.StandardError.ReadToEndAsync().WaitAsync(Patience);
        await server.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal((0, ""), (server.ExitCode, await server.StandardOutput.ReadToEndAsync()));
        Assert.Contains("bootstrap-secret", errors, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--grcp=127.0.0.1:0", 2, "There is no option --grcp")]
    [InlineData("--grpc=0.0.0.0:0", 2, "Cleartext is for loopback only")]
    [InlineData("--passphrase-file=/nowhere/passphrase", 1, "The passphrase file /nowhere/passphrase is missing")]
    public async Task What_it_cannot_start_with_is_one_sentence_on_standard_error(string argument, int exitCode, string sentence)
    {
        using var server = Start(argument, $"--data={_folder}");
        var errors = await server.StandardError.ReadToEndAsync().WaitAsync(Patience);
        await server.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal((exitCode, ""), (server.ExitCode, await server.StandardOutput.ReadToEndAsync()));
        Assert.StartsWith(sentence, errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_sentence_and_no_trace()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        using var server = Start([.. FreePorts.Where(port => !port.StartsWith("--grpc", StringComparison.Ordinal)), $"--grpc={other.LocalEndpoint}", $"--data={_folder}"]);
        var errors = await server.StandardError.ReadToEndAsync().WaitAsync(Patience);
        await server.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(1, server.ExitCode);
        Assert.Contains("address already in use", errors.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", errors, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Whoever_opens_more_connections_than_there_are_files_neither_ends_the_process_nor_keeps_operators_out()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "prlimit sets how many files may be open, and only Linux has it.");
        using var server = StartWithFiles(1_024, [.. FreePorts, $"--data={_folder}"]);
        var ready = await server.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        var errors = server.StandardError.ReadToEndAsync();
        using var registry = Connect(ready);
        using var founder = PrivateKey.Generate(KeyAlgorithm.ES256);
        using (new Connections(1_100, Bound(ready)["grpc"]))
        using (new Connections(1_100, Bound(ready)["http"]))
            await registry.BootstrapAsync(founder, _folder).WaitAsync(Patience);
        await registry.RefreshNonceAsync(founder);
        Assert.Empty(await registry.ListAgentsAsync(founder));

        await RunAsync("kill", "-TERM", $"{server.Id}");
        await server.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(server.ExitCode == 0, await errors);
    }

    [SkippableFact]
    public async Task A_start_with_too_few_files_says_which_limit_to_raise_and_leaves_no_folder_behind()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "prlimit sets how many files may be open, and only Linux has it.");
        var data = Path.Combine(_folder, "data");
        using var server = StartWithFiles(512, [.. FreePorts, $"--data={data}"]);
        var errors = await server.StandardError.ReadToEndAsync().WaitAsync(Patience);
        await server.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(ExitCodes.Usage, server.ExitCode);
        Assert.StartsWith("This process may open 512 files", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(data));
    }

    [SkippableFact]
    public async Task A_write_that_fails_is_not_acknowledged_and_the_process_ends_with_3_and_one_sentence()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "prlimit makes the writes fail, and only Linux has it.");
        using var server = StartWithoutFileSizeSignal([.. FreePorts, $"--data={_folder}"]);
        using var registry = Connect(await server.StandardOutput.ReadLineAsync().WaitAsync(Patience));
        var errors = server.StandardError.ReadToEndAsync();
        using var founder = PrivateKey.Generate(KeyAlgorithm.ES256);
        await registry.BootstrapAsync(founder, _folder);
        await registry.RefreshNonceAsync(founder);
        var token = await registry.CreateTokenAsync(founder, uses: 2);
        using var kept = PrivateKey.Generate(KeyAlgorithm.ES256);
        var acknowledged = await registry.EnrollAsync(kept, token, await registry.ChallengeAsync());

        await RunAsync("prlimit", "--pid", $"{server.Id}", "--fsize=0:0");
        using var lost = PrivateKey.Generate(KeyAlgorithm.ES256);
        var refused = await Assert.ThrowsAsync<WireRefusedException>(async () => await registry.EnrollAsync(lost, token, await registry.ChallengeAsync()));
        Assert.Equal(Unavailable, refused.Answer.Status);
        await server.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal((ExitCodes.Halted, ""), (server.ExitCode, await server.StandardOutput.ReadToEndAsync()));
        Assert.Single((await errors).Split('\n'), line => line.Contains("so the process ends; start it again", StringComparison.Ordinal));
        await AssertHoldsAsync(acknowledged, founder);
    }

    [Fact]
    public async Task Without_a_setting_of_ours_nothing_is_sent_to_a_collector_that_the_environment_names()
    {
        await using var collector = await Collector.StartAsync();
        var start = Command("dotnet", [ServerPath, .. FreePorts, $"--data={_folder}"]);
        start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url;
        using var server = Process.Start(start)!;
        using (var registry = Connect(await server.StandardOutput.ReadLineAsync().WaitAsync(Patience)))
        using (var founder = PrivateKey.Generate(KeyAlgorithm.ES256))
            await registry.BootstrapAsync(founder, _folder);
        await RunAsync("kill", "-TERM", $"{server.Id}");
        await server.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(0, server.ExitCode);
        Assert.Empty(collector.Exports);
    }

    // What was acknowledged before the failure is there after the next start, and the agent that was refused is not.
    private async Task AssertHoldsAsync(WireAgent acknowledged, PrivateKey founder)
    {
        await using var again = await ServerProcess.StartRegistryAsync(_folder);
        using var registry = new RegistryWire(again.Address("grpc"), again.Address("control"));
        await registry.RefreshNonceAsync(founder);
        Assert.Equal(acknowledged.Id, SubjectId.Read(Assert.Single(await registry.ListAgentsAsync(founder)).AgentId.Span));
    }

    private static RegistryWire Connect(string? readyLine)
    {
        var bound = Bound(readyLine);
        return new RegistryWire(bound["grpc"], bound["control"]);
    }

    private static Dictionary<string, IPEndPoint> Bound(string? readyLine) =>
        readyLine!.Split(' ').Skip(1).Select(part => part.Split('=', 2)).Where(part => part[0] != "data").ToDictionary(part => part[0], part => IPEndPoint.Parse(part[1]));

    private static Process Start(params string[] arguments) => Process.Start(Command("dotnet", [ServerPath, .. arguments]))!;

    // A file that may not grow is an error to who writes only where the signal that comes with it is ignored; exec keeps that, and the process id.
    private static Process StartWithoutFileSizeSignal(string[] arguments) =>
        Process.Start(Command("sh", ["-c", "trap '' XFSZ; exec dotnet \"$@\"", "sh", ServerPath, .. arguments]))!;

    private static Process StartWithFiles(int most, string[] arguments) => Process.Start(Command("prlimit", [$"--nofile={most}:{most}", "dotnet", ServerPath, .. arguments]))!;

    private static ProcessStartInfo Command(string program, string[] arguments) => new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };

    [GeneratedRegex("^ready grpc=127\\.0\\.0\\.1:[1-9][0-9]* http=127\\.0\\.0\\.1:[1-9][0-9]* control=127\\.0\\.0\\.1:[1-9][0-9]* console=127\\.0\\.0\\.1:[1-9][0-9]* data=")]
    private static partial Regex ReadyLine();

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    // Connections that say nothing.
    private sealed class Connections : IDisposable
    {
        private readonly List<TcpClient> _held = [];

        public Connections(int count, IPEndPoint to)
        {
            for (var i = 0; i < count; i++)
            {
                _held.Add(new TcpClient());
                try
                {
                    _held[^1].Connect(to);
                }
                catch (SocketException)
                {
                    // Hung up on before it knew that it was connected.
                }
            }
        }

        public void Dispose() => _held.ForEach(client => client.Dispose());
    }
}
