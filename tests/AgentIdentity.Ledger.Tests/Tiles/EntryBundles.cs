using System.Buffers;
using AgentIdentity.Ledger.Tests.Tree;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Tiles;

public sealed class EntryBundles(ITestOutputHelper output)
{
    [Fact]
    public void A_bundle_is_each_entrys_length_and_bytes() =>
        Assert.Equal([0, 1, 7, 0, 0, 0, 2, 8, 9], Bundle([7], [], [8, 9]));

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    public void Entries_are_found_as_they_were_written_and_hash_to_the_tile_beside_them(int width)
    {
        byte[][] entries = [.. Enumerable.Range(0, width).Select(Oracle.Leaf)];
        var bundle = Bundle(entries);
        var found = new Range[width];
        Assert.True(EntryBundle.TryRead(bundle, found));
        Assert.Equal(entries, found.Select(range => bundle[range]));
        var hashes = new Hash[width];
        Assert.True(EntryBundle.TryHash(bundle, hashes));
        Assert.Equal(Enumerable.Range(0, width).Select(Oracle.LeafHash), hashes);
    }

    [Fact]
    public void A_narrower_bundle_is_the_beginning_of_a_wider_one()
    {
        byte[][] entries = [.. Enumerable.Range(0, 20).Select(length => new byte[length])];
        var bundle = Bundle(entries);
        for (var width = 1; width <= entries.Length; width++)
            Assert.Equal(Bundle(entries[..width]), bundle[..EntryBundle.Length(bundle, width)]);
        Assert.Throws<InvalidDataException>(() => EntryBundle.Length(bundle, 21));
        Assert.Throws<ArgumentOutOfRangeException>(() => EntryBundle.Length(bundle, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => EntryBundle.Length(bundle, 257));
    }

    [Fact]
    public void A_bundle_that_is_cut_off_or_goes_on_or_is_asked_for_another_width_is_refused()
    {
        var bundle = Bundle([1, 2, 3], [], [4]);
        for (var length = 0; length < bundle.Length; length++)
            Assert.False(EntryBundle.TryRead(bundle.AsSpan(0, length), new Range[3]), $"{length} bytes");
        Assert.False(EntryBundle.TryRead([.. bundle, 0], new Range[3]));
        Assert.False(EntryBundle.TryRead([.. bundle, 0, 0], new Range[3]));
        foreach (var width in new[] { 0, 1, 2, 4, 256, 257 })
        {
            Assert.False(EntryBundle.TryRead(bundle, new Range[width]));
            Assert.False(EntryBundle.TryHash(bundle, new Hash[width]));
        }
        Assert.False(EntryBundle.TryRead([], []));
        Assert.False(EntryBundle.TryRead(Bundle([.. Enumerable.Repeat(Array.Empty<byte>(), 257)]), new Range[257]));
    }

    [Fact]
    public void The_longest_entry_there_can_be_is_written_and_a_longer_one_is_not()
    {
        var bundle = Bundle(new byte[EntryBundle.EntryBytesMax]);
        var found = new Range[1];
        Assert.True(EntryBundle.TryRead(bundle, found));
        Assert.Equal(65_535, found[0].GetOffsetAndLength(bundle.Length).Length);
        Assert.Throws<ArgumentException>(() => Bundle(new byte[EntryBundle.EntryBytesMax + 1]));
    }

    [Fact]
    public void A_damaged_bundle_is_refused_or_read_and_never_throws()
    {
        byte[][] originals = [Bundle([1, 2, 3], [], [4], [5, 6]), Bundle(new byte[300], [1], [2], [3])];
        var accepted = 0;
        new Mutation(output, originals, [[0], [0, 0], [0xff, 0xff], [0, 1]]).Run(bundle =>
        {
            var found = new Range[4];
            if (!EntryBundle.TryRead(bundle, found))
                return;
            accepted++;
            Assert.Equal(bundle, Bundle([.. found.Select(range => bundle[range])]));
        });
        Assert.True(accepted > 100, "the damage leaves too little to read");
    }

    private static byte[] Bundle(params byte[][] entries)
    {
        var bundle = new ArrayBufferWriter<byte>();
        foreach (var entry in entries)
            EntryBundle.Write(bundle, entry);
        return bundle.WrittenSpan.ToArray();
    }
}
