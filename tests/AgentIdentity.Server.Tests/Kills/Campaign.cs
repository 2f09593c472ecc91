using System.Diagnostics;
using System.Net.Sockets;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Server.Tests.Kills;

/// <summary>One data folder, a server that is killed on it, and those who use the server meanwhile: recorders, one who enrols, one who issues, one who stops.</summary>
internal sealed class Campaign : IAsyncDisposable
{
    private const int Recorders = 6;

    // One person revokes a hundred agents an hour, which a fast machine would reach.
    private const int RevocationsMax = 90;

    private static readonly TimeSpan StopPause = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-kill-");
    private readonly Acknowledged _acknowledged = new();
    private readonly PrivateKey _operator = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly List<Recorder> _recorders = [];
    private readonly Random _chance;

    // Enrolled agents that are not stopped, and those whose stop got no answer.
    private readonly List<WireAgent> _free = [];
    private readonly HashSet<SubjectId> _perhapsStopped = [];
    private string _token = "";
    private PrivateKey? _enrolling;
    private ulong _size;
    private int _revocations;

    private Campaign(int seed) => _chance = new Random(seed);

    public static async Task<Campaign> FoundAsync(int seed)
    {
        var campaign = new Campaign(seed);
        await using var server = await campaign.StartAsync();
        using var registry = Connect(server);
        await registry.BootstrapAsync(campaign._operator, campaign._folder.FullName);
        await registry.RefreshNonceAsync(campaign._operator);
        campaign._token = await registry.CreateTokenAsync(campaign._operator, uses: 1_000_000);
        for (var i = 0; i < Recorders; i++)
            await campaign.AddRecorderAsync(registry, i % 2 == 0 ? KeyAlgorithm.ES256 : KeyAlgorithm.Ed25519);
        return campaign;
    }

    /// <summary>Start, look, load, kill, read what the kill left.</summary>
    public async Task RunRoundAsync(TimeSpan window)
    {
        await using var server = await StartAsync();
        using var registry = Connect(server);
        await registry.RefreshNonceAsync(_operator);
        await RequireAsBeforeAsync(registry);
        var before = _acknowledged.Count;
        using var killed = new CancellationTokenSource();
        var load = _recorders.Select(recorder => recorder.RunAsync(registry)).Append(EnrollAsync(registry)).Append(IssueAsync(registry, killed.Token)).Append(StopAgentsAsync(registry, killed.Token))
            .Select(UntilKilledAsync).ToArray();
        // A kill before anything was acknowledged would show nothing, so a slow machine gets longer.
        var first = await Task.WhenAny([ElapsedAsync(window, before), .. load]);
        if (load.FirstOrDefault(task => task == first) is { } ended)
            Assert.Fail($"Somebody's connection ended before the kill. {await ended} {server.Errors}");
        await first;
        await server.KillAsync();
        await killed.CancelAsync();
        await Task.WhenAll(load).WaitAsync(EndMax);
        RequireStored();
    }

    /// <summary>After the last kill: a start, an orderly end, and then the signed tree covers everything.</summary>
    public async Task FinishAsync()
    {
        await using var server = await StartAsync();
        using (var registry = Connect(server))
        {
            await registry.RefreshNonceAsync(_operator);
            await RequireAsBeforeAsync(registry);
        }
        Assert.Equal(0, await server.StopAsync());
        var ledger = RequireStored();
        Assert.Equal(ledger.Size, ledger.SignedSize);
    }

    public string Describe() =>
        $"{_size} entries; acknowledged: {_acknowledged.Statements.Count} statements, {_acknowledged.Agents.Count} agents, {_acknowledged.Credentials.Count} credentials, {_acknowledged.Stops.Count} stops";

