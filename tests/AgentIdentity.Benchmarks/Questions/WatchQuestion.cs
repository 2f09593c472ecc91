using System.Diagnostics;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;
using Grpc.Core;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using Scope = AgentIdentity.Protocol.V1.Scope;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How long it takes until a stop is recorded, idle and under load, and until many connected enforcers have all signed it; and how large the file is that proves it.</summary>
internal static class WatchQuestion
{
    private const int AgentsUnderLoad = 32;
    private static readonly TimeSpan RecordedGoal = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan EnforcedGoal = TimeSpan.FromMilliseconds(250);
    private static readonly string[] Audiences = [RegistryWire.Audience];

    public static async Task<int> AnswerAsync(int enforcers, int stops)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-watch-");
        using var operatorKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        try
        {
            var (crowd, keys) = await Crowd.MakeEnforcersAsync(enforcers);
            await using var watching = crowd;
            await RegisterAsync(folder.FullName, operatorKey, keys);
            await using var server = await ServerProcess.StartRegistryAsync(folder.FullName, "--quota-per-key", "1000000", "--quota-per-address", "1000000");
            try
            {
                await MeasureAsync(server, crowd, operatorKey, enforcers, stops);
            }
            catch (Exception unanswered) when (unanswered is RpcException or WireRefusedException)
            {
                await TellAsync(server);
                throw;
            }
            await crowd.EndAsync();
            await Yardsticks.MeasureAsync(enforcers, stops);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task MeasureAsync(ServerProcess server, Crowd crowd, PrivateKey operatorKey, int enforcers, int stops)
    {
        using var registry = new RegistryWire(server.Address("grpc"), server.Address("control"));
        await registry.RefreshNonceAsync(operatorKey);
        var token = await registry.CreateTokenAsync(operatorKey, uses: (uint)(AgentsUnderLoad + (3 * stops)));
        using var connection = Connect(server, operatorKey);

        await StopAsync(server, crowd, registry, connection, token, stops, "no enforcer connected");
        await crowd.WatchAsync(server);
        var last = await StopAsync(server, crowd, registry, connection, token, stops, $"{enforcers:N0} enforcers connected");
        await CertifyAsync(connection, last);
        await using var recorders = Crowd.StartRecorders(server, token, AgentsUnderLoad);
        await StopAsync(server, crowd, registry, connection, token, stops, $"{enforcers:N0} enforcers connected, under load");
        Console.WriteLine($"load: {await recorders.EndAsync()} statements recorded meanwhile, load average {File.ReadAllText("/proc/loadavg")[..4]}");
    }

    // Once a stop was not answered, and nobody could say whether the server, its disk or this process was at fault.
    private static async Task TellAsync(ServerProcess server)
    {
        Console.Error.WriteLine($"A call was not answered. Here: {ThreadPool.ThreadCount} threads of the pool, {ThreadPool.PendingWorkItemCount} things that wait for one. The server:\n{server.Errors}");
        using var console = new HttpClient();
        var metrics = await console.GetStringAsync($"http://{server.Address("console")}/metrics");
        string[] told = ["agentidentity_disk", "agentidentity_oldest", "agentidentity_call_duration_seconds_count"];
        Console.Error.WriteLine(string.Join('\n', metrics.Split('\n').Where(line => told.Any(name => line.StartsWith(name, StringComparison.Ordinal)))));
    }

    private static async Task RegisterAsync(string folder, PrivateKey operatorKey, PublicKey[] keys)
    {
        await using var own = new OwnNode(folder);
        var first = await own.FoundAsync(operatorKey);
        await Parallel.ForAsync(0, keys.Length, new ParallelOptions { MaxDegreeOfParallelism = 256 }, async (i, _) =>
            OwnNode.Good(await own.Node.Operating.RegisterCallerAsync(first, CallerRole.Enforcer, $"gateway {i}", keys[i], Audiences)));
    }

    private static RegistryConnection Connect(ServerProcess server, PrivateKey key) => new(
        new ConnectionOptions { GrpcUrl = $"http://{server.Address("grpc")}", ControlUrl = $"http://{server.Address("control")}", PublicUrl = RegistryWire.PublicUrl, Deadline = TimeSpan.FromSeconds(30) }, key);

    private static async Task<ulong> StopAsync(ServerProcess server, Crowd crowd, RegistryWire registry, RegistryConnection connection, string token, int stops, string what)
    {
        var (recorded, enforced) = (new List<double>(), new List<double>());
        var (spent, theirs, last) = (TimeSpan.Zero, TimeSpan.Zero, 0UL);
        for (var i = 0; i < stops; i++)
        {
            using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var agent = await registry.EnrollAsync(key, token, await registry.ChallengeAsync());
            await Task.Delay(100);
            var (before, theirsBefore) = (ServerProcess.CpuOf(server.Id), crowd.Cpu);
            var watch = Stopwatch.StartNew();
            var stop = await connection.Control.StopAsync(new StopRequest { Scope = new Scope { Agent = agent.Id.ToString() }, State = AgentState.Frozen, Reason = "measured" });
            recorded.Add(watch.Elapsed.TotalMilliseconds);
            last = stop.LedgerIndex;
            // From when it was sequenced to when the last acknowledgement was: both by the registry's clock.
            enforced.Add(await EnforcedAsync(connection, stop));
            spent += ServerProcess.CpuOf(server.Id) - before;
            theirs += crowd.Cpu - theirsBefore;
        }
        Print($"RECORDED, {what}", recorded, RecordedGoal);
        Print($"ENFORCED after RECORDED, {what}", enforced, EnforcedGoal);
        Console.WriteLine($"    {spent.TotalMilliseconds / stops:F0} ms of the server's processor for each, the polling for the report included; {theirs.TotalMilliseconds / stops:F0} ms of the enforcers' own");
        return last;
    }

    private static async Task CertifyAsync(RegistryConnection connection, ulong stop)
    {
        using var file = new MemoryStream();
        var watch = Stopwatch.StartNew();
        using var call = connection.Control.ExportCertificate(new PropagationRequest { Stop = stop });
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
            call.ResponseStream.Current.Piece.WriteTo(file);
        var exported = watch.Elapsed;
        watch.Restart();
        var verdict = CertificateVerifier.Verify(file.ToArray(), policy: null);
        Console.WriteLine($"its containment certificate: {file.Length >> 10:N0} KiB, exported in {exported.TotalMilliseconds:F0} ms, the wait for a checkpoint included, checked in {watch.Elapsed.TotalMilliseconds:F0} ms: {verdict.Level}, {verdict.Stops[0].Enforcers.Count:N0} enforcers");
    }

    private static async Task<double> EnforcedAsync(RegistryConnection connection, StopResponse stop)
    {
        while (true)
        {
            // Not before it may be over: a report of a thousand enforcers is work as well.
            await Task.Delay(300);
            var report = (await connection.Control.PropagationAsync(new PropagationRequest { Stop = stop.LedgerIndex })).Stops[0];
            if (report.EnforcedAt > 0)
                return report.Enforcers.All(enforcer => enforcer.Progress == EnforcerProgress.LeaseOver) ? 0 : report.EnforcedAt - report.RecordedAt;
        }
    }

    private static void Print(string what, List<double> milliseconds, TimeSpan goal)
    {
        milliseconds.Sort();
        double At(double share) => milliseconds[(int)(share * (milliseconds.Count - 1))];
        Console.WriteLine($"{what}: p50 {At(0.5):F1} ms, p99 {At(0.99):F1} ms, most {milliseconds[^1]:F1} ms of {milliseconds.Count} (goal p99 {goal.TotalMilliseconds:F0} ms: {(At(0.99) <= goal.TotalMilliseconds ? "met" : "not met")})");
    }
}
