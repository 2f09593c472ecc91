using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using static AgentIdentity.Storage.Tests.Fixtures;

namespace AgentIdentity.Storage.Tests;

/// <summary>What every store promises: the sentences of <see cref="ILedgerStore"/>, one by one. Each store runs this suite.</summary>
public abstract class LedgerStoreSuite
{
    /// <summary>Opens the store of this test; the second time, what the first one left.</summary>
    protected abstract ILedgerStore Open();

    [Fact]
    public void A_new_store_is_empty()
    {
        using var store = Open();

        Assert.Equal(default, store.Size);
        Assert.Null(store.LastCheckpoint);
        Assert.Empty(store.Read(default, 10));
        Assert.Empty(store.ReadBySubject(Subject(0), 0, 10));
        Assert.Null(store.ReadTile(0, 0));
        Assert.Null(store.ReadDocument("epoch"));
    }

    [Fact]
    public void Entries_are_read_back_as_they_were_appended()
    {
        using var store = Open();
        store.Append(default, Entries(0, 3));
        store.Append(new LeafIndex(3), Entries(3, 1));

        Assert.Equal(new TreeSize(4), store.Size);
        AssertEntries(0, 4, store.Read(default, 10));
    }

    [Fact]
    public void Empty_and_large_parts_of_an_entry_come_back_whole()
    {
        using var store = Open();
        StoredEntry[] entries =
        [
            new(new LeafIndex(0), [], [], [], []),
            Entry(1, openingBytes: 200_000),
            Entry(2, subjects: [.. Enumerable.Range(0, 300).Select(n => new SubjectSequence(Subject(n), (ulong)n))]),
        ];
        store.Append(default, entries);

        AssertSame(entries, store.Read(default, 10));
    }

