using System.Diagnostics;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;
using Grpc.Net.Client;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using Scope = AgentIdentity.Protocol.V1.Scope;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How long it takes until a stop is recorded, idle and under load, and until many connected enforcers have all signed it.</summary>
internal static class WatchQuestion
{
    private const int AgentsUnderLoad = 32;
    private static readonly TimeSpan RecordedGoal = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan EnforcedGoal = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(3);
    private static readonly string[] Audiences = [RegistryWire.Audience];

    public static async Task<int> AnswerAsync(int enforcers, int stops)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-watch-");
        using var operatorKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        try
        {
            var keys = await MakeAsync(folder.FullName, operatorKey, enforcers);
            await using var server = await ServerProcess.StartRegistryAsync(folder.FullName, "--quota-per-key", "1000000", "--quota-per-address", "1000000");
            using var registry = new RegistryWire(server.Address("grpc"), server.Address("control"));
            await registry.RefreshNonceAsync(operatorKey);
            var token = await registry.CreateTokenAsync(operatorKey, uses: (uint)(AgentsUnderLoad + (3 * stops)));
            using var connection = Connect(server, operatorKey);

            await StopAsync(registry, connection, token, stops, "no enforcer connected");
            using var ending = new CancellationTokenSource();
            var watching = await WatchAsync(server, keys, ending.Token);
            await StopAsync(registry, connection, token, stops, $"{enforcers:N0} enforcers connected");
            using var load = new CancellationTokenSource();
            var loading = LoadAsync(registry, token, load.Token);
            await StopAsync(registry, connection, token, stops, $"{enforcers:N0} enforcers connected, under load");
            await load.CancelAsync();
            Console.WriteLine($"load: {await loading:N0} statements recorded meanwhile, load average {File.ReadAllText("/proc/loadavg")[..4]}");
            await ending.CancelAsync();
            await watching;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task<PrivateKey[]> MakeAsync(string folder, PrivateKey operatorKey, int enforcers)
    {
        await using var own = new OwnNode(folder);
        var first = await own.FoundAsync(operatorKey);
        var keys = Enumerable.Range(0, enforcers).Select(_ => PrivateKey.Generate(KeyAlgorithm.ES256)).ToArray();
        await Parallel.ForAsync(0, enforcers, new ParallelOptions { MaxDegreeOfParallelism = 256 }, async (i, _) =>
            OwnNode.Good(await own.Node.Operating.RegisterCallerAsync(first, CallerRole.Enforcer, $"gateway {i}", keys[i].PublicKey, Audiences)));
        return keys;
    }

    private static RegistryConnection Connect(ServerProcess server, PrivateKey key) => new(
        new ConnectionOptions { GrpcUrl = $"http://{server.Address("grpc")}", ControlUrl = $"http://{server.Address("control")}", PublicUrl = RegistryWire.PublicUrl, Deadline = TimeSpan.FromSeconds(30) }, key);

    private static async Task StopAsync(RegistryWire registry, RegistryConnection connection, string token, int stops, string what)
    {
        var (recorded, enforced) = (new List<double>(), new List<double>());
        for (var i = 0; i < stops; i++)
        {
            using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var agent = await registry.EnrollAsync(key, token, await registry.ChallengeAsync());
            await Task.Delay(100);
            var watch = Stopwatch.StartNew();
            var stop = await connection.Control.StopAsync(new StopRequest { Scope = new Scope { Agent = agent.Id.ToString() }, State = AgentState.Frozen, Reason = "measured" });
            recorded.Add(watch.Elapsed.TotalMilliseconds);
            // From when it was sequenced to when the last acknowledgement was: both by the registry's clock.
            enforced.Add(await EnforcedAsync(connection, stop));
        }
        Print($"RECORDED, {what}", recorded, RecordedGoal);
        Print($"ENFORCED after RECORDED, {what}", enforced, EnforcedGoal);
    }

    private static async Task<double> EnforcedAsync(RegistryConnection connection, StopResponse stop)
    {
        while (true)
        {
            var report = (await connection.Control.PropagationAsync(new PropagationRequest { Stop = stop.LedgerIndex })).Stops[0];
            if (report.EnforcedAt > 0)
                return report.Enforcers.All(enforcer => enforcer.Progress == EnforcerProgress.LeaseOver) ? 0 : report.EnforcedAt - report.RecordedAt;
            await Task.Delay(200);
        }
    }

    private static async Task<Task> WatchAsync(ServerProcess server, PrivateKey[] keys, CancellationToken ending)
    {
        var channel = GrpcChannel.ForAddress($"http://{server.Address("grpc")}", new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true } });
        var client = new Access.AccessClient(channel);
        var nonce = await WireEnforcer.NonceAsync(client, RegistryWire.PublicUrl);
        var enforcers = new WireEnforcer[keys.Length];
        await Parallel.ForAsync(0, keys.Length, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) =>
        {
            enforcers[i] = WireEnforcer.Begin(client, keys[i], RegistryWire.PublicUrl, Audiences, nonce);
            await enforcers[i].UntilAsync(RegistryMessage.OfOneofCase.Snapshot);
            await enforcers[i].HeartbeatAsync();
            await enforcers[i].SignAsync();
        });
        return Task.WhenAll(enforcers.Select((enforcer, i) => EnforceAsync(enforcer, TimeSpan.FromMilliseconds(i * BeatEvery.TotalMilliseconds / keys.Length), ending)).Append(DisposeAsync(channel, ending)));
    }

    // Signs what it is told at once, and asks for a heartbeat every three seconds.
    private static async Task EnforceAsync(WireEnforcer enforcer, TimeSpan offset, CancellationToken ending)
    {
        using var ended = ending.Register(enforcer.Dispose);
        using var timer = new Timer(_ => _ = BeatAsync(enforcer), null, offset, BeatEvery);
        try
        {
            while (true)
            {
                await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Delta);
                await enforcer.SignAsync();
            }
        }
        catch (Exception) when (ending.IsCancellationRequested)
        {
            // Measured.
        }
    }

    private static async Task BeatAsync(WireEnforcer enforcer)
    {
        try
        {
            await enforcer.SendNonceAsync();
        }
        catch (Exception ended) when (ended is InvalidOperationException or global::Grpc.Core.RpcException or ObjectDisposedException)
        {
            // The stream has ended, which whoever reads it says.
        }
    }

    private static async Task DisposeAsync(GrpcChannel channel, CancellationToken ending)
    {
        await Task.Delay(Timeout.Infinite, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        channel.Dispose();
    }

    private static async Task<long> LoadAsync(RegistryWire registry, string token, CancellationToken ending)
    {
        var counts = await Task.WhenAll(Enumerable.Range(0, AgentsUnderLoad).Select(async _ =>
        {
            using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var agent = await registry.EnrollAsync(key, token, await registry.ChallengeAsync());
            Hash previous = default;
            var sequence = 0UL;
            for (; !ending.IsCancellationRequested; sequence++)
            {
                var statement = SignedStatement.Encode(RegistryWire.Origin, agent.Id, key.PublicKey.KeyId, sequence, previous, 1, StatementKind.Activity, new Hash[1]);
                await registry.RecordAsync(key, statement);
                previous = Sha256.Hash(statement);
            }
            return (long)sequence;
        }));
        return counts.Sum();
    }

    private static void Print(string what, List<double> milliseconds, TimeSpan goal)
    {
        milliseconds.Sort();
        double At(double share) => milliseconds[(int)(share * (milliseconds.Count - 1))];
        Console.WriteLine($"{what}: p50 {At(0.5):F1} ms, p99 {At(0.99):F1} ms, most {milliseconds[^1]:F1} ms of {milliseconds.Count} (goal p99 {goal.TotalMilliseconds:F0} ms: {(At(0.99) <= goal.TotalMilliseconds ? "met" : "not met")})");
    }
}
