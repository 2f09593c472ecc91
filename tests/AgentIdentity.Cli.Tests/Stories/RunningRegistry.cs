using AgentIdentity.Cli.Demo;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Tests;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>A real server process on free ports, founded by one operator, and an agentid that speaks to it.</summary>
internal sealed class RunningRegistry(string[] flags) : IAsyncDisposable
{
    private const string AnyPort = "127.0.0.1:0";

    private readonly TemporaryFolder _data = new();
    private ChildProcess? _process;

    public Agentid Agentid { get; } = new();

    /// <summary>The operators' page.</summary>
    public string ConsoleUrl { get; private set; } = "";

    public string SecretFile => Path.Combine(_data.Path, "bootstrap-secret");

    /// <summary>Where its ledger and keys lie.</summary>
    public string Data => _data.Path;

    /// <summary>Where everybody reads its log.</summary>
    public string HttpUrl => Agentid.Settings[^1];

    /// <param name="flags">What the server is started with besides a folder and free ports.</param>
    public static Task<RunningRegistry> StartAsync(params string[] flags)
    {
        var registry = new RunningRegistry(flags);
        return registry.OrEndedAsync(registry.ServeAsync);
    }

    /// <summary>Replaces the log's key, and serves again, on other ports. Gives what the verb printed.</summary>
    public async Task<string> RotateLogKeyAsync()
    {
        await FirstCheckpointAsync();
        await _process!.DisposeAsync();
        await using var verb = ChildProcess.Start(Server.Start("rotate-log-key", "--data", _data.Path), "the rotation");
        var printed = await verb.AskAsync(null, CancellationToken.None);
        await ServeAsync();
        return printed;
    }

    /// <summary>Runs a verb of the server, as an operator does. Gives what it printed.</summary>
    public static async Task<string> MaintainAsync(params string[] words)
    {
        var verb = Server.Start(words);
        var run = await Script.RunAsync(verb.FileName, verb.ArgumentList);
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        return run.Output;
    }

    /// <summary>Ends the server, if it runs, and serves with other flags and perhaps from another folder, whose log is read at the same address.</summary>
    public async Task ServeAgainAsync(string[] flags, string? data = null)
    {
        await StopAsync();
        await ServeAsync(data ?? Data, [.. flags, "--http", new Uri(HttpUrl).Authority]);
    }

    public async Task StopAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>A second server on a copy of this one's folder, with the same keys: what somebody runs who wants to show others another log. Everybody's home folder is copied with it.</summary>
    public async Task<RunningRegistry> ForkAsync()
    {
        await FirstCheckpointAsync();
        await _process!.DisposeAsync();
        var fork = new RunningRegistry(flags);
        Folders.Copy(_data.Path, fork._data.Path);
        Folders.Copy(Agentid.Home, fork.Agentid.Home);
        await ServeAsync();
        await fork.ServeAsync();
        return fork;
    }

    /// <summary>What the registry serves for everyone.</summary>
    public async Task<string> GetAsync(string path)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync($"{HttpUrl}{path}");
    }

    // A log that has signed nothing has nothing that another could go on from.
    private async Task FirstCheckpointAsync()
    {
        using var http = new HttpClient();
        while (!(await http.GetAsync($"{Agentid.Settings[^1]}/checkpoint")).IsSuccessStatusCode)
            await Task.Delay(TimeSpan.FromMilliseconds(50));
    }

    public Task<RunningRegistry> FoundedAsync() => OrEndedAsync(async () => (await Agentid.RunAsync("bootstrap", "--secret-file", SecretFile, "--operator", "operator-1")).Fine());

    /// <summary>Enrols an agent that may read https://tools.example/*.</summary>
    public async Task<string> EnrolAsync(string name, int depth = 0, params string[] labels)
    {
        var token = (await Agentid.RunAsync(
            "token", "create", "--sponsor", "Research desk", "--blueprint", "summariser/1", "--audience", "https://tools.example",
            "--allow", "tool:read:https://tools.example/*", "--depth", $"{depth}", "--label", "jurisdiction=eu")).Fine().Output;
        return (await Agentid.RunAsync(token, ["enrol", "--name", name, "--json", .. labels.SelectMany(label => new[] { "--label", label })])).Fine().Json.GetProperty("did").GetString()!;
    }

    // Whoever did not get it cannot end it.
    private async Task<RunningRegistry> OrEndedAsync(Func<Task> begin)
    {
        try
        {
            await begin();
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private static ProgramFile Server => ProgramFile.Find(null, "AgentIdentity.Server", "--server");

    private Task ServeAsync() => ServeAsync(Data, flags);

    private async Task ServeAsync(string data, string[] more)
    {
        _process = ChildProcess.Start(Server.Start(["--dev", "--data", data, "--grpc", AnyPort, "--http", AnyPort, "--control", AnyPort, "--console", AnyPort, .. more]), "the registry");
        var ready = ReadyLine.Parse(await _process.AskAsync(null, CancellationToken.None));
        ConsoleUrl = $"http://localhost:{new Uri(ready.Console).Port}";
        // One that is not known by the usual name says so to agentid too.
        string[] name = Array.IndexOf(more, "--public-url") is >= 0 and var at ? more[at..(at + 2)] : [];
        Agentid.Settings = [.. name, "--registry", ready.Grpc, "--control", ready.Control, "--http", ready.Http];
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Agentid.Dispose();
        _data.Dispose();
    }
}
