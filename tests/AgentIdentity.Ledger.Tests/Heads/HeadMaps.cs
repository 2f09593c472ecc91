using AgentIdentity.Ledger.Tests.Tree;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Heads;

public sealed class HeadMaps(ITestOutputHelper output)
{
    // Small enough for the oracle, which is slow, and for every wrong bit.
    private const int SizeMax = 70;

    private readonly Random _random = Seed.NewRandom(output);

    [Fact]
    public void The_root_of_a_map_is_the_one_of_the_definition_and_the_order_of_insertion_leaves_no_trace()
    {
        for (var size = 0; size <= SizeMax; size++)
        {
            var heads = Heads(size);
            var root = HeadMapOracle.Root(heads);
            Assert.Equal(root, HeadMap.Empty.With(heads).Root);
            Assert.Equal(root, OneByOne(Shuffled(heads)).Root);
            Assert.Equal(root, InBatches(Shuffled(heads)).Root);
        }
    }

    [Fact]
    public void A_changed_head_changes_the_root_and_leaves_older_versions_as_they_were()
    {
        var heads = Heads(SizeMax);
        var map = HeadMap.Empty.With(heads);
        var root = map.Root;
        foreach (var i in Enumerable.Range(0, SizeMax))
        {
            var head = heads[i].Value with { Count = heads[i].Value.Count + 1 };
            var next = map.With(heads[i].Key, head);
            Assert.Equal(map.Count, next.Count);
            Assert.True(next.TryFind(heads[i].Key, out var found) && found == head);
            Assert.NotEqual(root, next.Root);
            Assert.Equal(root, next.With(heads.AsSpan(i, 1)).Root);
            Assert.True(map.TryFind(heads[i].Key, out found) && found == heads[i].Value);
        }
        Assert.Equal(root, map.Root);
    }

    [Fact]
    public void Batches_that_change_some_keys_and_add_others_come_to_the_map_of_what_stands_there_at_the_end()
    {
        var keys = Heads(SizeMax).Select(pair => pair.Key).ToArray();
        var (map, model) = (HeadMap.Empty, new Dictionary<Hash, Head>());
        for (var round = 0; round < 60; round++)
        {
            _random.Shuffle(keys);
            var batch = keys[.._random.Next(1, 12)].Select(key => KeyValuePair.Create(key, RandomHead())).ToArray();
            map = map.With(batch);
            foreach (var (key, head) in batch)
                model[key] = head;
            Assert.Equal(model.Count, map.Count);
            Assert.Equal(HeadMapOracle.Root(model), map.Root);
        }
    }

    [Fact]
    public void Every_present_key_is_proven_present_and_every_other_absent()
    {
        for (var size = 0; size <= SizeMax; size++)
        {
            var heads = Heads(size + 5);
            var map = InBatches(heads.AsSpan(..size));
            Assert.Equal(size, map.Count);
            foreach (var (key, head) in heads[..size])
            {
                Assert.Equal(HeadMapAnswer.Present, HeadMapProof.Verify(map.Prove(key), map.Root, key, out var proven));
                Assert.Equal(head, proven);
                Assert.True(map.TryFind(key, out var found) && found == head);
            }
            foreach (var (key, _) in heads[size..])
            {
                Assert.Equal(HeadMapAnswer.Absent, HeadMapProof.Verify(map.Prove(key), map.Root, key, out var proven));
                Assert.Equal(default, proven);
                Assert.False(map.TryFind(key, out _));
            }
        }
    }

