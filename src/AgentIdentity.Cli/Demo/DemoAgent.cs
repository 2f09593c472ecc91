using System.Text.Json.Nodes;

namespace AgentIdentity.Cli.Demo;

/// <summary>An agent in a process of its own, and how it is told what to do.</summary>
internal sealed class DemoAgent(ChildProcess process, string name, string did) : IAsyncDisposable
{
    public string Name { get; } = name;

    public string Did { get; } = did;

    public int ProcessId => process.Id;

    public static async Task<DemoAgent> StartAsync(string name, string token, IEnumerable<string> settings, CancellationToken cancellationToken)
    {
        var process = ChildProcess.Start(ProgramFile.Own().Start(settings.Prepend(name).Prepend("--name").Prepend("demo-agent")), $"the agent {name}");
        try
        {
            var enrolled = Parse(await process.AskAsync(token, cancellationToken));
            return new DemoAgent(process, name, (string)enrolled["did"]!);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public async Task<JsonObject> DoAsync(string what, CancellationToken cancellationToken) => Parse(await process.AskAsync(what, cancellationToken));

    public ValueTask DisposeAsync() => process.DisposeAsync();

    private static JsonObject Parse(string line) => JsonNode.Parse(line)!.AsObject();
}
