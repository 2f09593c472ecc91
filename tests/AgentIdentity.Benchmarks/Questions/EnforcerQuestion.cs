using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Tests.Watch;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How many decisions an enforcer takes a second on one core: on a bound connection, and with a fresh proof each, against what the signature alone costs.</summary>
internal static class EnforcerQuestion
{
    private const string Url = "https://tool.example/weather";
    private const int ProofsPerRound = 20_000;
    private const int SliceSize = 200;
    private const int Stopped = 1000;

    private static readonly AskedAction Action = new("tool", "read", $"{ScriptedRegistry.Audience}/weather");

    public static async Task<int> AnswerAsync(TimeSpan window, int rounds)
    {
        await using var own = await OwnEnforcer.StartAsync();
        var (host, enforcer) = (own.Host, own.Enforcer);
        using var agentKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        var credential = host.Registry.Issue(agentKey.PublicKey, ScriptedRegistry.Id(100));
        var session = Open(enforcer, credential, agentKey.PublicKey);
        Report("bound connection, nobody stopped", Rounds(rounds, () => Bound(enforcer, session, window)));
        await StopOthersAsync(host, enforcer);
        Report($"bound connection, {Stopped:N0} other agents stopped", Rounds(rounds, () => Bound(enforcer, session, window)));
        AnswerFresh(enforcer, credential, agentKey, rounds);
        return 0;
    }

    private static BoundSession Open(Enforcer enforcer, string credential, PublicKey agentKey)
    {
        var decision = enforcer.Open(credential, agentKey, Action, null, out var session);
        return session ?? throw new InvalidOperationException($"A good credential was refused: {decision.Refusal}");
    }

    private static async Task StopOthersAsync(WatchHost host, Enforcer enforcer)
    {
        for (var i = 0; i < Stopped; i++)
            host.Send(registry => registry.Stop(Scope.Agent(ScriptedRegistry.Id(1000 + i))).Delta);
        while (enforcer.Epoch < host.Registry.Epoch)
            await Task.Delay(10);
    }

    private static double Bound(Enforcer enforcer, BoundSession session, TimeSpan window)
    {
        var (decisions, before, start) = (0L, GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(start) < window)
        {
            for (var i = 0; i < 10_000; i++)
            {
                if (!enforcer.CheckBound(session, Action).IsAllowed)
                    throw new InvalidOperationException("A good session was refused.");
            }
            decisions += 10_000;
        }
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (GC.GetAllocatedBytesForCurrentThread() != before)
            throw new InvalidOperationException("A bound decision has allocated.");
        return decisions / seconds;
    }

    // In turns, so that what else the machine does weighs on both.
    private static void AnswerFresh(Enforcer enforcer, string credential, PrivateKey agentKey, int rounds)
    {
        var (raw, fresh) = (new List<double>(), new List<double>());
        Fresh(enforcer, credential, Proofs(enforcer, credential, agentKey, 1000));
        for (var round = 0; round < rounds; round++)
        {
            var proofs = Proofs(enforcer, credential, agentKey, ProofsPerRound);
            var (rawSeconds, freshSeconds) = (0.0, 0.0);
            foreach (var slice in proofs.Chunk(SliceSize))
            {
                rawSeconds += slice.Length / Raw(agentKey.PublicKey, slice);
                freshSeconds += slice.Length / Fresh(enforcer, credential, slice);
            }
            raw.Add(proofs.Length / rawSeconds);
            fresh.Add(proofs.Length / freshSeconds);
        }
        Report("raw P-256 verification of the same proofs", raw);
        Report("fresh signed proof each", fresh);
        Console.WriteLine($"fresh / raw: {Median([.. fresh.Zip(raw, (one, other) => one / other)]):F3} (goal 0.9), by round {string.Join(" ", fresh.Zip(raw, (one, other) => $"{one / other:F3}"))}");
    }

    private static string[] Proofs(Enforcer enforcer, string credential, PrivateKey agentKey, int count)
    {
        var request = new RequestBinding("GET", Url, enforcer.Nonces.Current(), Sha256.Hash(Encoding.ASCII.GetBytes(credential)).ToBase64Url());
        return [.. Enumerable.Range(0, count).Select(_ => KeyProof.Create(agentKey, request, TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(1)))];
    }

    private static double Raw(PublicKey publicKey, string[] proofs)
    {
        var point = publicKey.Bytes;
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = point[..32].ToArray(), Y = point[32..].ToArray() } });
        var signed = Array.ConvertAll(proofs, proof => (Data: Encoding.ASCII.GetBytes(proof[..proof.LastIndexOf('.')]), Signature: System.Buffers.Text.Base64Url.DecodeFromChars(proof.AsSpan(proof.LastIndexOf('.') + 1))));
        var start = Stopwatch.GetTimestamp();
        foreach (var (data, signature) in signed)
        {
            if (!key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
                throw new InvalidOperationException("A good signature was refused.");
        }
        return proofs.Length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Fresh(Enforcer enforcer, string credential, string[] proofs)
    {
        var request = new RequestBinding("GET", Url);
        var start = Stopwatch.GetTimestamp();
        foreach (var proof in proofs)
        {
            var decision = enforcer.Check(credential, proof, request, Action);
            if (!decision.IsAllowed)
                throw new InvalidOperationException($"A good proof was refused: {decision.Refusal}");
        }
        return proofs.Length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double[] Rounds(int rounds, Func<double> measure) => [.. Enumerable.Range(0, rounds).Select(_ => measure())];

    private static double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Report(string what, IReadOnlyList<double> rates) =>
        Console.WriteLine($"{what}: {Median(rates):N0}/s on one core ({1e9 / Median(rates):N0} ns), by round {string.Join(" ", rates.Select(rate => $"{rate:N0}"))}, load {File.ReadAllText("/proc/loadavg")[..4]}");
}
