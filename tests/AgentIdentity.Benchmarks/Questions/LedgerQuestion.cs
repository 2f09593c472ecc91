using System.Diagnostics;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What a long log costs: to start with it, to prove an entry of it, and until a checkpoint covers what was just appended.</summary>
internal static class LedgerQuestion
{
    // As many writes at a time as two commits take.
    private const int InFlight = 1024;
    private const int Proofs = 5_000;
    private const int Appends = 15;

    public static async Task<int> AnswerAsync(int count, int seed)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-ledger-");
        using var operatorKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        try
        {
            await FillAsync(folder.FullName, operatorKey, count);
            await StartAsync(folder.FullName, operatorKey, "an orderly end", isKilled: true);
            await StartAsync(folder.FullName, operatorKey, "kill -9", isKilled: true);
            Directory.Delete(Path.Combine(folder.FullName, SqliteLedgerStore.CommitmentsFolder), recursive: true);
            await StartAsync(folder.FullName, operatorKey, "kill -9, the index of commitments being made again beside it", isKilled: false);
            await ProveAsync(folder.FullName, new Random(seed));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    // Entries without a signature of their own, so that the ledger is what takes the time.
    private static async Task FillAsync(string folder, PrivateKey operatorKey, int count)
    {
        await using var own = new OwnNode(folder);
        var actor = await own.FoundAsync(operatorKey);
        var watch = Stopwatch.StartNew();
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, _) =>
            OwnNode.Good(await own.Node.Reads.RecordAsync(new Look(actor.Id, new PrivateDataRead("/agentidentity.v1.Registry/ListAgents", "", (uint)(i & 0xff)), null))));
        Console.WriteLine($"{count:N0} entries appended, {count / watch.Elapsed.TotalSeconds:N0} a second; ledger {new FileInfo(Path.Combine(folder, "ledger.db")).Length >> 20:N0} MiB, load {Load()}");
    }

    private static async Task StartAsync(string folder, PrivateKey operatorKey, string after, bool isKilled)
    {
        var watch = Stopwatch.StartNew();
        await using var server = await ServerProcess.StartRegistryAsync(folder);
        using var registry = new RegistryWire(server.Address("grpc"), server.Address("control"));
        await registry.RefreshNonceAsync(operatorKey);
        var token = await registry.CreateTokenAsync(operatorKey, uses: 1);
        Console.WriteLine($"start after {after}: ready after {server.StartTime.TotalSeconds:F2} s, first write acknowledged after {watch.Elapsed.TotalSeconds:F2} s (goal 5), {server.ResidentBytes() >> 20:N0} MiB resident, load {Load()}");
        await IntegrateAsync(registry, token);
        if (isKilled)
            await server.KillAsync();
        else
            await server.StopAsync();
    }

    // One append a second, and none at the same point of the second as the one before.
    private static async Task IntegrateAsync(RegistryWire registry, string token)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var agent = await registry.EnrollAsync(key, token, await registry.ChallengeAsync());
        var took = new List<TimeSpan>();
        Hash previous = default;
        for (var sequence = 0ul; sequence < Appends; sequence++)
        {
            var statement = SignedStatement.Encode(RegistryWire.Origin, agent.Id, key.PublicKey.KeyId, sequence, previous, 1, StatementKind.Activity, new Hash[1]);
            previous = Sha256.Hash(statement);
            var watch = Stopwatch.StartNew();
            var recorded = await registry.RecordAsync(key, statement, AckLevel.Integrated);
            if (recorded.Level != AckLevel.Integrated)
                throw new InvalidOperationException($"The answer came at {recorded.Level}.");
            took.Add(watch.Elapsed);
            var pause = TimeSpan.FromMilliseconds(1000 + (37 * (int)sequence)) - watch.Elapsed;
            if (pause > TimeSpan.Zero)
                await Task.Delay(pause);
        }
        took.Sort();
        Console.WriteLine($"INTEGRATED at one append a second: median {took[took.Count / 2].TotalMilliseconds:N0} ms, longest {took[^1].TotalMilliseconds:N0} ms (goal 1,300)");
    }

    private static async Task ProveAsync(string folder, Random chance)
    {
        await using var own = new OwnNode(folder);
        var size = own.Node.Checkpoints.Last!.Size.Value;
        var took = new List<double>();
        var cpu = Environment.CpuUsage.TotalTime;
        for (var i = 0; i < Proofs; i++)
        {
            var watch = Stopwatch.StartNew();
            OwnNode.Good(own.Node.LeafProofs.Prove(new LeafIndex((ulong)chance.NextInt64((long)size))));
            took.Add(watch.Elapsed.TotalMilliseconds);
        }
        var each = (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / Proofs;
        took.Sort();
        Console.WriteLine($"proof of a random entry of {size:N0}, made and checked: {each:F3} ms of processor (goal 1), p50 {took[Proofs / 2]:F3} ms, p99 {took[(int)(Proofs * 0.99)]:F3} ms, load {Load()}");
    }

    private static string Load() => File.ReadAllText("/proc/loadavg")[..4];
}
