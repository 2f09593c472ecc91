using System.Globalization;
using AgentIdentity.Storage.Sqlite;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests.Sqlite;

/// <summary>Real processes that write are killed, or have a flush fail. What they acknowledged must be there afterwards, and nothing half.</summary>
public sealed class KilledProcessTests : IDisposable
{
    private const int Rounds = 20;
    private const string Strace = "/usr/bin/strace";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Nothing_acknowledged_is_lost_when_the_process_is_killed_at_any_moment()
    {
        var moments = new Random(20);
        for (var round = 0; round < Rounds; round++)
        {
            // A new store each fifth time, so that checking all of it stays quick.
            var data = _folder.Combine($"data{round / 5}");
            using var child = ChildProcess.Start("write", data);
            var acknowledged = new Acknowledged();
            acknowledged.Read(await child.Output.ReadLineAsync());
            await Task.Delay(moments.Next(0, 100));
            await child.KillAsync();
            while (await child.Output.ReadLineAsync() is { } line)
                acknowledged.Read(line);

            AssertWhole(acknowledged, data);
        }
    }

    [SkippableTheory]
    [InlineData("write without housekeeping", "ledger.db-wal", "fdatasync", 40)]
    [InlineData("write without housekeeping", "ledger.db-wal", "pwrite64", 300)]
    [InlineData("write", "ledger.db", "fdatasync", 1)]
    [InlineData("write", "ledger.db", "pwrite64", 3)]
    public async Task When_the_disk_fails_a_commit_or_the_copy_of_the_journal_nothing_more_is_written_flushed_or_acknowledged(string role, string file, string call, int time)
    {
        Skip.IfNot(File.Exists(Strace), "strace makes the disk fail");
        var (data, trace) = (_folder.Combine("data"), _folder.Combine("trace"));
        SqliteLedgerStore.Open(data).Dispose();
        string[] strace = [Strace, "-f", "-qq", "-o", trace, "-P", Path.Combine(data, file), "-e", "trace=pwrite64,fdatasync", "-e", $"inject={call}:error=EIO:when={time}"];
        using var child = ChildProcess.Start(role, data, strace);

        var lines = (await child.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Skip.If(lines.Length == 0, "strace may not trace here");
        Assert.StartsWith("failed", lines[^2], StringComparison.Ordinal);
        Assert.Equal("refused", lines[^1]);
        Assert.Contains("INJECTED", File.ReadLines(trace).Last(line => line.Contains("= ", StringComparison.Ordinal)), StringComparison.Ordinal);
        var acknowledged = new Acknowledged();
        foreach (var line in lines[..^2])
            acknowledged.Read(line);
        AssertWhole(acknowledged, data);
    }

    private static void AssertWhole(Acknowledged acknowledged, string folder)
    {
        using var store = SqliteLedgerStore.Open(folder, housekeeping: null);
        var size = store.Size.Value;
        Assert.True(size >= acknowledged.Entries, $"{acknowledged.Entries} entries were acknowledged, {size} are there");
        Assert.True((store.LastCheckpoint?.Size.Value ?? 0) >= acknowledged.Checkpoint, "the acknowledged checkpoint is not there");
        AssertEntries(0, (int)size, store.Read(default, int.MaxValue));
        for (var subject = 0; subject < Subjects; subject++)
        {
            var named = store.ReadBySubject(Subject(subject), 0, int.MaxValue).Select(entry => entry.Index.Value).ToList();
            Assert.Equal(Enumerable.Range(0, named.Count).Select(n => (ulong)(n * Subjects + subject)), named);
            Assert.Equal(((int)size + Subjects - 1 - subject) / Subjects, named.Count);
        }
    }

    private sealed class Acknowledged
    {
        public ulong Entries { get; private set; }

        public ulong Checkpoint { get; private set; }

        public void Read(string? line)
        {
            var words = line?.Split(' ') ?? throw new InvalidOperationException("The child ended before it wrote anything.");
            var number = ulong.Parse(words[1], CultureInfo.InvariantCulture);
            if (words[0] == "entries")
                Entries = number;
            else
                Checkpoint = number;
        }
    }
}
