using System.Globalization;
using AgentIdentity.Ledger;
using AgentIdentity.Storage.Commitments;

namespace AgentIdentity.Storage.Tests.Commitments;

/// <summary>What was recorded is found, through restarts, damage, erasures and kills; and the files say nothing that the ledger does not.</summary>
public sealed class CommitmentIndexTests : IDisposable
{
    private static readonly IndexRules Small = new(TailMax: 64, MergeWidth: 4);

    private const int ComparedMax = 10_000;

    private readonly TemporaryFolder _folder = new();
    private readonly PlainLedger _ledger = new();

    private string Runs => _folder.Combine("commitments");

    // AGENTIDENTITY_TEST_INDEX_ENTRIES=1000000 is the large form of the property.
    private static int Entries => int.Parse(Environment.GetEnvironmentVariable("AGENTIDENTITY_TEST_INDEX_ENTRIES") ?? "12000", CultureInfo.InvariantCulture);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_acknowledged_is_found_before_anything_was_tended()
    {
        using var index = Open();
        var entry = _ledger.Record(Commitment(1), Commitment(2));

        Assert.Equal([entry], Find(index, Commitment(2)));
        Assert.Equal([_ledger.Record(Commitment(3))], Find(index, Commitment(3)));
        Assert.Empty(Find(index, Commitment(4)));
    }

    [Fact]
    public void A_search_behind_a_long_backlog_says_how_far_it_looked_and_the_next_one_looks_further()
    {
        for (var i = 0; i < 20_000; i++)
            _ledger.Look();
        var entry = _ledger.Record(Commitment(1));
        using var index = Open(new IndexRules());

        var first = index.Find(Commitment(1), default, 10);
        Assert.Empty(first.Entries);
        Assert.InRange(first.Searched.Value, 8_000UL, 10_000UL);
        Assert.InRange(index.Find(Commitment(1), default, 10).Searched.Value, 16_000UL, 19_000UL);
        Assert.Equal([entry], Find(index, Commitment(1)));
    }

    [Fact]
    public void A_commitment_that_stands_in_many_entries_is_given_page_by_page()
    {
        using var index = Open();
        for (var i = 0; i < 500; i++)
            _ledger.Record(Commitment(i % 2), Commitment(i % 2));
        index.Tend(CancellationToken.None);
        _ledger.Record(Commitment(1));

        var found = new List<ulong>();
        while (index.Find(Commitment(1), new LeafIndex(found.Count == 0 ? 0 : found[^1] + 1), 7).Entries is { Count: > 0 } page)
        {
            Assert.InRange(page.Count, 1, 7);
            found.AddRange(page.Select(entry => entry.Value));
        }
        Assert.Equal(_ledger.Holders(Commitment(1)), found);
    }

    [Fact]
    public void Few_runs_hold_many_entries_and_none_is_written_over_and_over()
    {
        using var index = Open();
        for (var i = 0; i < 64 * 64; i++)
        {
            _ledger.Record(Commitment(i));
            index.Tend(CancellationToken.None);
            Assert.InRange(index.Runs.Count, 0, 12);
        }
        // 64 tails: each was written once for each of three sizes above its own.
        Assert.Equal([(ulong)(64 * 64)], index.Runs.Select(run => run.Header.Count));
    }

    [Fact]
    public void A_start_reads_nothing_again_that_an_orderly_end_left()
    {
        FillAndClose(300);
        var shown = _ledger.Shown;
        using var index = Open();

        AssertAllFound(index);
        Assert.Equal(shown, _ledger.Shown);
    }

    [Fact]
    public void A_run_that_is_missing_is_made_again_and_nothing_else_is_read()
    {
        FillAndClose(640, mergeWidth: 100);
        var files = Files();
        Assert.Equal(10, files.Length);
        File.Delete(files[3]);
        var shown = _ledger.Shown;
        using var index = Open();

        AssertAllFound(index);
        index.Tend(CancellationToken.None);
        AssertAllFound(index);
        Assert.Equal(64, _ledger.Shown - shown);
    }

