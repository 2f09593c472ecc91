using System.Collections.Concurrent;
using System.Text;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How long the server takes to start with many agents, and how much memory it holds then.</summary>
internal static class AgentsQuestion
{
    private const int Starts = 3;
    private const int Verifications = 10_000;

    // As many enrolments at a time as a commit takes.
    private const int InFlight = 512;
    private const int KeptAgents = 100;

    public static async Task<int> AnswerAsync(int count)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-agents-");
        using var operatorKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        try
        {
            var agents = await MakeAsync(folder.FullName, operatorKey, count);
            Console.WriteLine($"{count:N0} agents with a credential each; ledger {Megabytes(folder, "ledger.db")}, snapshot {Megabytes(folder, "snapshot")}");
            for (var start = 1; start <= Starts; start++)
                await StartAsync(folder.FullName, $"start {start}, after an orderly end", operatorKey, agents, isKilled: start == Starts);
            await StartAsync(folder.FullName, "start after kill -9", operatorKey, agents, isKilled: true);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task<IReadOnlyList<WireAgent>> MakeAsync(string folder, PrivateKey operatorKey, int count)
    {
        await using var own = new OwnNode(folder);
        var token = await own.NewTokenAsync(await own.FoundAsync(operatorKey), count);
        return await EnrollAsync(own.Node, token, count);
    }

    // Every agent has a key of its own; the keys of a few are kept, to be verified later.
    private static async Task<IReadOnlyList<WireAgent>> EnrollAsync(RegistryNode node, string token, int count)
    {
        var tokenHash = Sha256.Hash(Encoding.UTF8.GetBytes(token));
        var kept = new ConcurrentBag<WireAgent>();
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, _) =>
        {
            var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var proof = EnrolmentProof.Create(key, RegistryWire.PublicUrl, node.Enrolment.NewChallenge(), tokenHash, TimeProvider.System.GetUtcNow());
            var enrolled = OwnNode.Good(await node.Enrolment.EnrollAsync(token, proof, [], lifetimeSeconds: 900));
            // The last ones: their credentials live longest.
            if (i >= count - KeptAgents)
                kept.Add(new WireAgent(key, enrolled.Agent.Id, new IssuedCredential { Token = enrolled.Credential.Token }));
            else
                key.Dispose();
        });
        return [.. kept];
    }

    private static async Task StartAsync(string folder, string what, PrivateKey operatorKey, IReadOnlyList<WireAgent> agents, bool isKilled)
    {
        await using var server = await ServerProcess.StartRegistryAsync(folder);
        var (atStart, cpu) = (server.ResidentBytes(), ServerProcess.CpuOf(server.Id));
        await VerifyAsync(server, operatorKey, agents);
        Console.WriteLine(
            $"{what}: ready after {server.StartTime.TotalSeconds:F2} s (goal 3) and {cpu.TotalSeconds:F2} s of processor, {atStart >> 20:N0} MiB resident, {server.ResidentBytes() >> 20:N0} MiB after {Verifications:N0} Verify calls (goal 500), load {File.ReadAllText("/proc/loadavg")[..4]}");
        if (isKilled)
            await server.KillAsync();
        else
            await server.StopAsync();
    }

    private static async Task VerifyAsync(ServerProcess server, PrivateKey operatorKey, IReadOnlyList<WireAgent> agents)
    {
        using var registry = new RegistryWire(server.Address("grpc"), server.Address("control"));
        await registry.RefreshNonceAsync(operatorKey);
        await Parallel.ForAsync(0, Verifications, new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (i, _) =>
        {
            var agent = agents[i % agents.Count];
            var verdict = await registry.VerifyAsync(operatorKey, agent, agent.Credential);
            if (!verdict.Allowed)
                throw new InvalidOperationException($"A good credential was refused: {verdict.Reason}");
        });
    }

    private static string Megabytes(DirectoryInfo folder, string file) => $"{new FileInfo(Path.Combine(folder.FullName, file)).Length >> 20:N0} MiB";
}
