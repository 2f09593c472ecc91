using System.Diagnostics;
using System.Globalization;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Tests.Watch;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>
/// How many credentials a core verifies a second that it has never seen, beside <c>openssl speed</c> in the same run and in turn with it; how many decisions an enforcer takes
/// about credentials that it has seen before. By processor time, of this process and of openssl's, so that others on the machine weigh little.
/// </summary>
internal static class CredentialQuestion
{
    // Few, so that the texts are as near to the processor as those that have just come in, and the collector has no stock of ours to copy while the time is taken.
    private const int NewPerSlice = 500;
    private const int SeenBefore = 1000;

    private static readonly AskedAction Action = new("tool", "read", $"{ScriptedRegistry.Audience}/weather");

    public static async Task<int> AnswerAsync(TimeSpan window, int rounds)
    {
        await using var own = await OwnEnforcer.StartAsync();
        using var agentKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        var asked = new Asked(own.Host.Registry, own.Enforcer, agentKey.PublicKey);
        string[] seen = [.. asked.New(SeenBefore)];
        // The first round warms up: code is compiled in it.
        Measure(asked, seen, window);
        var measured = new List<Rates>();
        for (var round = 0; round < rounds; round++)
            measured.Add(Measure(asked, seen, window));

        Report("openssl speed ecdsap256, verify", measured, rates => rates.OpenSsl);
        Report("credential verified, never seen", measured, rates => rates.Verified);
        Report("  to openssl (goal 0.9)", measured, rates => rates.Verified / rates.OpenSsl, "F3");
        Report("enforcer's whole decision, seen before (goal 1,000,000)", measured, rates => rates.Seen);
        Console.WriteLine($"credentials of {seen[0].Length} characters, load {File.ReadAllText("/proc/loadavg")[..4]}");
        return 0;
    }

    private static Rates Measure(Asked asked, string[] seen, TimeSpan window)
    {
        // Half before openssl and half behind it, so that a clock rate that drifts weighs on both.
        var before = Rate(window / 2, () => asked.New(NewPerSlice), asked.Verify);
        var openSsl = OpenSsl(window);
        var behind = Rate(window / 2, () => asked.New(NewPerSlice), asked.Verify);
        return new Rates(openSsl, 2 / ((1 / before) + (1 / behind)), Rate(window, () => seen, asked.Decide));
    }

    private static double Rate(TimeSpan window, Func<string[]> credentials, Action<string> ask)
    {
        var (asked, spent) = (0L, TimeSpan.Zero);
        while (spent < window)
        {
            var slice = credentials();
            var before = Environment.CpuUsage.TotalTime;
            foreach (var credential in slice)
                ask(credential);
            spent += Environment.CpuUsage.TotalTime - before;
            asked += slice.Length;
        }
        return asked / spent.TotalSeconds;
    }

    private static double OpenSsl(TimeSpan window)
    {
        var speed = new ProcessStartInfo("openssl", ["speed", "-mr", "-seconds", $"{Math.Max(1, (int)window.TotalSeconds)}", "ecdsap256"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(speed)!;
        _ = process.StandardError.ReadToEndAsync();
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        // +F4:index:bits:signatures a second:verifications a second
        var line = said.Split('\n').Single(line => line.StartsWith("+F4:", StringComparison.Ordinal));
        return double.Parse(line.Split(':')[^1], CultureInfo.InvariantCulture);
    }

    private static void Report(string what, IReadOnlyList<Rates> measured, Func<Rates, double> rate, string format = "N0") =>
        Console.WriteLine($"{what}: {measured.Select(rate).Order().ElementAt(measured.Count / 2).ToString(format)}, by round {string.Join(" ", measured.Select(rates => rate(rates).ToString(format)))}");

    /// <summary>A second, on one core.</summary>
    private sealed record Rates(double OpenSsl, double Verified, double Seen);

    /// <summary>What is asked, about credentials that are bound to the key of the channel, so that no proof of each weighs in.</summary>
    private sealed record Asked(ScriptedRegistry Registry, Enforcer Enforcer, PublicKey AgentKey)
    {
        public string[] New(int count) => [.. Enumerable.Range(0, count).Select(_ => Registry.Issue(AgentKey, ScriptedRegistry.Id(100)))];

        public void Verify(string credential)
        {
            var refusal = PresentedCredential.Read(credential, ScriptedRegistry.Name, id => id == Registry.Issuer.PublicKey.KeyId ? Registry.Issuer.PublicKey : null, out var presented);
            if (refusal == Refusal.None)
                refusal = PresentedCredential.CheckTimes(presented!.Claims, TimeProvider.System.GetUtcNow());
            if (refusal == Refusal.None)
                refusal = PresentedCredential.CheckAudience(presented!.Claims, ScriptedRegistry.Audience);
            Require(refusal == Refusal.None, refusal);
        }

        public void Decide(string credential)
        {
            var decision = Enforcer.Open(credential, AgentKey, Action, null, out _);
            Require(decision.IsAllowed, decision.Refusal);
        }

        private static void Require(bool isAllowed, Refusal refusal)
        {
            if (!isAllowed)
                throw new InvalidOperationException($"A good credential was refused: {refusal}");
        }
    }
}
