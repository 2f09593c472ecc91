using AgentIdentity.Ledger.Tests.Tree;

namespace AgentIdentity.Ledger.Tests.Tiles;

public sealed class TilesOfATree
{
    private const int SizeMax = 70_000;

    // Around the first full tile of level 0 and of level 1, and the example of the specification.
    private static readonly int[] Sizes = [1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792, SizeMax];

    private readonly Oracle _oracle = new(SizeMax);

    [Fact]
    public void Tiles_hold_the_hashes_that_the_specification_says()
    {
        var (store, writer) = Grown(Sizes);
        var expected = 0;
        for (var level = 0; level < 4; level++)
        {
            for (ulong index = 0; new TileId(level, index).WidthAt(writer.Size) is > 0 and var width; index++, expected++)
            {
                var hashes = Hash.ReadMany(store.Read(new TileId(level, index)).Span);
                Assert.Equal(width, hashes.Length);
                for (var i = 0; i < width; i++)
                    Assert.Equal(_oracle.Node(8 * level, (256 * index) + (ulong)i), hashes[i]);
            }
        }
        Assert.Equal(274 + 2 + 1, expected);
        Assert.Equal(expected, store.Tiles.Count);
    }

    [Fact]
    public void A_commit_stores_the_tiles_that_changed_and_no_others()
    {
        var store = new TileStore();
        var writer = new TileWriter();
        Assert.Empty(writer.TakeChanged());
        store.Grow(writer, 10);
        Append(writer, 11);
        Assert.Equal([new TileId(0, 0)], writer.TakeChanged().Select(tile => tile.Id));
        Assert.Empty(writer.TakeChanged());
        Append(writer, 600);
        Assert.Equal(
            [(new TileId(0, 0), 256), (new TileId(0, 1), 256), (new TileId(0, 2), 88), (new TileId(1, 0), 2)],
            writer.TakeChanged().Select(tile => (tile.Id, tile.Bytes.Length / Hash.Size)));
    }

    [Fact]
    public void A_partial_tile_that_was_handed_out_does_not_change_when_the_log_grows()
    {
        var writer = new TileWriter();
        Append(writer, 3);
        var tile = Assert.Single(writer.TakeChanged());
        Append(writer, 300);
        Assert.Equal(_oracle.LeafHashes[..3].ToArray(), Hash.ReadMany(tile.Bytes.Span).ToArray());
    }

    [Fact]
    public void Proofs_built_from_tiles_verify_at_every_size_that_was_committed()
    {
        var random = new Random(70_000);
        var store = new TileStore();
        var writer = new TileWriter();
        var reader = new TileNodeReader(store.Read);
        foreach (var size in Sizes)
        {
            store.Grow(writer, size);
            Assert.Equal(_oracle.Root(size), writer.Root());
            Assert.Equal(_oracle.Root(size), MerkleHash.Root(writer.Size, reader.Read));
            foreach (var index in EdgesAndSome(size, random))
            {
                var path = InclusionProof.Build(new LeafIndex((ulong)index), writer.Size, reader.Read);
                Assert.Equal(_oracle.Path(index, size), path);
                Assert.True(InclusionProof.Verify(new LeafIndex((ulong)index), writer.Size, Oracle.LeafHash(index), path, writer.Root()));
            }
        }
    }

    [Fact]
    public void Proofs_of_older_sizes_are_built_from_the_widest_tiles_alone()
    {
        var (store, writer) = Grown([SizeMax]);
        var reader = new TileNodeReader(store.Read);
        var newRoot = writer.Root();
        foreach (var oldSize in Sizes)
        {
            var old = new TreeSize((ulong)oldSize);
            var path = ConsistencyProof.Build(old, writer.Size, reader.Read);
            Assert.Equal(_oracle.Proof(oldSize, SizeMax), path);
            Assert.True(ConsistencyProof.Verify(old, writer.Size, MerkleHash.Root(old, reader.Read), newRoot, path));
            Assert.Equal(_oracle.Path(oldSize / 2, oldSize), InclusionProof.Build(new LeafIndex(old.Value / 2), old, reader.Read));
        }
    }

    [Fact]
    public void A_restored_writer_goes_on_as_if_it_had_never_stopped()
    {
        var continuous = new TileStore();
        var continuousWriter = new TileWriter();
        var restarted = new TileStore();
        foreach (var size in Sizes)
        {
            continuous.Grow(continuousWriter, size);
            var before = restarted.Tiles.Count == 0 ? new TreeSize(0) : SizeOf(restarted);
            var writer = TileWriter.Restore(before, restarted.Read);
            Assert.Empty(writer.TakeChanged());
            restarted.Grow(writer, size);
            Assert.Equal(continuousWriter.Root(), writer.Root());
            Assert.Equal(continuousWriter.Frontier.ToArray(), writer.Frontier.ToArray());
        }
        Assert.Equal(continuous.Tiles.Count, restarted.Tiles.Count);
        foreach (var (id, bytes) in continuous.Tiles)
            Assert.True(bytes.Span.SequenceEqual(restarted.Read(id).Span), $"tile {id}");
    }