    [Fact]
    public void Whatever_byte_of_a_run_is_changed_a_search_finds_all_below_the_size_that_it_names()
    {
        FillAndClose(1200, rules: new IndexRules(TailMax: 400, MergeWidth: 100));
        var chance = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            var file = Files()[chance.Next(3)];
            var bytes = File.ReadAllBytes(file);
            bytes[chance.Next(bytes.Length)] ^= (byte)(1 << chance.Next(8));
            File.WriteAllBytes(file, bytes);
            using var index = Open(new IndexRules(TailMax: 400, MergeWidth: 100));
            foreach (var commitment in _ledger.Commitments)
                AssertFoundBelowSearched(index, commitment);
            index.Tend(CancellationToken.None);
            AssertAllFound(index);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(9000)]
    public void A_run_that_was_cut_short_is_made_again(int length)
    {
        FillAndClose(1000, rules: new IndexRules());
        using (var file = File.OpenWrite(Assert.Single(Files())))
            file.SetLength(length);
        using var index = Open();
        index.Tend(CancellationToken.None);
        AssertAllFound(index);
    }

    [Fact]
    public void A_run_that_was_damaged_while_it_was_open_is_made_again()
    {
        FillAndClose(1000, rules: new IndexRules());
        using var index = Open();
        var bytes = File.ReadAllBytes(Assert.Single(Files()));
        bytes.AsSpan(5000, 100).Clear();
        File.WriteAllBytes(Files()[0], bytes);

        Assert.Contains(_ledger.Commitments, commitment => index.Find(commitment, default, 1).Searched.Value == 0);
        index.Tend(CancellationToken.None);
        AssertAllFound(index);
    }

