using System.Diagnostics;
using System.Security.Cryptography;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What a call costs, beside the empty call and a bare signature check of the same run.</summary>
internal static class CallQuestion
{
    private const string Echo = "echo";
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    /// <summary>A tool that is known by its client certificate: it needs no proof of its own, and everything runs over TLS.</summary>
    public const string ByCertificate = "verify-mtls";

    /// <summary>Those that run together.</summary>
    public static IReadOnlyList<string> Plain { get; } = [Echo, "verify", "verify-new", "issue", "enroll", "record1", "record64"];

    public static IReadOnlyList<string> Names { get; } = [.. Plain, ByCertificate];

    public static async Task AnswerAsync(Servers servers, TimeSpan length, int rounds, IReadOnlyList<string> names)
    {
        using var certificateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = names.Contains(ByCertificate) ? SelfSigned.Create(certificateKey) : null;
        var tls = certificate is null ? null : new WireTls(certificate);
        using var calls = await PreparedCalls.FoundAsync(servers, tls);
        var answers = names.Prepend(Echo).Distinct().ToDictionary(name => name, _ => new List<Measured>());
        // One round more than asked for: the first warms the servers up, and is not counted.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (name, measured) in answers)
                measured.Add(await MeasureAsync(servers, calls, name, length, tls));
        }
        foreach (var measured in answers.Values)
            measured.RemoveAt(0);
        Print(answers);
    }

    private static async Task<Measured> MeasureAsync(Servers servers, PreparedCalls calls, string name, TimeSpan length, WireTls? tls)
    {
        var queues = await calls.MakeAsync(name, WarmUp + length);
        var window = name == Echo
            ? new Window(servers.Echo, servers.EchoId, answer => answer.IsGood, tls)
            : new Window(servers.Grpc, servers.RegistryId, PreparedCalls.Expectation(name), tls);
        // A neighbour on the same machine slows one minute and not the next: what a check costs is asked right before and right after.
        var before = SignatureCheckSeconds();
        var measured = await window.RunAsync(WarmUp, length, queues);
        return measured with { CheckMilliseconds = (before + SignatureCheckSeconds()) * 1000 / 2 };
    }

    private static void Print(Dictionary<string, List<Measured>> answers)
    {
        var medians = answers.ToDictionary(answer => answer.Key, answer => Median(answer.Value));
        var (echo, check) = (medians[Echo], Middle(answers.Values.SelectMany(rounds => rounds, (_, round) => round.CheckMilliseconds)));
        Console.WriteLine($"P-256 signature check: {check * 1000:F0} us of one core while all are busy, {1000 / check:N0} a second");
        Console.WriteLine($"{"question",-12}{"calls/s",10}{"p50 ms",9}{"p99 ms",9}{"server CPU ms/call",20}{"CPU to echo",13}{"load",7}");
        foreach (var (name, measured) in medians)
        {
            Console.WriteLine(
                $"{name,-12}{measured.CallsPerSecond,10:N0}{measured.Median.TotalMilliseconds,9:F1}{measured.P99.TotalMilliseconds,9:F1}{measured.ServerCpuPerThousand,20:F3}"
                + $"{measured.ServerCpuPerThousand / echo.ServerCpuPerThousand,13:F1}{measured.LoadAverage,7:F1}");
        }
        foreach (var (name, signatures) in new[] { ("verify", 2), ("verify-new", 3), (ByCertificate, 1) })
        {
            if (answers.TryGetValue(name, out var rounds))
                PrintGoal(name, signatures, rounds, answers[Echo]);
        }
        if (medians.TryGetValue("record64", out var record))
            Console.WriteLine($"record64 carries {record.CallsPerSecond * 64:N0} hashes/s durable; the goal is 200,000: {Met(record.CallsPerSecond * 64 >= 200_000)}");
        if (medians.TryGetValue("record1", out var single))
            Console.WriteLine($"record1 carries {single.CallsPerSecond:N0} statements/s durable; the goal is 4,000: {Met(single.CallsPerSecond >= 4_000)}");
    }

    // CPU-seconds for 1,000 calls are milliseconds for one. The caller's own proof is one of the checks.
    private static void PrintGoal(string name, int signatures, List<Measured> rounds, List<Measured> echoes)
    {
        var shares = new List<double>();
        foreach (var (round, echo) in rounds.Zip(echoes))
        {
            var bound = echo.ServerCpuPerThousand + (1.3 * signatures * round.CheckMilliseconds);
            shares.Add(round.ServerCpuPerThousand / bound);
            Console.WriteLine($"{name}: {round.ServerCpuPerThousand:F3} ms <= {echo.ServerCpuPerThousand:F3} ms (empty call) + 1.3 x {signatures} checks x {round.CheckMilliseconds:F3} ms = {bound:F3} ms");
        }
        Console.WriteLine($"{name}: {Middle(shares):F3} of the bound in the median of {shares.Count} ({shares.Min():F3} to {shares.Max():F3}): {Met(Middle(shares) <= 1)}");
    }

    private static string Met(bool isMet) => isMet ? "met" : "not met";

    // Processor time, since others may use the machine; and on all cores at once, as in a window: a core whose neighbour rests is faster than the same core under load.
    private static double SignatureCheckSeconds()
    {
        var data = new byte[512];
        // A key for each core, made before the clock runs: one that all share would be one line of memory that they take from each other.
        var keys = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => PrivateKey.Generate(KeyAlgorithm.ES256)).ToArray();
        var signed = Array.ConvertAll(keys, key => (key.PublicKey, Signature: key.Sign(data)));
        var (spent, watch) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
        var checks = signed.AsParallel().Sum(one => CountChecks(one.PublicKey, data, one.Signature, watch));
        var seconds = (Environment.CpuUsage.TotalTime - spent).TotalSeconds;
        Array.ForEach(keys, key => key.Dispose());
        return seconds / checks;
    }

    private static int CountChecks(PublicKey key, byte[] data, byte[] signature, Stopwatch watch)
    {
        var count = 0;
        for (; watch.Elapsed < TimeSpan.FromSeconds(1); count++)
        {
            if (!key.Verifies(data, signature))
                throw new InvalidOperationException("A good signature was refused.");
        }
        return count;
    }

    private static Measured Median(List<Measured> rounds) => new(
        Middle(rounds.Select(round => round.CallsPerSecond)), Middle(rounds, round => round.Median), Middle(rounds, round => round.P99),
        Middle(rounds.Select(round => round.ServerCpuPerThousand)), Middle(rounds.Select(round => round.LoadAverage)));

    private static TimeSpan Middle(List<Measured> rounds, Func<Measured, TimeSpan> of) => TimeSpan.FromSeconds(Middle(rounds.Select(round => of(round).TotalSeconds)));

    private static double Middle(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