    [Fact]
    public void A_writer_restored_at_an_older_size_writes_the_same_tiles_again()
    {
        // What a commit that failed after its tiles were stored leaves behind: tiles wider than the size that counts.
        var (store, _) = Grown([600]);
        var writer = TileWriter.Restore(new TreeSize(250), store.Read);
        Assert.Equal(_oracle.Root(250), writer.Root());
        Append(writer, 600);
        var again = writer.TakeChanged();
        Assert.Equal(store.Tiles.Count, again.Count);
        Assert.All(again, tile => Assert.True(tile.Bytes.Span.SequenceEqual(store.Read(tile.Id).Span), $"tile {tile.Id}"));
    }

    [Fact]
    public void Many_proofs_in_order_read_each_tile_once()
    {
        var (store, writer) = Grown([SizeMax]);
        var reader = new TileNodeReader(store.Read);
        var before = store.Reads;
        for (ulong index = 0; index < SizeMax; index += 16)
            InclusionProof.Build(new LeafIndex(index), writer.Size, reader.Read);
        Assert.Equal(store.Tiles.Count, store.Reads - before);
    }

    [Fact]
    public void A_reader_notices_that_a_tile_has_grown()
    {
        var store = new TileStore();
        var writer = new TileWriter();
        var reader = new TileNodeReader(store.Read);
        for (var size = 1; size <= 300; size++)
        {
            store.Grow(writer, size);
            Assert.Equal(_oracle.Root(size), MerkleHash.Root(writer.Size, reader.Read));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(32 * 199)]
    [InlineData((32 * 200) + 1)]
    [InlineData(8192 + 32)]
    public void A_stored_tile_that_is_too_narrow_or_no_tile_is_refused(int length)
    {
        var (store, writer) = Grown([200]);
        store.Replace(default, new byte[length]);
        Assert.Throws<InvalidDataException>(() => InclusionProof.Build(new LeafIndex(198), writer.Size, new TileNodeReader(store.Read).Read));
        Assert.Throws<InvalidDataException>(() => TileWriter.Restore(writer.Size, store.Read));
    }

    [Fact]
    public void One_wrong_bit_in_a_stored_tile_makes_proofs_that_fail()
    {
        var (store, writer) = Grown([600]);
        var root = writer.Root();
        var bytes = store.Read(new TileId(0, 1)).ToArray();
        bytes[77 * Hash.Size] ^= 1;
        store.Replace(new TileId(0, 1), bytes);
        var path = InclusionProof.Build(new LeafIndex(300), writer.Size, new TileNodeReader(store.Read).Read);
        Assert.False(InclusionProof.Verify(new LeafIndex(300), writer.Size, Oracle.LeafHash(300), path, root));
        Assert.Equal(root, TileWriter.Restore(writer.Size, store.Read).Root());
        Assert.NotEqual(root, MerkleHash.Root([.. HashesOf(store, 0), .. HashesOf(store, 1), .. HashesOf(store, 2)]));
    }

    [Fact]
    public void The_nodes_inside_a_tile_are_those_of_the_tree()
    {
        var hashes = _oracle.LeafHashes[..256];
        for (var height = 0; height <= 8; height++)
        {
            for (var index = 0; index < 256 >> height; index++)
                Assert.Equal(_oracle.Node(height, (ulong)index), Tile.Node(hashes, height, index));
        }
        var narrow = _oracle.LeafHashes[..3].ToArray();
        Assert.Throws<ArgumentException>(() => Tile.Node(narrow, 1, 1));
        Assert.Throws<ArgumentException>(() => Tile.Node(narrow, 0, 3));
        Assert.Throws<ArgumentException>(() => Tile.Node(narrow, 0, -1));
        Assert.Throws<ArgumentException>(() => Tile.Node(narrow, 9, 0));
    }

    private static (TileStore Store, TileWriter Writer) Grown(int[] sizes)
    {
        var store = new TileStore();
        var writer = new TileWriter();
        foreach (var size in sizes)
            store.Grow(writer, size);
        return (store, writer);
    }

    private static void Append(TileWriter writer, int size)
    {
        while (writer.Size.Value < (ulong)size)
            writer.Append(Oracle.LeafHash((int)writer.Size.Value));
    }

    private static Hash[] HashesOf(TileStore store, ulong index) => Hash.ReadMany(store.Read(new TileId(0, index)).Span).ToArray();

    private static TreeSize SizeOf(TileStore store) =>
        new((ulong)store.Tiles.Where(tile => tile.Key.Level == 0).Sum(tile => tile.Value.Length / Hash.Size));

    private static IEnumerable<int> EdgesAndSome(int size, Random random) =>
        new[] { 0, 1, 254, 255, 256, 257, 65_535, 65_536, size - 2, size - 1 }.Where(index => index >= 0 && index < size)
            .Concat(Enumerable.Range(0, 40).Select(_ => random.Next(size)));
}
