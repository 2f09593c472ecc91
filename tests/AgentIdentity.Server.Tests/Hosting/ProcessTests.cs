using System.Diagnostics;
using System.Text.RegularExpressions;

namespace AgentIdentity.Server.Tests.Hosting;

/// <summary>The executable as a service manager sees it: what it prints, how it ends.</summary>
public sealed partial class ProcessTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task The_ready_line_is_all_that_standard_output_gets_and_SIGTERM_ends_with_0()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no SIGTERM.");
        using var server = Start("--dev", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0", "--control=127.0.0.1:0", "--console=127.0.0.1:0", $"--data={_folder}");
        var ready = await server.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        Assert.Matches(ReadyLine(), ready!);
        Assert.EndsWith($" data={_folder}", ready, StringComparison.Ordinal);
        var secret = (await File.ReadAllTextAsync(Path.Combine(_folder, "bootstrap-secret"))).Trim();

        await TerminateAsync(server);
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

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "AgentIdentity.Server.dll"), .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    [GeneratedRegex("^ready grpc=127\\.0\\.0\\.1:[1-9][0-9]* http=127\\.0\\.0\\.1:[1-9][0-9]* control=127\\.0\\.0\\.1:[1-9][0-9]* console=127\\.0\\.0\\.1:[1-9][0-9]* data=")]
    private static partial Regex ReadyLine();

    private static async Task TerminateAsync(Process server)
    {
        using var kill = Process.Start("kill", ["-TERM", $"{server.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
