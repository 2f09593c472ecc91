using System.Diagnostics;
using System.Runtime.InteropServices;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Cli.Tests;

/// <summary>What <c>dotnet publish</c> makes runs from wherever it is put, with nothing but the runtime: the server becomes ready and healthy, the command line founds it, and it ends in order.</summary>
public sealed class PublishedTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // As these tests were built, so that nothing is built again.
    private static readonly string Configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_published_server_and_command_line_run_from_another_folder()
    {
        var (server, cli) = (await PublishAsync("AgentIdentity.Server"), await PublishAsync("AgentIdentity.Cli"));
        var data = Path.Combine(_folder.Path, "data");
        await using var registry = await ServerProcess.StartRegistryFromAsync(Path.Combine(server, "AgentIdentity.Server.dll"), data);
        var founded = await RunAsync(
            Path.Combine(cli, "agentid.dll"), "bootstrap", "--secret-file", Path.Combine(data, "bootstrap-secret"), "--operator", "first", "--home", Path.Combine(_folder.Path, "home"),
            "--registry", $"http://{registry.Address("grpc")}", "--control", $"http://{registry.Address("control")}", "--http", $"http://{registry.Address("http")}");
        Assert.Contains("did:web:localhost%3A5000", founded, StringComparison.Ordinal);
        using var http = new HttpClient();
        Assert.Equal("ready\n", await http.GetStringAsync(new Uri($"http://{registry.Address("http")}/health/ready")));
        Assert.Equal(0, await registry.StopAsync());
    }

    [SkippableFact]
    public async Task A_server_that_brings_its_runtime_runs_where_there_is_none()
    {
        // Built anew in a folder of its own, since all is built otherwise for one platform; and not compiled beforehand, which would take minutes.
        var (project, target) = (Path.Combine(Repository.Root, "src", "AgentIdentity.Server"), Path.Combine(_folder.Path, "alone"));
        string[] platform = [$"-p:RuntimeIdentifier={RuntimeInformation.RuntimeIdentifier}", "-p:SelfContained=true", "-p:PublishReadyToRun=false", $"-p:ArtifactsPath={Path.Combine(_folder.Path, "artifacts")}", "-p:RunAnalyzers=false", "-v", "quiet", "-nodeReuse:false"];
        var (exitCode, told) = await TryRunAsync(["restore", project, .. platform]);
        Skip.If(exitCode != 0, $"the packs of {RuntimeInformation.RuntimeIdentifier} cannot be restored: {told.Trim().Split('\n')[0]}");
        await RunAsync(["publish", project, "--no-restore", "-c", Configuration, "-o", target, .. platform]);
        await using var registry = await ServerProcess.StartAloneAsync(Path.Combine(target, "AgentIdentity.Server"), Path.Combine(_folder.Path, "data"));
        using var http = new HttpClient();
        Assert.Equal("live\n", await http.GetStringAsync(new Uri($"http://{registry.Address("http")}/health/live")));
        Assert.Equal(0, await registry.StopAsync());
    }

    private async Task<string> PublishAsync(string project)
    {
        var target = Path.Combine(_folder.Path, project);
        await RunAsync("publish", Path.Combine(Repository.Root, "src", project), "--no-build", "-c", Configuration, "-o", target, "-v", "quiet", "-nodeReuse:false");
        return target;
    }

    private static async Task<string> RunAsync(params string[] words)
    {
        var (exitCode, told) = await TryRunAsync(words);
        Assert.True(exitCode == 0, $"dotnet {string.Join(' ', words)} ended with {exitCode}: {told}");
        return told;
    }

    private static async Task<(int ExitCode, string Told)> TryRunAsync(string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", words) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode, await output + await errors);
    }
}
