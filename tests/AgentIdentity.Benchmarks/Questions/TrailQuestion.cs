using System.Diagnostics;
using System.Globalization;
using System.Text;
using Activity = AgentIdentity.Credentials.Entries.Activity;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How long it takes until ten thousand activities of one agent, spread over a larger log, have been exported, moved and proven offline.</summary>
internal static class TrailQuestion
{
    private const int Activities = 10_000;
    private const int Entries = 300_000;
    private const int Rounds = 3;

    // As many writes at a time as two commits take.
    private const int InFlight = 1024;
    private const string Goal = "goal 2 s for all three";

    public static async Task<int> AnswerAsync()
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-trail-");
        using var operatorKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        try
        {
            var data = folder.CreateSubdirectory("data").FullName;
            var (agents, logKey) = await FillAsync(data, operatorKey);
            var keyFile = Path.Combine(folder.FullName, "operator.jwk");
            await File.WriteAllBytesAsync(keyFile, operatorKey.ToKeyFile(""));
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            foreach (var agent in agents)
            {
                var file = await RunAsync(folder.FullName, data, agent, keyFile, logKey);
                await MeasureInsideAsync(data, agent, file, logKey);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task<(Author[] Agents, NoteVerifierKey LogKey)> FillAsync(string folder, PrivateKey operatorKey)
    {
        await using var own = new OwnNode(folder);
        var actor = await own.FoundAsync(operatorKey);
        var token = await own.NewTokenAsync(actor, uses: 2);
        Author[] agents = [await EnrollAsync(own, token, KeyAlgorithm.ES256), await EnrollAsync(own, token, KeyAlgorithm.Ed25519)];
        var watch = Stopwatch.StartNew();
        for (var done = 0; done < Entries; done += InFlight)
            await Task.WhenAll(Enumerable.Range(done, Math.Min(InFlight, Entries - done)).Select(i => AppendAsync(own, actor.Id, agents, i)));
        Console.WriteLine($"{own.Node.State.Position:N0} entries, {Activities:N0} of each agent, written in {watch.Elapsed.TotalSeconds:F1} s, load {Load()}");
        return (agents, NoteVerifierKey.TryParse(own.Node.Checkpoints.LogKey, out var logKey, out _) ? logKey : throw new InvalidOperationException());
    }

    // Statements stand at equal distances, the rest are entries without a signature of their own.
    private static async Task AppendAsync(OwnNode own, SubjectId actor, Author[] agents, int index)
    {
        const int distance = Entries / Activities;
        if (index % distance < agents.Length)
            await agents[index % distance].RecordAsync(own);
        else
            OwnNode.Good(await own.Node.Reads.RecordAsync(new Look(actor, new PrivateDataRead("/agentidentity.v1.Registry/ListAgents", "", (uint)(index & 0xff)), null)));
    }

    private static async Task<Author> EnrollAsync(OwnNode own, string token, KeyAlgorithm algorithm)
    {
        var key = PrivateKey.Generate(algorithm);
        var proof = EnrolmentProof.Create(key, RegistryWire.PublicUrl, own.Node.Enrolment.NewChallenge(), Sha256.Hash(Encoding.UTF8.GetBytes(token)), TimeProvider.System.GetUtcNow());
        return new Author(key, OwnNode.Good(await own.Node.Enrolment.EnrollAsync(token, proof, [], 0)).Agent.Id);
    }

    // As an auditor does it: two processes of agentid, and a copy between them.
    private static async Task<string> RunAsync(string folder, string data, Author agent, string keyFile, NoteVerifierKey logKey)
    {
        await using var server = await ServerProcess.StartRegistryAsync(data);
        var (file, moved) = (Path.Combine(folder, "agent.trail"), Path.Combine(folder, "moved.trail"));
        var rounds = new List<(Run Export, double Move, Run Audit)>();
        for (var round = 0; round < Rounds; round++)
        {
            var export = await TimeAsync("trail", agent.Id.ToString(), "--out", file, "--key", keyFile, "--registry", $"http://{server.Address("grpc")}", "--home", Path.Combine(folder, "home"));
            var watch = Stopwatch.StartNew();
            File.Copy(file, moved, overwrite: true);
            var move = watch.Elapsed.TotalSeconds;
            rounds.Add((export, move, await TimeAsync("audit", moved, "--log-key", logKey.ToString())));
        }
        var median = rounds.OrderBy(round => round.Export.Seconds + round.Move + round.Audit.Seconds).ElementAt(Rounds / 2);
        Console.WriteLine(
            $"{agent.Key.PublicKey.Algorithm}: agentid trail {median.Export}, copy {median.Move:F3} s, agentid audit {median.Audit}: {median.Export.Seconds + median.Move + median.Audit.Seconds:F2} s ({Goal}), {new FileInfo(file).Length:N0} bytes, load {Load()}");
        await server.StopAsync();
        return moved;
    }

    // The starts of the processes left out, and the signatures alone for comparison.
    private static async Task MeasureInsideAsync(string data, Author agent, string file, NoteVerifierKey logKey)
    {
        var bytes = await File.ReadAllBytesAsync(file);
        var verify = Best(() => Require(TrailVerifier.Verify(bytes, logKey).IsProven));
        var statements = TrailVerifier.Verify(bytes, logKey).Entries.Select(entry => entry.Entry?.Body).OfType<Activity>().ToArray();
        var signatures = Best(() => Require(statements.All(one => agent.Key.PublicKey.Verifies(one.Statement, one.Signature))));
        var parallel = Best(() => Parallel.ForEach(statements, one => Require(agent.Key.PublicKey.Verifies(one.Statement, one.Signature))));
        await using var own = new OwnNode(data);
        var export = OwnNode.Good(await own.Node.TrailExports.BeginAsync(agent.Id, 0, ulong.MaxValue, CancellationToken.None));
        var exporting = Best(() => Require(export.Items().Sum(item => (long)item.Length) >= bytes.Length), rounds: 1);
        Console.WriteLine($"  inside: export {exporting}; verify {verify}, of which signatures alone {parallel} (one after the other {signatures}): ratio {verify.Processor / signatures.Processor:F2}");
    }

    private static async Task<Run> TimeAsync(params string[] words)
    {
        var (watch, before) = (Stopwatch.StartNew(), CpuOfEnded());
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "agentid.dll"), .. words]) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? new Run(watch.Elapsed.TotalSeconds, CpuOfEnded() - before) : throw new InvalidOperationException($"agentid {words[0]} ended with {process.ExitCode}: {output}");
    }

    // Seconds of the processes that this one started and that have ended: cutime and cstime of /proc/self/stat, in ticks of which there are 100 a second.
    private static double CpuOfEnded()
    {
        var text = File.ReadAllText("/proc/self/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[13], CultureInfo.InvariantCulture) + long.Parse(fields[14], CultureInfo.InvariantCulture)) / 100.0;
    }

    private static Run Best(Action work, int rounds = Rounds)
    {
        var runs = new List<Run>();
        for (var round = 0; round < rounds; round++)
        {
            var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            work();
            runs.Add(new Run(watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - before).TotalSeconds));
        }
        return runs.MinBy(run => run.Processor)!;
    }

    private static void Require(bool holds)
    {
        if (!holds)
            throw new InvalidOperationException("What was exported does not hold.");
    }

    private static string Load() => File.ReadAllText("/proc/loadavg")[..4];

    /// <summary>By the clock on the wall, and of the processors: the first says nothing on a crowded machine.</summary>
    private sealed record Run(double Seconds, double Processor)
    {
        public override string ToString() => $"{Seconds:F2} s (processor {Processor:F2} s)";
    }

    /// <summary>An agent that records one statement after the other, without waiting for what it recorded.</summary>
    private sealed record Author(PrivateKey Key, SubjectId Id)
    {
        private ulong _sequence;
        private Hash _previous;

        public async Task RecordAsync(OwnNode own)
        {
            var now = (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            var statement = SignedStatement.Encode(RegistryWire.Origin, Id, Key.PublicKey.KeyId, _sequence++, _previous, now, StatementKind.Activity, [Sha256.Hash(BitConverter.GetBytes(_sequence))]);
            _previous = Sha256.Hash(statement);
            OwnNode.Good(await own.Node.Recording.RecordAsync(statement, Key.PublicKey.Algorithm, Key.Sign(statement), waitIntegrated: false, CancellationToken.None));
        }
    }
}
