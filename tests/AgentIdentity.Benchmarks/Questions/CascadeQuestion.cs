using System.Diagnostics;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How long a stop takes that reaches an agent and ten thousand agents below it. In this process: what it costs, without the network.</summary>
internal static class CascadeQuestion
{
    private const int Fan = 10;
    private static readonly TimeSpan Goal = TimeSpan.FromMilliseconds(100);

    public static async Task<int> AnswerAsync(int descendants, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-cascade-");
        try
        {
            await using var own = new OwnNode(folder.FullName);
            using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var first = await own.FoundAsync(key);
            var agents = await EnrollAsync(own, await own.NewTokenAsync(first, descendants + 1), descendants + 1);
            await LinkAsync(own, agents);
            // As the server does before anybody needs it.
            await Rehearsal.PlayAsync(folder.FullName);
            var took = new List<double>();
            var spent = Environment.CpuUsage.TotalTime;
            for (var round = 0; round < rounds; round++)
            {
                var watch = Stopwatch.StartNew();
                var stopped = OwnNode.Good(await own.Node.Stopping.StopAsync(first, new StopWish(Scope.AgentWithDelegates(agents[0].Id), StandingState.Frozen, "measured", "")));
                took.Add(watch.Elapsed.TotalMilliseconds);
                if (stopped.Reached != descendants + 1)
                    throw new InvalidOperationException($"{stopped.Reached} agents were reached.");
            }
            spent = Environment.CpuUsage.TotalTime - spent;
            var coldest = took[0];
            took.Sort();
            Console.WriteLine($"cascade over {descendants:N0} descendants: p50 {took[took.Count / 2]:F1} ms, most {took[^1]:F1} ms of {rounds}, the first {coldest:F1} ms, {spent.TotalMilliseconds / rounds:F1} ms of processor each, load average {File.ReadAllText("/proc/loadavg")[..4]} (goal {Goal.TotalMilliseconds:F0} ms: {(took[^1] <= Goal.TotalMilliseconds ? "met" : "not met")})");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task<(SubjectId Id, SubjectId Jti)[]> EnrollAsync(OwnNode own, string token, int count)
    {
        var agents = new (SubjectId, SubjectId)[count];
        var tokenHash = Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token));
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 512 }, async (i, _) =>
        {
            using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
            var proof = EnrolmentProof.Create(key, RegistryWire.PublicUrl, own.Node.Enrolment.NewChallenge(), tokenHash, TimeProvider.System.GetUtcNow());
            var enrolled = OwnNode.Good(await own.Node.Enrolment.EnrollAsync(token, proof, [], lifetimeSeconds: 900));
            agents[i] = (enrolled.Agent.Id, enrolled.Credential.Claims.Jti);
        });
        return agents;
    }

    // A tree of ten children each. What is linked are the credentials of the enrolment, which is all that a walk looks at.
    private static Task LinkAsync(OwnNode own, (SubjectId Id, SubjectId Jti)[] agents) => Parallel.ForAsync(1, agents.Length, new ParallelOptions { MaxDegreeOfParallelism = 512 }, async (i, _) =>
    {
        var (parent, child) = (agents[(i - 1) / Fan], agents[i]);
        var expiresAt = TimeProvider.System.GetUtcNow().AddMinutes(10).ToUnixTimeSeconds();
        OwnNode.Good(await own.Node.Sequencer.DecideAsync<LeafIndex>(Registry.Sequencing.Lane.Ordinary, draft => draft.Stage(
            parent.Id, new Delegated(parent.Id, parent.Jti, child.Id, SubjectId.New(TimeProvider.System.GetUtcNow()), RegistryWire.Envelope, [RegistryWire.Audience], expiresAt, 1, []), parent.Id, child.Id)));
    });
}
