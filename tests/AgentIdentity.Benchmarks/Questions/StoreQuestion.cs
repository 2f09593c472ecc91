using System.Diagnostics;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What a durable group of entries costs, beside the same bytes written to a plain file and flushed.</summary>
internal static class StoreQuestion
{
    // As an activity of one commitment: a leaf, an entry and its opening, 250 bytes in all.
    private const int LeafBytes = 67;
    private const int EntryBytes = 145;
    private const int OpeningBytes = 38;
    private static readonly int[] GroupSizes = [1, 64, 256, 512];

    public static Task<int> AnswerAsync(TimeSpan window, int seed)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-store-");
        try
        {
            Console.WriteLine($"seed {seed}, {SqliteLedgerStore.SqliteVersion}, load {File.ReadAllText("/proc/loadavg")[..4]}");
            Console.WriteLine($"{"rows",5}{"groups/s",10}{"rows/s",10}{"p50 ms",9}{"p99 ms",9}   file+fsync: {"groups/s",9}{"p50 ms",9}{"p99 ms",9}");
            foreach (var size in GroupSizes)
                Print(size, MeasureStore(Folder(folder, $"store-{size}"), size, window, new Random(seed)), MeasureFile(Folder(folder, $"file-{size}"), size, window));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return Task.FromResult(0);
    }

    private static string Folder(DirectoryInfo parent, string name) => parent.CreateSubdirectory(name).FullName;

    private static List<TimeSpan> MeasureStore(string folder, int size, TimeSpan window, Random chance)
    {
        using var store = SqliteLedgerStore.Open(folder);
        var subject = SubjectId.New(TimeProvider.System.GetUtcNow());
        return Repeat(window, () =>
        {
            var first = store.Size.Value;
            var rows = new StoredEntry[size];
            for (var i = 0; i < size; i++)
                rows[i] = Row(first + (ulong)i, subject, chance);
            return () => store.Append(rows[0].Index, rows);
        });
    }

    private static List<TimeSpan> MeasureFile(string folder, int size, TimeSpan window)
    {
        using var file = new FileStream(Path.Combine(folder, "file"), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        var bytes = new byte[size * (LeafBytes + EntryBytes + OpeningBytes)];
        return Repeat(window, () => () =>
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        });
    }

    private static StoredEntry Row(ulong index, SubjectId subject, Random chance)
    {
        var (leaf, entry, opening) = (new byte[LeafBytes], new byte[EntryBytes], new byte[OpeningBytes]);
        chance.NextBytes(entry);
        return new StoredEntry(new LeafIndex(index), leaf, entry, opening, [new SubjectSequence(subject, index)]);
    }

    private static List<TimeSpan> Repeat(TimeSpan window, Func<System.Action> prepare)
    {
        var took = new List<TimeSpan>();
        for (var all = Stopwatch.StartNew(); all.Elapsed < window;)
        {
            var write = prepare();
            var one = Stopwatch.StartNew();
            write();
            took.Add(one.Elapsed);
        }
        took.Sort();
        return took;
    }

    private static void Print(int size, List<TimeSpan> store, List<TimeSpan> file)
    {
        var groups = store.Count / store.Sum(one => one.TotalSeconds);
        Console.WriteLine(
            $"{size,5}{groups,10:N0}{groups * size,10:N0}{At(store, 0.5),9:F2}{At(store, 0.99),9:F2}{"",15}{file.Count / file.Sum(one => one.TotalSeconds),9:N0}{At(file, 0.5),9:F2}{At(file, 0.99),9:F2}");
    }

    private static double At(List<TimeSpan> sorted, double share) => sorted[(int)(share * (sorted.Count - 1))].TotalMilliseconds;
}
