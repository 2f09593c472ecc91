using System.Text.Json.Nodes;

namespace AgentIdentity.Cli.Demo;

/// <summary>The whole story, from an empty folder to a stopped agent and a proof, against real processes.</summary>
internal sealed class Story(Narrator narrator, ProgramFile server, ProgramFile tool, string folder) : IAsyncDisposable
{
    private const string PublicUrl = "https://localhost:5000";
    private const string Audience = "https://tools.example";

    private static readonly string[] AgentNames = ["reader", "clerk"];

    // In the order of their start; ended in the opposite one.
    private readonly Stack<IAsyncDisposable> _processes = new();

    private string HomePath => Path.Combine(folder, "home");

    public async Task TellAsync(CancellationToken cancellationToken)
    {
        var registry = await StartRegistryAsync(cancellationToken);
        string[] settings = ["--registry", registry.Grpc, "--control", registry.Control, "--http", registry.Http, "--public-url", PublicUrl, "--home", HomePath];
        var agentid = new OwnVerbs(settings);

        await BootstrapAsync(agentid, cancellationToken);
        var url = await StartToolAsync(agentid, registry, cancellationToken);
        var (reader, clerk) = await EnrolAsync(agentid, settings, cancellationToken);
        await CallBothAsync(reader, clerk, url, cancellationToken);
        await RecordBothAsync(reader, clerk, cancellationToken);

        var stop = await StopAsync(agentid, clerk, cancellationToken);
        await RefusedAsync(clerk, url, cancellationToken);
        await GoesOnAsync(reader, url, cancellationToken);
        await EvidenceAsync(clerk, cancellationToken);
        await TrailAsync(agentid, clerk, cancellationToken);
        await ProveAsync(agentid, stop, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        while (_processes.TryPop(out var process))
            await process.DisposeAsync();
    }

    private async Task<ReadyLine> StartRegistryAsync(CancellationToken cancellationToken)
    {
        const string anyPort = "127.0.0.1:0";
        var process = Keep(ChildProcess.Start(
            server.Start(
                "--dev", "--public-url", PublicUrl, "--data", Path.Combine(folder, "data"), "--grpc", anyPort, "--http", anyPort, "--control", anyPort, "--console", anyPort),
            "the registry"));
        var ready = ReadyLine.Parse(await process.AskAsync(null, cancellationToken));
        narrator.Tell("start", $"a registry runs as process {process.Id}, gRPC on {ready.Grpc}", new JsonObject { ["pid"] = process.Id, ["grpc"] = ready.Grpc, ["http"] = ready.Http });
        return ready;
    }

    private async Task BootstrapAsync(OwnVerbs agentid, CancellationToken cancellationToken)
    {
        var answer = await agentid.RunAsync(cancellationToken, "bootstrap", "--secret-file", Path.Combine(folder, "data", "bootstrap-secret"), "--operator", "demo operator");
        narrator.Tell("bootstrap", $"the secret in its data folder made the first operator of {(string)answer["registry_did"]!}", answer);
    }

    private async Task<string> StartToolAsync(OwnVerbs agentid, ReadyLine registry, CancellationToken cancellationToken)
    {
        var caller = await agentid.RunAsync(cancellationToken, "operators", "register", "--role", "enforcer", "--name", "sample tool", "--audience", Audience);
        var process = Keep(ChildProcess.Start(
            tool.Start("--registry", registry.Grpc, "--public-url", PublicUrl, "--audience", Audience, "--key", (string)caller["key_file"]!), "the sample tool"));
        var url = ReadyLine.Parse(await process.AskAsync(null, cancellationToken)).Http;
        narrator.Tell("tool", $"a tool runs as process {process.Id} on {url} and lets in whom the registry vouches for", new JsonObject { ["pid"] = process.Id, ["url"] = url });
        return url;
    }

    private async Task<(DemoAgent Reader, DemoAgent Clerk)> EnrolAsync(OwnVerbs agentid, string[] settings, CancellationToken cancellationToken)
    {
        var token = await agentid.RunAsync(
            cancellationToken, "token", "create", "--sponsor", "Research desk", "--blueprint", "demo-agent/1", "--audience", Audience, "--allow", $"tool:read:{Audience}/*", "--uses", "2");
        narrator.Tell("token", $"one token for two agents that may read {Audience}/*, and nothing else");
        var secret = (string)token["token"]!;
        var starts = AgentNames.Select(name => DemoAgent.StartAsync(name, secret, settings, cancellationToken)).ToArray();
        var agents = new List<DemoAgent>();
        foreach (var start in starts)
            agents.Add(Keep(await start));
        foreach (var agent in agents)
            narrator.Tell("enrol", $"{agent.Name}, process {agent.ProcessId}, is {agent.Did}", new JsonObject { ["name"] = agent.Name, ["did"] = agent.Did });
        return (agents[0], agents[1]);
    }

    private async Task CallBothAsync(DemoAgent reader, DemoAgent clerk, string url, CancellationToken cancellationToken)
    {
        foreach (var agent in new[] { reader, clerk })
        {
            var answer = await ExpectAsync(agent, $"call {url}/weather", 200, cancellationToken);
            narrator.Tell("call", $"{agent.Name} shows its credential and a key proof: 200 {(string)answer["body"]!}", answer);
        }
    }

    private async Task RecordBothAsync(DemoAgent reader, DemoAgent clerk, CancellationToken cancellationToken)
    {
        foreach (var agent in new[] { reader, clerk })
        {
            var answer = await agent.DoAsync($"record {agent.Name} read the weather", cancellationToken);
            narrator.Tell("record", $"{agent.Name} signed a hash of what it did: entry {answer["ledger_index"]}, {(string)answer["class"]!}", answer);
        }
    }

    private async Task<JsonObject> StopAsync(OwnVerbs agentid, DemoAgent clerk, CancellationToken cancellationToken)
    {
        var answer = await agentid.RunAsync(cancellationToken, "stop", clerk.Did, "--state", "frozen", "--reason", "reads what it should not");
        narrator.Tell("stop", $"{clerk.Name} is {(string)answer["state"]!}, level {(string)answer["level"]!}: entry {answer["ledger_index"]}, epoch {answer["epoch"]}", answer);
        return answer;
    }

    private async Task RefusedAsync(DemoAgent clerk, string url, CancellationToken cancellationToken)
    {
        var call = await ExpectSoonAsync(clerk, $"call {url}/weather", 403, cancellationToken);
        var renewal = await clerk.DoAsync("renew", cancellationToken);
        if ((string)renewal["reason"]! is "NONE")
            throw Unexpected($"{clerk.Name} got a fresh credential after it was stopped.");
        narrator.Tell("refused", $"{clerk.Name}, same credential: 403 {(string)call["reason"]!}; a fresh credential: {(string)renewal["reason"]!}", call);
    }

    private async Task GoesOnAsync(DemoAgent reader, string url, CancellationToken cancellationToken)
    {
        var answer = await ExpectAsync(reader, $"call {url}/weather", 200, cancellationToken);
        narrator.Tell("goes on", $"{reader.Name} is not concerned: 200 {(string)answer["body"]!}", answer);
    }

    private async Task EvidenceAsync(DemoAgent clerk, CancellationToken cancellationToken)
    {
        var answer = await clerk.DoAsync("record what was still in flight", cancellationToken);
        narrator.Tell("evidence", $"what {clerk.Name} still hands in is kept apart: entry {answer["ledger_index"]}, {(string)answer["class"]!}", answer);
    }

    private async Task TrailAsync(OwnVerbs agentid, DemoAgent clerk, CancellationToken cancellationToken)
    {
        var trail = await agentid.RunAsync(cancellationToken, "trail", clerk.Did);
        var kinds = trail["entries"]!.AsArray().Select(entry => (string)entry!["kind"]!);
        narrator.Tell("trail", $"{clerk.Name}: {string.Join(", ", kinds)}; each opens its leaf", trail);
    }

    private async Task ProveAsync(OwnVerbs agentid, JsonObject stop, CancellationToken cancellationToken)
    {
        var proof = await agentid.RunAsync(cancellationToken, "prove", stop["ledger_index"]!.ToJsonString());
        narrator.Tell("prove", $"the stop is entry {proof["ledger_index"]} of the {proof["tree_size"]} that the log's key has signed: {(string)proof["verdict"]!}", proof);
    }

    private static async Task<JsonObject> ExpectAsync(DemoAgent agent, string what, int status, CancellationToken cancellationToken)
    {
        var answer = await agent.DoAsync(what, cancellationToken);
        return (int)answer["status"]! == status ? answer : throw Unexpected($"{agent.Name}, {what}: {status} was expected, and the answer is {answer.ToLine()}");
    }

    // RECORDED is the registry's own word; a tool that decides itself hears of it a moment later.
    private static async Task<JsonObject> ExpectSoonAsync(DemoAgent agent, string what, int status, CancellationToken cancellationToken)
    {
        const int Attempts = 50;
        for (var attempt = 1; attempt < Attempts; attempt++)
        {
            var answer = await agent.DoAsync(what, cancellationToken);
            if ((int)answer["status"]! == status)
                return answer;
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
        return await ExpectAsync(agent, what, status, cancellationToken);
    }

    private static Failure Unexpected(string sentence) => Failure.Refused(sentence, "The demo ends here; --keep leaves its folder to be looked at.");

    private T Keep<T>(T process)
        where T : IAsyncDisposable
    {
        _processes.Push(process);
        return process;
    }
}