    public ValueTask DisposeAsync()
    {
        _operator.Dispose();
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private static RegistryWire Connect(ServerProcess server) => new(server.Address("grpc"), server.Address("control"));

    private Task<ServerProcess> StartAsync() => ServerProcess.StartRegistryAsync(_folder.FullName);

    private async Task AddRecorderAsync(RegistryWire registry, KeyAlgorithm algorithm)
    {
        var agent = await registry.EnrollAsync(PrivateKey.Generate(algorithm), _token, await registry.ChallengeAsync());
        _acknowledged.Add(agent);
        _recorders.Add(new Recorder(agent, _acknowledged, new Random(_chance.Next())));
    }

    private async Task ElapsedAsync(TimeSpan window, int before)
    {
        await Task.Delay(window);
        for (var waited = Stopwatch.StartNew(); _acknowledged.Count == before && waited.Elapsed < EndMax;)
            await Task.Delay(StopPause);
        Assert.True(_acknowledged.Count > before, "Nothing was acknowledged.");
    }

    private StoredLedger RequireStored()
    {
        var ledger = StoredLedger.Read(_folder.FullName);
        Assert.True(ledger.Size >= _size, $"The ledger had {_size} entries and has {ledger.Size}.");
        _size = ledger.Size;
        ledger.RequireAll(_acknowledged);
        return ledger;
    }

    // Retries get their first answer, and every agent is in the state that was acknowledged. A stop without an answer may have happened; whether it did is seen here.
    private async Task RequireAsBeforeAsync(RegistryWire registry)
    {
        foreach (var recorder in _recorders)
            await recorder.RetryAsync(registry);
        var listed = (await registry.ListAgentsAsync(_operator)).ToDictionary(agent => SubjectId.Read(agent.AgentId.Span));
        foreach (var id in _acknowledged.Agents.Values)
        {
            var agent = Assert.Contains(id, (IDictionary<SubjectId, Agent>)listed);
            if (_acknowledged.Stops.TryGetValue(id, out var stop))
                Assert.Equal((stop.State, stop.Index), (agent.State, agent.Stop.LedgerIndex));
            else if (_perhapsStopped.Remove(id) && agent.State != AgentState.Active)
                _acknowledged.Stops[id] = (agent.Stop.LedgerIndex, agent.State);
            else
                Assert.Equal(AgentState.Active, agent.State);
        }
        lock (_free)
            _free.RemoveAll(agent => _acknowledged.Stops.ContainsKey(agent.Id));
    }

    private async Task EnrollAsync(RegistryWire registry)
    {
        var challenge = await registry.ChallengeAsync();
        while (true)
        {
            // A key whose enrolment got no answer is enrolled again: it must not become two agents.
            _enrolling ??= PrivateKey.Generate(KeyAlgorithm.ES256);
            var agent = await registry.EnrollAsync(_enrolling, _token, challenge);
            _enrolling = null;
            _acknowledged.Add(agent);
            lock (_free)
                _free.Add(agent);
        }
    }

    private async Task IssueAsync(RegistryWire registry, CancellationToken killed)
    {
        while (true)
        {
            if (PickFree(remove: false) is not { } agent)
                await Task.Delay(StopPause, killed);
            else if (await TryIssueAsync(registry, agent) is { } credential)
                _acknowledged.Add(credential);
        }
    }

    // The agent may have been stopped since it was picked, or hold as many credentials as it may.
    private static async Task<IssuedCredential?> TryIssueAsync(RegistryWire registry, WireAgent agent)
    {
        const int PermissionDenied = 7;
        const int ResourceExhausted = 8;
        try
        {
            return await registry.IssueAsync(agent);
        }
        catch (WireRefusedException refused) when (refused.Answer.Status is PermissionDenied or ResourceExhausted)
        {
            return null;
        }
    }

    private async Task StopAgentsAsync(RegistryWire registry, CancellationToken killed)
    {
        while (true)
        {
            await Task.Delay(StopPause, killed);
            if (PickFree(remove: true) is not { } agent)
                continue;
            var state = _revocations < RevocationsMax && _acknowledged.Stops.Count % 2 == 1 ? AgentState.Revoked : AgentState.Frozen;
            if (state == AgentState.Revoked)
                _revocations++;
            _perhapsStopped.Add(agent.Id);
            var stopped = await registry.StopAsync(_operator, agent.Id, state);
            _perhapsStopped.Remove(agent.Id);
            _acknowledged.Stops[agent.Id] = (stopped.LedgerIndex, state);
        }
    }

    private WireAgent? PickFree(bool remove)
    {
        lock (_free)
        {
            if (_free.Count == 0)
                return null;
            var place = _chance.Next(_free.Count);
            var agent = _free[place];
            if (remove)
                _free.RemoveAt(place);
            return agent;
        }
    }

    // The kill ends everybody's connection; nothing else may end them. Answers with what it was that ended.
    private static async Task<string> UntilKilledAsync(Task load)
    {
        try
        {
            await load;
            return "They finished.";
        }
        // A socket whose other end goes while it connects: HttpClient has no name of its own for that.
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or SocketException)
        {
            return e.ToString();
        }
    }
}