    [Fact]
    public void One_wrong_bit_in_the_proof_or_in_the_root_proves_nothing()
    {
        var heads = Heads(20);
        var map = HeadMap.Empty.With(heads.AsSpan(..15));
        foreach (var (key, _) in heads)
        {
            var proof = map.Prove(key);
            for (var bit = 0; bit < proof.Length * 8; bit++)
            {
                byte[] wrong = [.. proof];
                wrong[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Equal(HeadMapAnswer.Refused, HeadMapProof.Verify(wrong, map.Root, key, out _));
            }
            for (var bit = 0; bit < Hash.Size * 8; bit++)
                Assert.Equal(HeadMapAnswer.Refused, HeadMapProof.Verify(proof, Tampering.Flip(map.Root, bit), key, out _));
        }
    }

    [Fact]
    public void No_proof_that_the_map_gives_shows_a_present_key_absent_or_an_absent_key_present()
    {
        var heads = Heads(60);
        var map = HeadMap.Empty.With(heads.AsSpan(..40));
        byte[][] proofs = [[], .. heads.Select(pair => map.Prove(pair.Key))];
        foreach (var proof in proofs)
        {
            foreach (var (key, head) in heads[..40])
            {
                var answer = HeadMapProof.Verify(proof, map.Root, key, out var proven);
                Assert.NotEqual(HeadMapAnswer.Absent, answer);
                Assert.Equal(answer == HeadMapAnswer.Present ? head : default, proven);
            }
            foreach (var (key, _) in heads[40..])
                Assert.NotEqual(HeadMapAnswer.Present, HeadMapProof.Verify(proof, map.Root, key, out _));
        }
    }

    [Fact]
    public void A_key_that_differs_in_one_bit_is_another_key()
    {
        var (key, head) = Heads(1)[0];
        for (var bit = 0; bit < 256; bit++)
        {
            var other = Tampering.Flip(key, bit);
            var map = HeadMap.Empty.With(key, head);
            Assert.Equal(HeadMapAnswer.Absent, HeadMapProof.Verify(map.Prove(other), map.Root, other, out _));
            map = map.With(other, head with { Count = 9 });
            Assert.Equal(HeadMapAnswer.Present, HeadMapProof.Verify(map.Prove(other), map.Root, other, out var proven));
            Assert.Equal(9UL, proven.Count);
            Assert.Equal(HeadMapAnswer.Refused, HeadMapProof.Verify(map.Prove(other), map.Root, key, out _));
        }
    }

    [Fact]
    public void The_deepest_map_there_can_be_is_proven_from_end_to_end()
    {
        // Key n has its first n bits set, so that they branch at each of the 256 bits.
        var heads = Enumerable.Range(0, 257).Select(ones => KeyValuePair.Create(Ones(ones), RandomHead())).ToArray();
        var map = OneByOne(Shuffled(heads));
        Assert.Equal(HeadMapOracle.Root(heads), map.Root);
        Assert.Equal(HeadMapProof.BytesMax, heads.Max(pair => map.Prove(pair.Key).Length));
        Assert.All(heads, pair => Assert.Equal(HeadMapAnswer.Present, HeadMapProof.Verify(map.Prove(pair.Key), map.Root, pair.Key, out _)));
    }

    [Fact]
    public void The_empty_map_proves_every_key_absent_with_no_bytes_at_all()
    {
        Assert.Equal(MerkleHash.Empty, HeadMap.Empty.Root);
        Assert.Empty(HeadMap.Empty.Prove(default));
        Assert.Equal(HeadMapAnswer.Absent, HeadMapProof.Verify([], MerkleHash.Empty, default, out _));
        Assert.Equal(HeadMapAnswer.Refused, HeadMapProof.Verify([], default, default, out _));
        Assert.Same(HeadMap.Empty, HeadMap.Empty.With());
    }

    [Fact]
    public void A_shape_that_no_map_has_is_refused_though_its_hashes_are_right()
    {
        // Depths out of order, and a leaf on the side where its key does not belong: a map's maker could sign such roots.
        var (left, right, head) = (Ones(0), Ones(256), RandomHead());
        var (leftLeaf, rightLeaf) = (head.LeafHash(left), head.LeafHash(right));
        foreach (var depths in new byte[][] { [7, 3], [7, 7] })
        {
            var lower = HeadMapProof.Node(depths[1], leftLeaf, rightLeaf);
            byte[] proof = [depths[0], .. rightLeaf.ToArray(), depths[1], .. rightLeaf.ToArray(), .. HeadMapOracle.Leaf(left, head)];
            Assert.Equal(HeadMapAnswer.Refused, HeadMapProof.Verify(proof, HeadMapProof.Node(depths[0], lower, rightLeaf), left, out _));
        }
        byte[] swapped = [0, .. leftLeaf.ToArray(), .. HeadMapOracle.Leaf(right, head)];
        Assert.Equal(HeadMapAnswer.Refused, HeadMapProof.Verify(swapped, HeadMapProof.Node(0, rightLeaf, leftLeaf), left, out _));
    }

    [Fact]
    public void A_key_that_stands_twice_in_a_change_is_refused()
    {
        var heads = Heads(3);
        Assert.Throws<ArgumentException>(() => HeadMap.Empty.With(heads[0], heads[1], heads[2], heads[0]));
    }

    [Fact]
    public void A_key_costs_the_memory_that_is_promised_and_a_change_that_of_its_path()
    {
        // Counted as allocated, so that nothing depends on when memory is collected: 176 bytes stay, the rest is for sorting.
        const int count = 50_000;
        var heads = Enumerable.Range(0, count).Select(i => KeyValuePair.Create(MerkleHash.Leaf(BitConverter.GetBytes(i)), RandomHead())).ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var map = HeadMap.Empty.With(heads);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, count * 160L, count * 200L);

        _ = map.Root;
        before = GC.GetAllocatedBytesForCurrentThread();
        var next = map.With(heads[0].Key, heads[1].Value);
        _ = next.Root;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 40 * 72);
    }

    [Fact]
    public void Readers_on_many_threads_find_one_root()
    {
        var heads = Heads(5000);
        var map = HeadMap.Empty;
        for (var i = 0; i < heads.Length; i += 100)
        {
            map = map.With(heads.AsSpan(i, 100));
            var version = map;
            var roots = new Hash[8];
            Parallel.For(0, roots.Length, reader =>
            {
                roots[reader] = version.Root;
                Assert.Equal(HeadMapAnswer.Present, HeadMapProof.Verify(version.Prove(heads[reader].Key), version.Root, heads[reader].Key, out _));
            });
            Assert.Single(roots.Distinct());
        }
    }

    [Fact]
    public void A_damaged_proof_proves_nothing_or_what_is_true_and_never_throws()
    {
        var heads = Heads(40);
        var map = HeadMap.Empty.With(heads.AsSpan(..30));
        byte[][] originals = [.. heads.Select(pair => map.Prove(pair.Key))];
        new Mutation(output, originals, [[0], [0xff], new byte[33], new byte[32]]).Run(proof =>
        {
            var (key, head) = heads[proof.Length % heads.Length];
            var isPresent = map.TryFind(key, out _);
            var answer = HeadMapProof.Verify(proof, map.Root, key, out var proven);
            if (answer != HeadMapAnswer.Refused)
                Assert.Equal(isPresent ? (HeadMapAnswer.Present, head) : (HeadMapAnswer.Absent, default), (answer, proven));
        });
    }

    private KeyValuePair<Hash, Head>[] Heads(int count) => [.. Enumerable.Range(0, count).Select(i => KeyValuePair.Create(Key(i), RandomHead()))];

    // Two keys in three share most of their bits with others, so that maps are not only shallow.
    private Hash Key(int i)
    {
        var key = new byte[Hash.Size];
        _random.NextBytes(key.AsSpan(i % 3 == 0 ? 0 : Hash.Size - 2));
        return Hash.Read([.. key[..^2], (byte)(i >> 8), (byte)i]);
    }

    private Head RandomHead()
    {
        var bytes = new byte[Hash.Size];
        _random.NextBytes(bytes);
        return new Head((ulong)_random.NextInt64(), Hash.Read(bytes), new LeafIndex((ulong)_random.NextInt64()));
    }

    private static Hash Ones(int count)
    {
        var key = new byte[Hash.Size];
        for (var bit = 0; bit < count; bit++)
            key[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return Hash.Read(key);
    }

    private KeyValuePair<Hash, Head>[] Shuffled(KeyValuePair<Hash, Head>[] heads)
    {
        KeyValuePair<Hash, Head>[] shuffled = [.. heads];
        _random.Shuffle(shuffled);
        return shuffled;
    }

    private static HeadMap OneByOne(KeyValuePair<Hash, Head>[] heads) =>
        heads.Aggregate(HeadMap.Empty, (map, pair) => map.With(pair.Key, pair.Value));

    private HeadMap InBatches(ReadOnlySpan<KeyValuePair<Hash, Head>> heads)
    {
        var map = HeadMap.Empty;
        while (!heads.IsEmpty)
        {
            var count = _random.Next(1, heads.Length + 1);
            map = map.With(heads[..count]);
            heads = heads[count..];
        }
        return map;
    }
}
