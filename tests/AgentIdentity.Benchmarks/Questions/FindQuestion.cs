using System.Diagnostics;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;
using Activity = AgentIdentity.Credentials.Entries.Activity;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What the index of commitments costs, and what it gives: statements of 64 commitments in the store alone, found by commitment, and all of it made again.</summary>
internal static class FindQuestion
{
    private const int Commitments = 64;
    private const int Group = 256;
    private const int Searches = 2000;

    private static readonly SubjectId Agent = new(new UInt128(0x0192_f0c1_7a00_7def, 0x8123_4567_89ab_cdef));

    public static async Task<int> AnswerAsync(int statements, int seed)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-find-");
        try
        {
            using (var store = SqliteLedgerStore.Open(folder.FullName))
            {
                Append(store, statements);
                await WaitAsync(store, "up to date with the last append");
                Search(store, statements, new Random(seed));
            }
            var index = Path.Combine(folder.FullName, SqliteLedgerStore.CommitmentsFolder);
            var files = Directory.GetFiles(index).Select(file => new FileInfo(file).Length).ToArray();
            Console.WriteLine($"{files.Length} files, {files.Sum() >> 20:N0} MiB; ledger {new FileInfo(Path.Combine(folder.FullName, SqliteLedgerStore.FileName)).Length >> 20:N0} MiB");
            Directory.Delete(index, recursive: true);
            using (var store = SqliteLedgerStore.Open(folder.FullName))
                await WaitAsync(store, "made again from nothing");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static void Append(SqliteLedgerStore store, int statements)
    {
        var watch = Stopwatch.StartNew();
        for (var first = 0; first < statements; first += Group)
            store.Append(new LeafIndex((ulong)first), [.. Enumerable.Range(first, Math.Min(Group, statements - first)).Select(Row)]);
        Console.WriteLine($"{statements:N0} statements of {Commitments} appended in {watch.Elapsed.TotalSeconds:F1} s, load {Load()}");
    }

    private static StoredEntry Row(int i)
    {
        var commitments = new Hash[Commitments];
        for (var n = 0; n < Commitments; n++)
            commitments[n] = Commitment(i, n);
        var statement = SignedStatement.Encode("localhost:5000", Agent, default, (ulong)i + 1, default, 1, StatementKind.Activity, commitments);
        var entry = new Entry(1, [new EntrySubject(Agent, (ulong)i + 1)], Agent, new Activity(statement, KeyAlgorithm.ES256, new byte[64], Quarantined: false));
        return new StoredEntry(new LeafIndex((ulong)i), new byte[67], entry.Encode(), new byte[44], [new SubjectSequence(Agent, (ulong)i + 1)]);
    }

    private static Hash Commitment(int statement, int n) => Sha256.Hash(BitConverter.GetBytes((long)statement * Commitments + n));

    // What is searched grows with the index; a place behind the end keeps the search itself out of it.
    private static async Task WaitAsync(SqliteLedgerStore store, string what)
    {
        var (watch, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        while (store.FindCommitment(default, new LeafIndex(ulong.MaxValue), 1).Searched != store.Size)
            await Task.Delay(20);
        var pairs = store.Size.Value * Commitments;
        Console.WriteLine($"{what} after {watch.Elapsed.TotalSeconds:F2} s ({pairs / watch.Elapsed.TotalSeconds:N0} commitments a second), {(Environment.CpuUsage.TotalTime - cpu).TotalSeconds:F2} s of processor, load {Load()}");
    }

    private static void Search(SqliteLedgerStore store, int statements, Random chance)
    {
        var took = new List<double>();
        for (var i = 0; i < Searches; i++)
        {
            var wanted = chance.Next(statements);
            var watch = Stopwatch.StartNew();
            var found = store.FindCommitment(Commitment(wanted, chance.Next(Commitments)), default, 10);
            took.Add(watch.Elapsed.TotalMilliseconds);
            if (!found.Entries.Contains(new LeafIndex((ulong)wanted)))
                throw new InvalidOperationException($"Statement {wanted} was not found.");
        }
        took.Sort();
        Console.WriteLine($"one of {(long)statements * Commitments:N0} commitments found: p50 {took[Searches / 2]:F3} ms, p99 {took[(int)(Searches * 0.99)]:F3} ms, load {Load()}");
    }

    private static string Load() => File.ReadAllText("/proc/loadavg")[..4];
}
