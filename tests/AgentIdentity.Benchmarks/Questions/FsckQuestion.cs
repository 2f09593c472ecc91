using System.Diagnostics;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How fast a whole log is checked against itself: one agent's activities of one commitment each, under checkpoints each second.</summary>
internal static class FsckQuestion
{
    // As many statements on their way as a commit takes.
    private const int InFlight = 512;

    public static async Task<int> AnswerAsync(int count, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-fsck-");
        try
        {
            await FillAsync(folder.FullName, count);
            for (var round = 0; round < rounds; round++)
                await CheckAsync(folder.FullName, withSignatures: false);
            await CheckAsync(folder.FullName, withSignatures: true);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task CheckAsync(string folder, bool withSignatures)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        var (time, processor, bytes) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());
        var report = await Fsck.RunAsync(store, store, new SnapshotFile(folder), withSignatures, finding => Console.WriteLine($"FINDING {finding}"), _ => { }, CancellationToken.None);
        var (seconds, spent) = (time.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
        Console.WriteLine(
            $"{(withSignatures ? "with" : "without")} signatures: {report.Entries:N0} entries, {report.Findings} findings, {seconds:F2} s, {report.Entries / seconds:N0}/s, "
            + $"{report.Entries / spent:N0}/s per core (goal 200,000 without signatures), {(GC.GetTotalAllocatedBytes() - bytes) / (long)report.Entries:N0} B allocated an entry, load {File.ReadAllText("/proc/loadavg")[..4]}");
    }

    private static async Task FillAsync(string folder, int count)
    {
        using var store = SqliteLedgerStore.Open(folder);
        using var keys = new FileRegistryKeys(folder);
        if (!RegistryName.TryParse(RegistryWire.PublicUrl, out var name, out var problem))
            throw new InvalidOperationException(problem);
        var clock = TimeProvider.System;
        await using var node = RegistryNode.Open(new RegistrySettings(name, Dev: true, SingleOperator: true), store, new SnapshotFile(folder), keys, clock, Console.Error.WriteLine);
        using var operatorKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        node.Operating.Secret = BootstrapSecret.Create(clock.GetUtcNow(), out var secret);
        var proof = BootstrapProof.Create(operatorKey, RegistryWire.PublicUrl, BootstrapSecret.HashOf(secret), "first", clock.GetUtcNow());
        var founded = Good(await node.Operating.BootstrapAsync(secret, [new FirstOperator("first", proof)]));
        var token = Good(await node.Operating.CreateTokenAsync(
            founded.Operators[0], new TokenWish("team", "bot/1", [], RegistryWire.Envelope, [RegistryWire.Audience], 1, 0))).Text;
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolmentProof = EnrolmentProof.Create(key, RegistryWire.PublicUrl, node.Enrolment.NewChallenge(), Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)), clock.GetUtcNow());
        var agent = Good(await node.Enrolment.EnrollAsync(token, enrolmentProof, [], 0)).Agent;
        await RecordAsync(node, name.Origin, agent.Id, key, count);
    }

    private static async Task RecordAsync(RegistryNode node, string origin, SubjectId agent, PrivateKey key, int count)
    {
        Hash previous = default;
        var sent = new List<Task>();
        for (var i = 0; i < count; i++)
        {
            var statement = SignedStatement.Encode(origin, agent, key.PublicKey.KeyId, (ulong)i, previous, 1, StatementKind.Activity, [Sha256.Hash(BitConverter.GetBytes(i))]);
            previous = Sha256.Hash(statement);
            sent.Add(RecordAsync(node, statement, key));
            if (sent.Count < InFlight)
                continue;
            await Task.WhenAll(sent);
            sent.Clear();
        }
        await Task.WhenAll(sent);
    }

    private static async Task RecordAsync(RegistryNode node, byte[] statement, PrivateKey key) =>
        Good(await node.Recording.RecordAsync(statement, KeyAlgorithm.ES256, key.Sign(statement), waitIntegrated: false, CancellationToken.None));

    private static T Good<T>(Outcome<T> outcome) => outcome.IsRefused ? throw new InvalidOperationException(outcome.Detail) : outcome.Value;
}