    [Fact]
    public void The_leaves_alone_are_those_of_the_entries()
    {
        using var store = Open();
        store.Append(10);

        Assert.Equal(store.Read(new LeafIndex(3), 4).Select(entry => entry.Leaf), store.ReadLeaves(new LeafIndex(3), 4));
        Assert.Equal(3, store.ReadLeaves(new LeafIndex(7), 256).Count);
        Assert.Empty(store.ReadLeaves(new LeafIndex(10), 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.ReadLeaves(default, -1));
    }

    [Fact]
    public void A_stub_takes_the_place_of_an_entry_in_the_append_that_erases_it()
    {
        using (var store = Open())
        {
            store.Append(default, Entries(0, 4));
            store.AppendErasing(new LeafIndex(4), Entries(4, 1), [new StoredStub(new LeafIndex(1), [1, 2, 3]), new StoredStub(new LeafIndex(3), [4])]);
        }
        using var reopened = Open();
        var found = reopened.Read(default, 10);
        Assert.Equal([false, true, false, true, false], found.Select(entry => entry.IsErased));
        Assert.Equal([1, 2, 3], found[1].Entry);
        Assert.Equal(Entry(1).Leaf, found[1].Leaf);
        Assert.Equal(Entry(1).Subjects, found[1].Subjects);
        AssertEntries(4, 1, [found[4]]);
        Assert.Equal([4], reopened.ReadBySubject(Subject(3), 0, 10)[0].Entry);
    }

    [Fact]
    public void To_erase_what_is_not_there_is_a_bug_and_appends_nothing()
    {
        using (var store = Open())
        {
            store.Append(2);
            Assert.Throws<InvalidOperationException>(() => store.AppendErasing(new LeafIndex(2), Entries(2, 1), [new StoredStub(new LeafIndex(7), [1])]));
            Assert.Throws<InvalidOperationException>(() => store.Append(1));
        }
        using var reopened = Open();
        Assert.Equal(new TreeSize(2), reopened.Size);
    }

    [Fact]
    public void A_read_returns_fewer_entries_only_at_the_end()
    {
        using var store = Open();
        store.Append(10);

        AssertEntries(0, 4, store.Read(new LeafIndex(0), 4));
        AssertEntries(7, 3, store.Read(new LeafIndex(7), 4));
        Assert.Empty(store.Read(new LeafIndex(10), 4));
        Assert.Empty(store.Read(new LeafIndex(ulong.MaxValue), 4));
        Assert.Empty(store.Read(new LeafIndex(0), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Read(default, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.ReadBySubject(Subject(0), 0, -1));
    }

    [Fact]
    public void Everything_that_was_acknowledged_is_there_after_reopening()
    {
        using (var store = Open())
        {
            store.Append(700);
            Assert.True(store.TryPublish(default, Checkpoint(600), [Tile(256), Tile(2, level: 1)]));
            Assert.True(store.TryWriteDocument("operators", 0, "two"u8.ToArray()));
        }

        using var reopened = Open();

        Assert.Equal(new TreeSize(700), reopened.Size);
        AssertEntries(0, 700, reopened.Read(default, 1000));
        Assert.Equal(140, reopened.ReadBySubject(Subject(3), 0, 1000).Count);
        Assert.Equal(Checkpoint(600), reopened.LastCheckpoint);
        Assert.Equal(Tile(2, level: 1).Hashes, reopened.ReadTile(1, 0)!.Value.ToArray());
        Assert.Equal("two"u8, reopened.ReadDocument("operators")!.Content.Span);
        reopened.Append(1);
        AssertEntries(700, 1, reopened.Read(new LeafIndex(700), 2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void An_append_that_does_not_begin_at_the_size_is_a_second_writer_and_ends_all_writing(ulong first)
    {
        using (var store = Open())
        {
            store.Append(2);

            Assert.Throws<InvalidOperationException>(() => store.Append(new LeafIndex(first), Entries(first, 1)));
            AssertOnlyReads(store, size: 2);
        }

        using var reopened = Open();
        AssertEntries(0, 2, reopened.Read(default, 10));
    }

    public static TheoryData<string, StoredEntry> EntriesThatBreakTheRules => new()
    {
        { "its index is another", Entry(4) },
        { "its subjects do not ascend", Entry(3, subjects: [new(Subject(2), 0), new(Subject(1), 0)]) },
        { "it names a subject twice", Entry(3, subjects: [new(Subject(1), 0), new(Subject(1), 1)]) },
        { "its sequence number is beyond the signed range", Entry(3, subjects: [new(Subject(1), 1UL << 63)]) },
    };

    [Theory]
    [MemberData(nameof(EntriesThatBreakTheRules))]
    public void An_entry_that_breaks_the_rules_takes_its_whole_append_with_it_and_ends_all_writing(string rule, StoredEntry entry)
    {
        using (var store = Open())
        {
            store.Append(2);

            Assert.True(Record.Exception(() => store.Append(new LeafIndex(2), [Entry(2), entry])) is not null, rule);
            AssertOnlyReads(store, size: 2);
        }

        using var reopened = Open();
        Assert.Equal(new TreeSize(2), reopened.Size);
    }

    [Fact]
    public void Entries_about_a_subject_come_in_the_order_of_its_sequence_from_the_number_asked_for()
    {
        using var store = Open();
        store.Append(1000);

        var all = store.ReadBySubject(Subject(2), 0, 1000);
        Assert.Equal(Enumerable.Range(0, 200).Select(n => new LeafIndex((ulong)(2 + n * Subjects))), all.Select(entry => entry.Index));
        AssertSame([.. all.Skip(150).Take(7)], store.ReadBySubject(Subject(2), 150, 7));
        AssertSame([.. all.Skip(198)], store.ReadBySubject(Subject(2), 198, 7));
        Assert.Empty(store.ReadBySubject(Subject(2), 200, 7));
        Assert.Empty(store.ReadBySubject(Subject(2), ulong.MaxValue, 7));
        Assert.Empty(store.ReadBySubject(Subject(2), 0, 0));
        Assert.Empty(store.ReadBySubject(Subject(99), 0, 7));
    }

    [Fact]
    public void An_entry_is_found_by_each_of_its_subjects()
    {
        using var store = Open();
        store.Append(default, [Entry(0, subjects: [new(Subject(1), 0), new(Subject(7), 0)]), Entry(1, subjects: [new(Subject(7), 1)])]);

        Assert.Equal([new LeafIndex(0)], store.ReadBySubject(Subject(1), 0, 10).Select(entry => entry.Index));
        Assert.Equal([new LeafIndex(0), new LeafIndex(1)], store.ReadBySubject(Subject(7), 0, 10).Select(entry => entry.Index));
    }

    [Fact]
    public void A_read_by_subject_finds_everything_appended_before_the_call()
    {
        using var store = Open();
        for (var round = 1; round <= 200; round++)
        {
            store.Append(Subjects);
            Assert.Equal(round, store.ReadBySubject(Subject(round % Subjects), 0, int.MaxValue).Count);
        }
    }

    [Fact]
    public async Task Reads_beside_a_writer_see_whole_appends_and_everything_acknowledged()
    {
        const int Batch = 7;
        using var store = Open();
        var writer = Task.Run(() =>
        {
            for (var i = 0; i < 300; i++)
                store.Append(Batch);
        });
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            while (!writer.IsCompleted)
            {
                var acknowledged = store.Size.Value;
                var found = store.Read(default, int.MaxValue);
                Assert.True((ulong)found.Count >= acknowledged, $"{found.Count} of {acknowledged}");
                Assert.Equal(0, found.Count % Batch);
            }
        }));

        await Task.WhenAll([writer, .. readers]);
        AssertEntries(0, 300 * Batch, store.Read(default, int.MaxValue));
    }

    [Fact]
    public async Task Writes_from_several_threads_are_carried_out_one_after_the_other()
    {
        using var store = Open();
        var writers = Enumerable.Range(0, 6).Select(_ => Task.Run(() =>
        {
            for (var won = 0; won < 25;)
            {
                var version = store.ReadDocument("counter")?.Version ?? 0;
                if (store.TryWriteDocument("counter", version, BitConverter.GetBytes(version + 1)))
                    won++;
            }
        }));

        await Task.WhenAll(writers);

        var counter = store.ReadDocument("counter")!;
        Assert.Equal(150, counter.Version);
        Assert.Equal(150, BitConverter.ToInt64(counter.Content.Span));
    }

    [Fact]
    public void A_checkpoint_is_published_with_its_tiles_when_the_last_one_is_the_expected_one()
    {
        using var store = Open();
        store.Append(20);

        Assert.True(store.TryPublish(default, Checkpoint(5), [Tile(5)]));
        Assert.Equal(Checkpoint(5), store.LastCheckpoint);
        Assert.True(store.TryPublish(new TreeSize(5), Checkpoint(20), [Tile(20)]));
        Assert.Equal(Checkpoint(20), store.LastCheckpoint);
        Assert.Equal(Tile(20).Hashes, store.ReadTile(0, 0)!.Value.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(6)]
    public void When_the_last_checkpoint_is_not_the_expected_one_neither_the_next_nor_its_tiles_are_written(ulong expected)
    {
        using var store = Open();
        store.Append(20);
        store.TryPublish(default, Checkpoint(5), [Tile(5)]);

        Assert.False(store.TryPublish(new TreeSize(expected), Checkpoint(20), [Tile(20), Tile(1, level: 1)]));

        Assert.Equal(Checkpoint(5), store.LastCheckpoint);
        Assert.Equal(Tile(5).Hashes, store.ReadTile(0, 0)!.Value.ToArray());
        Assert.Null(store.ReadTile(1, 0));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(21)]
    public void A_checkpoint_that_shrinks_or_outgrows_the_entries_is_a_bug_and_ends_all_writing(ulong size)
    {
        using var store = Open();
        store.Append(20);
        store.TryPublish(default, Checkpoint(5), []);

        Assert.Throws<InvalidOperationException>(() => store.TryPublish(new TreeSize(5), Checkpoint(size), []));

        Assert.Equal(Checkpoint(5), store.LastCheckpoint);
        AssertOnlyReads(store, size: 20);
    }

    [Fact]
    public void The_widest_version_of_a_tile_stays()
    {
        using var store = Open();
        store.Append(256);
        store.TryPublish(default, Checkpoint(1), [Tile(3), Tile(2, level: 1), Tile(256, index: 1UL << 40)]);
        store.TryPublish(new TreeSize(1), Checkpoint(2), [Tile(7), Tile(1, level: 1)]);
        store.TryPublish(new TreeSize(2), Checkpoint(3), [Tile(5)]);

        Assert.Equal(Tile(7).Hashes, store.ReadTile(0, 0)!.Value.ToArray());
        Assert.Equal(Tile(2, level: 1).Hashes, store.ReadTile(1, 0)!.Value.ToArray());
        Assert.Equal(Tile(256, index: 1UL << 40).Hashes, store.ReadTile(0, 1UL << 40)!.Value.ToArray());
        Assert.Null(store.ReadTile(2, 0));
        Assert.Null(store.ReadTile(0, ulong.MaxValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(257 * 32)]
    public void A_tile_that_is_not_1_to_256_hashes_is_a_bug_and_publishes_nothing(int bytes)
    {
        using var store = Open();
        store.Append(1);

        Assert.Throws<ArgumentException>(() => store.TryPublish(default, Checkpoint(1), [Tile(1), new StoredTile(1, 0, new byte[bytes])]));

        Assert.Null(store.LastCheckpoint);
        Assert.Null(store.ReadTile(0, 0));
    }

    [Fact]
    public void A_document_is_written_only_over_the_version_that_was_read()
    {
        using var store = Open();

        Assert.False(store.TryWriteDocument("policy", 1, "early"u8.ToArray()));
        Assert.Null(store.ReadDocument("policy"));
        Assert.True(store.TryWriteDocument("policy", 0, "first"u8.ToArray()));
        Assert.False(store.TryWriteDocument("policy", 0, "late"u8.ToArray()));
        Assert.True(store.TryWriteDocument("policy", 1, ReadOnlyMemory<byte>.Empty));
        Assert.True(store.TryWriteDocument("other", 0, "its own version"u8.ToArray()));

        Assert.Equal(2, store.ReadDocument("policy")!.Version);
        Assert.True(store.ReadDocument("policy")!.Content.IsEmpty);
        Assert.Equal(1, store.ReadDocument("other")!.Version);
    }

    [Fact]
    public void A_document_has_at_most_64_KiB()
    {
        using var store = Open();

        Assert.True(store.TryWriteDocument("large", 0, new byte[64 * 1024]));
        Assert.Equal(64 * 1024, store.ReadDocument("large")!.Content.Length);
        Assert.Throws<ArgumentException>(() => store.TryWriteDocument("large", 1, new byte[64 * 1024 + 1]));
        Assert.Equal(1, store.ReadDocument("large")!.Version);
    }

    [Fact]
    public void A_closed_store_refuses_everything()
    {
        var store = Open();
        store.Append(1);
        store.Dispose();
        store.Dispose();

        Assert.Throws<ObjectDisposedException>(() => store.Append(1));
        Assert.Throws<ObjectDisposedException>(() => store.TryPublish(default, Checkpoint(1), []));
        Assert.Throws<ObjectDisposedException>(() => store.TryWriteDocument("late", 0, default));
        Assert.Throws<ObjectDisposedException>(() => store.Read(default, 1));
    }

    [Fact]
    public async Task Closing_a_store_ends_the_calls_of_other_threads_and_loses_no_append_that_returned()
    {
        var store = Open();
        store.Append(10);
        var appended = 10;
        Action readOn = () =>
        {
            while (true)
                AssertEntries(0, 10, store.Read(default, 10));
        };
        Action appendOn = () =>
        {
            for (; ; appended++)
                store.Append(1);
        };
        List<Task> callers = [Start(appendOn), .. Enumerable.Range(0, 12).Select(_ => Start(readOn))];
        await Task.Delay(50);

        store.Dispose();

        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(30));
        using var reopened = Open();
        AssertEntries(0, appended, reopened.Read(default, int.MaxValue));
    }

    // On a thread of its own: it blocks, and the pool adds threads slowly.
    private static Task<ObjectDisposedException> Start(Action call) =>
        Task.Factory.StartNew(() => Assert.Throws<ObjectDisposedException>(call), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Fails unless every write is refused and what was committed can still be read.</summary>
    protected static void AssertOnlyReads(ILedgerStore store, int size)
    {
        Assert.Throws<InvalidOperationException>(() => store.Append(1));
        Assert.Throws<InvalidOperationException>(() => store.TryPublish(store.LastCheckpoint?.Size ?? default, Checkpoint((ulong)size), []));
        Assert.Throws<InvalidOperationException>(() => store.TryWriteDocument("late", 0, default));
        Assert.Equal(new TreeSize((ulong)size), store.Size);
        AssertEntries(0, size, store.Read(default, size + 1));
        Assert.Null(store.ReadDocument("late"));
    }
}