    [SkippableFact]
    public void A_run_that_the_disk_does_not_give_is_made_again()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "there is no file of which each read fails");
        FillAndClose(1000, rules: new IndexRules());
        var run = Assert.Single(Files());
        File.Delete(run);
        File.CreateSymbolicLink(run, "/proc/self/mem");

        using var index = Open();
        index.Tend(CancellationToken.None);
        AssertAllFound(index);
    }

    [Fact]
    public void What_a_killed_merge_leaves_beside_its_parts_goes()
    {
        FillAndClose(64 * 4, mergeWidth: 100);
        var parts = Files().ToDictionary(file => file, File.ReadAllBytes);
        using (var merging = Open())
            merging.Tend(CancellationToken.None);
        foreach (var (file, bytes) in parts)
            File.WriteAllBytes(file, bytes);
        File.WriteAllBytes(Path.Combine(Runs, "0000-0001.run.new"), [1, 2, 3]);
        var shown = _ledger.Shown;

        using var index = Open();

        Assert.Single(index.Runs);
        Assert.Equal(index.Runs.Select(run => run.Path), Directory.GetFiles(Runs));
        AssertAllFound(index);
        Assert.Equal(shown, _ledger.Shown);
    }

    [Fact]
    public void Runs_of_another_history_are_not_believed()
    {
        FillAndClose(300);
        var other = new PlainLedger { Salt = 1 };
        for (var i = 0; i < 400; i++)
            other.Record(Commitment(i + 1000));
        using (var index = new CommitmentIndex(Runs, other, Small))
        {
            index.Tend(CancellationToken.None);
            Assert.All(other.Commitments, commitment => Assert.Equal(other.Holders(commitment), Find(index, commitment, other)));
        }
        // And those of a longer one.
        var shorter = new PlainLedger { Salt = 1 };
        shorter.Record(Commitment(1000));
        using var behind = new CommitmentIndex(Runs, shorter, Small);
        Assert.Empty(behind.Runs);
        Assert.Equal([0UL], Find(behind, Commitment(1000), shorter));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_erased_is_in_no_file_once_the_index_was_tended(bool isKilledFirst)
    {
        var index = Open();
        for (var i = 0; i < 1000; i++)
            _ledger.Record(Commitment(i));
        index.Tend(CancellationToken.None);
        Assert.True(IsStored(Commitment(70)) && IsStored(Commitment(501)) && IsStored(Commitment(502)));
        _ledger.Erase(70, 501);
        _ledger.Record(Commitment(5000));
        Assert.Equal([1001UL], Find(index, Commitment(5000)));
        if (isKilledFirst)
            index = Open();

        index.Tend(CancellationToken.None);

        Assert.False(IsStored(Commitment(70)) || IsStored(Commitment(501)));
        Assert.True(IsStored(Commitment(502)));
        Assert.Empty(index.Find(Commitment(70), default, 10).Entries);
        AssertAllFound(index);
        index.Dispose();
        using var reopened = Open();
        AssertAllFound(reopened);
    }

    [Fact]
    public void What_is_erased_while_it_is_in_memory_is_never_written()
    {
        var index = Open();
        for (var i = 0; i < 10; i++)
            _ledger.Record(Commitment(i));
        Assert.Equal([3UL], Find(index, Commitment(3)));
        _ledger.Erase(3);
        index.Tend(CancellationToken.None);
        index.Dispose();

        Assert.True(IsStored(Commitment(4)));
        Assert.False(IsStored(Commitment(3)));
    }

    [Fact]
    public void An_index_made_anew_does_not_go_through_its_runs_for_erasures_of_before()
    {
        for (var i = 0; i < 1000; i++)
            _ledger.Record(Commitment(i));
        _ledger.Erase(5, 6);
        using var index = Open();
        index.Tend(CancellationToken.None);
        Assert.All(index.Runs, run => Assert.Equal(1001UL, run.Header.AsOf));
        AssertAllFound(index);
    }

    [Fact]
    public void Without_room_for_runs_memory_stays_bounded_and_all_is_made_up_for()
    {
        File.WriteAllText(Runs, "in the way");
        using var index = Open();
        for (var i = 0; i < 1000; i++)
            _ledger.Record(Commitment(i));
        Assert.ThrowsAny<IOException>(() => index.Tend(CancellationToken.None));
        // One tail that waits for room, and one that is full.
        Assert.Equal(2 * 64UL, index.Find(Commitment(1), default, 1).Searched.Value);
        File.Delete(Runs);

        index.Tend(CancellationToken.None);
        AssertAllFound(index);
    }

    [Fact]
    public void What_cannot_be_read_in_the_ledger_is_told_to_who_searches()
    {
        using var index = Open();
        _ledger.Record(Commitment(1));
        _ledger.Failure = new InvalidDataException("a hole");
        Assert.Throws<InvalidDataException>(() => index.Find(Commitment(1), default, 1));
        _ledger.Failure = null;
        Assert.Equal([0UL], Find(index, Commitment(1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_search_answers_as_a_dictionary_would_whatever_happens_to_the_index(int seed)
    {
        var chance = new Random(seed);
        var rules = new IndexRules(TailMax: Math.Max(64, Entries / 100), MergeWidth: 3);
        var index = Open(rules);
        var known = new List<Hash>();
        while (_ledger.Size < (ulong)Entries)
        {
            // As many interruptions, whatever the size.
            switch (chance.Next(Entries / 12))
            {
                case < 5 when _ledger.Size > 10:
                    _ledger.Erase([.. Enumerable.Range(0, 3).Select(_ => (ulong)chance.NextInt64((long)_ledger.Size)).Distinct().Order()]);
                    break;
                case < 12:
                    index.Tend(CancellationToken.None);
                    break;
                case 12:
                    // An orderly end.
                    index.Dispose();
                    index = Open(rules);
                    break;
                case 13:
                    // A crash.
                    index = Open(rules);
                    break;
                case 14 when Files() is { Length: > 0 } files:
                    index.Dispose();
                    Damage(files[chance.Next(files.Length)], chance);
                    index = Open(rules);
                    break;
                case < 25 when known.Count > 0:
                    AssertFoundBelowSearched(index, known[chance.Next(known.Count)]);
                    break;
                case < 40:
                    _ledger.Look();
                    break;
                default:
                    var commitments = Enumerable.Range(0, chance.Next(1, 6)).Select(_ => Next(chance, known)).ToArray();
                    known.AddRange(commitments.Where(_ => chance.Next(10) == 0));
                    _ledger.Record(commitments);
                    break;
            }
        }
        foreach (var commitment in known.Distinct().Where((_, i) => i % Math.Max(1, known.Count / ComparedMax) == 0))
        {
            // Damage is met by the search that reads it.
            AssertFoundBelowSearched(index, commitment);
            index.Tend(CancellationToken.None);
            AssertFound(index, commitment);
        }
        index.Dispose();
    }

    [Fact]
    public async Task A_process_that_is_killed_at_any_moment_leaves_runs_that_answer()
    {
        var moments = new Random(11);
        var reused = 0L;
        for (var round = 0; round < 12; round++)
        {
            using (var child = ChildProcess.Start("index", Runs))
            {
                Assert.Equal("indexing", await child.Output.ReadLineAsync());
                await Task.Delay(moments.Next(0, 150));
                await child.KillAsync();
            }
            var ledger = new PlainLedger();
            for (var i = 0; i < 3000; i++)
                ledger.Record(Commitment(i));
            using var index = new CommitmentIndex(Runs, ledger, Small);
            reused += index.Runs.Sum(run => (long)run.Header.Count);
            index.Tend(CancellationToken.None);
            foreach (var commitment in ledger.Commitments)
                Assert.Equal(ledger.Holders(commitment), Find(index, commitment, ledger));
            Assert.Equal(index.Runs.Select(run => run.Path).Order(), Directory.GetFiles(Runs).Order());
        }
        Assert.True(reused > 0, "no run was ever whole");
    }

    /// <summary>Runs in a process of its own: indexes and merges for ever.</summary>
    internal static void IndexForEver(string folder)
    {
        Console.Out.WriteLine("indexing");
        Console.Out.Flush();
        while (true)
        {
            var ledger = new PlainLedger();
            using (var index = new CommitmentIndex(folder, ledger, Small))
            {
                for (var i = 0; i < 3000; i++)
                {
                    ledger.Record(Commitment(i));
                    index.Tend(CancellationToken.None);
                }
            }
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Hash Commitment(int n) => Sha256.Hash(BitConverter.GetBytes(n));

    // Some again, and some that begin like another.
    private static Hash Next(Random chance, List<Hash> known)
    {
        var bytes = new byte[Hash.Size];
        chance.NextBytes(bytes);
        if (known.Count > 0 && chance.Next(5) == 0)
        {
            var other = known[chance.Next(known.Count)];
            if (chance.Next(2) == 0)
                return other;
            other.ToArray().AsSpan(0, 8).CopyTo(bytes);
        }
        return Hash.Read(bytes);
    }

    private static void Damage(string file, Random chance)
    {
        if (chance.Next(2) == 0)
        {
            File.Delete(file);
            return;
        }
        var bytes = File.ReadAllBytes(file);
        bytes[chance.Next(bytes.Length)] ^= 0x10;
        File.WriteAllBytes(file, bytes);
    }

    private CommitmentIndex Open(IndexRules? rules = null) => new(Runs, _ledger, rules ?? Small);

    private string[] Files() => Directory.Exists(Runs) ? [.. Directory.GetFiles(Runs).Order()] : [];

    private void FillAndClose(int entries, int mergeWidth = 4, IndexRules? rules = null)
    {
        using var index = Open(rules ?? Small with { MergeWidth = mergeWidth });
        for (var i = 0; i < entries; i++)
            _ledger.Record(Commitment(i));
        index.Tend(CancellationToken.None);
    }

    private void AssertAllFound(CommitmentIndex index)
    {
        foreach (var commitment in _ledger.Commitments)
            AssertFound(index, commitment);
    }

    private void AssertFound(CommitmentIndex index, Hash commitment)
    {
        var found = index.Find(commitment, default, int.MaxValue);
        Assert.Equal(_ledger.Size, found.Searched.Value);
        AssertHolds(commitment, found.Entries);
    }

    private void AssertFoundBelowSearched(CommitmentIndex index, Hash commitment)
    {
        var found = index.Find(commitment, default, int.MaxValue);
        AssertHolds(commitment, found.Entries, found.Searched.Value);
    }

    // All that hold it, ascending; and what else is there may be: the entry that is read tells.
    private void AssertHolds(Hash commitment, IReadOnlyList<LeafIndex> found, ulong below = ulong.MaxValue)
    {
        var places = found.Select(entry => entry.Value).ToArray();
        Assert.Equal(places.Order().Distinct(), places);
        Assert.Empty(_ledger.Holders(commitment).Where(holder => holder < below).Except(places));
    }

    private ulong[] Find(CommitmentIndex index, Hash commitment) => Find(index, commitment, _ledger);

    private static ulong[] Find(CommitmentIndex index, Hash commitment, PlainLedger ledger)
    {
        var found = index.Find(commitment, default, 100);
        Assert.Equal(ledger.Size, found.Searched.Value);
        return [.. found.Entries.Select(entry => entry.Value)];
    }

    private bool IsStored(Hash commitment) => Files().Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(commitment.ToArray().AsSpan(0, 8)) >= 0);
}
