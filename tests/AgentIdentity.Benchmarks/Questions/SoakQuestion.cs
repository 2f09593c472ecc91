using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;
using Grpc.Core;
using Grpc.Net.Client;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What a server still holds of callers who came and went, most of them without a word: memory, files and threads after each kind, all kinds twice, since what comes to rest is no leak.</summary>
internal static class SoakQuestion
{
    private const int Enforcers = 40;
    private const int Workers = 6;
    private static readonly string[] Audiences = [RegistryWire.Audience];
    private static readonly string[] Pages = ["/.well-known/did.json", "/.well-known/jwks.json", "/checkpoint", "/metrics", "/status/1", "/log-key", "/agents/nobody/did.json", "/nothing"];

    public static async Task<int> AnswerAsync(TimeSpan length, int rounds, int seed)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-soak-");
        var keys = Enumerable.Range(0, Enforcers).Select(_ => PrivateKey.Generate(KeyAlgorithm.ES256)).ToArray();
        try
        {
            await RegisterAsync(folder.FullName, keys);
            await using var server = await ServerProcess.StartRegistryAsync(folder.FullName, "--quota-per-key", "1000000", "--quota-per-address", "1000000");
            var comers = new (string Name, Func<Random, Task> Come)[]
            {
                ("watches that end", random => WatchAsync(server, keys, random)),
                ("fifty calls that are cut", random => CallAsync(server, random)),
                ("streams that are cut", random => StreamAsync(server, random)),
                ("connections without a call", random => ConnectAsync(server, random)),
                ("eight pages", _ => GetAsync(server)),
            };
            Console.WriteLine($"{"",-28}{"came",10}{"RSS, MiB",10}{"files",7}{"threads",9}");
            Tell(server, "at the ready line", 0);
            for (var round = 0; round < rounds; round++)
            {
                foreach (var (name, come) in comers)
                    Tell(server, name, await RepeatAsync(length, seed, come));
            }
        }
        finally
        {
            Array.ForEach(keys, key => key.Dispose());
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task RegisterAsync(string folder, PrivateKey[] keys)
    {
        using var operatorKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        await using var own = new OwnNode(folder);
        var first = await own.FoundAsync(operatorKey);
        foreach (var (i, key) in keys.Index())
            OwnNode.Good(await own.Node.Operating.RegisterCallerAsync(first, CallerRole.Enforcer, $"gateway {i}", key.PublicKey, Audiences));
    }

    private static void Tell(ServerProcess server, string name, int came) => Console.WriteLine(
        $"{name,-28}{came,10:N0}{server.ResidentBytes() >> 20,10:N0}{Directory.GetFiles($"/proc/{server.Id}/fd").Length,7}{Directory.GetDirectories($"/proc/{server.Id}/task").Length,9}");

    private static async Task<int> RepeatAsync(TimeSpan length, int seed, Func<Random, Task> come)
    {
        var (came, watch) = (0, Stopwatch.StartNew());
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            while (watch.Elapsed < length)
            {
                try
                {
                    await come(random);
                    Interlocked.Increment(ref came);
                }
                catch (RpcException refused) when (refused.StatusCode == StatusCode.ResourceExhausted)
                {
                    // Those who came before have not been let go of yet. Should they never be, nobody comes any more.
                    await Task.Delay(10);
                }
            }
        })));
        return came;
    }

    // Another worker may take the same key meanwhile, which ends the older stream: a way to end as well.
    private static async Task WatchAsync(ServerProcess server, PrivateKey[] keys, Random random)
    {
        using var channel = Channel(server);
        try
        {
            using var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(channel), keys[random.Next(keys.Length)], RegistryWire.PublicUrl, Audiences);
            if (random.Next(3) > 0)
                await enforcer.HeartbeatAsync();
            if (random.Next(3) > 0)
                await enforcer.SignAsync();
        }
        catch (Exception ended) when (ended is RpcException or InvalidOperationException or OperationCanceledException)
        {
            // Replaced.
        }
    }

    private static async Task CallAsync(ServerProcess server, Random random)
    {
        using var channel = Channel(server);
        for (var i = 0; i < 50; i++)
        {
            using var cut = new CancellationTokenSource();
            var isCut = random.Next(2) == 0;
            var options = new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + (isCut ? TimeSpan.FromSeconds(20) : TimeSpan.FromMicroseconds(random.Next(3000))), cancellationToken: cut.Token);
            Task answer = random.Next(3) switch
            {
                0 => new Protocol.V1.Registry.RegistryClient(channel).BeginEnrollAsync(new BeginEnrollRequest(), options).ResponseAsync,
                1 => new Protocol.V1.Credentials.CredentialsClient(channel).VerifyAsync(new VerifyRequest(), options).ResponseAsync,
                _ => new Protocol.V1.Ledger.LedgerClient(channel).GetReceiptAsync(new GetReceiptRequest(), options).ResponseAsync,
            };
            if (isCut)
                cut.CancelAfter(TimeSpan.FromMicroseconds(random.Next(2000)));
            await answer.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task StreamAsync(ServerProcess server, Random random)
    {
        using var channel = Channel(server);
        using var cut = new CancellationTokenSource();
        using var checkpoints = new Protocol.V1.Ledger.LedgerClient(channel).WatchCheckpoints(new WatchCheckpointsRequest(), cancellationToken: cut.Token);
        using var health = new Grpc.Health.V1.Health.HealthClient(channel).Watch(new Grpc.Health.V1.HealthCheckRequest(), cancellationToken: cut.Token);
        await health.ResponseStream.MoveNext(CancellationToken.None);
        await checkpoints.ResponseStream.MoveNext(CancellationToken.None);
        if (random.Next(2) == 0)
            await cut.CancelAsync();
    }

    private static async Task ConnectAsync(ServerProcess server, Random random)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Address(random.Next(2) == 0 ? "grpc" : "control"));
        await socket.SendAsync(random.Next(3) switch
        {
            0 => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray(),
            1 => "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n"u8.ToArray(),
            _ => RandomNumberGenerator.GetBytes(60),
        });
        if (random.Next(2) == 0)
            await Task.Delay(2);
        socket.Close(timeout: 0);
    }

    private static async Task GetAsync(ServerProcess server)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{server.Address("http")}") };
        foreach (var page in Pages)
            (await http.GetAsync(page)).Dispose();
    }

    private static GrpcChannel Channel(ServerProcess server) => GrpcChannel.ForAddress($"http://{server.Address("grpc")}");
}
