namespace AgentIdentity.Ledger.Tests.Tiles;

public sealed class TileNames
{
    [Theory]
    [InlineData(0, 0, 256, "tile/0/000")]
    [InlineData(0, 1234067, 256, "tile/0/x001/x234/067")]
    [InlineData(0, 273, 112, "tile/0/273.p/112")]
    [InlineData(1, 1, 17, "tile/1/001.p/17")]
    [InlineData(2, 0, 1, "tile/2/000.p/1")]
    [InlineData(63, 999, 255, "tile/63/999.p/255")]
    [InlineData(7, 1000, 256, "tile/7/x001/000")]
    [InlineData(0, 36028797018963967, 256, "tile/0/x036/x028/x797/x018/x963/967")]
    [InlineData(0, ulong.MaxValue, 256, "tile/0/x018/x446/x744/x073/x709/x551/615")]
    public void A_tile_has_one_path_which_is_read_back(int level, ulong index, int width, string path)
    {
        var tile = new TileId(level, index);
        Assert.Equal(path, Tile.Path(tile, width));
        Assert.True(Tile.TryParsePath(path, out var parsed, out var parsedWidth));
        Assert.Equal((tile, width), (parsed, parsedWidth));
    }

    [Theory]
    [InlineData(0, 256, "tile/entries/000")]
    [InlineData(1234067, 256, "tile/entries/x001/x234/067")]
    [InlineData(1234067, 8, "tile/entries/x001/x234/067.p/8")]
    public void An_entry_bundle_has_one_path_which_is_read_back(ulong index, int width, string path)
    {
        Assert.Equal(path, Tile.EntriesPath(index, width));
        Assert.True(Tile.TryParseEntriesPath(path, out var parsed, out var parsedWidth));
        Assert.Equal((index, width), (parsed, parsedWidth));
        Assert.False(Tile.TryParsePath(path, out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("tile")]
    [InlineData("tile/")]
    [InlineData("tile/0")]
    [InlineData("tile/0/")]
    [InlineData("/tile/0/000")]
    [InlineData("Tile/0/000")]
    [InlineData("tile//000")]
    [InlineData("tile/00/000")]
    [InlineData("tile/01/000")]
    [InlineData("tile/64/000")]
    [InlineData("tile/-1/000")]
    [InlineData("tile/+1/000")]
    [InlineData("tile/x/000")]
    [InlineData("tile/99999999999/000")]
    [InlineData("tile/0/0")]
    [InlineData("tile/0/00")]
    [InlineData("tile/0/0000")]
    [InlineData("tile/0/x000")]
    [InlineData("tile/0/x000/001")]
    [InlineData("tile/0/001/001")]
    [InlineData("tile/0/x001/x001")]
    [InlineData("tile/0/x01/001")]
    [InlineData("tile/0/x001001")]
    [InlineData("tile/0/1000")]
    [InlineData("tile/0/000/")]
    [InlineData("tile/0/000 ")]
    [InlineData("tile/0/000\0")]
    [InlineData("tile/0\0/000")]
    [InlineData("tile/0/000.p/1\0")]
    [InlineData("tile/0/٠٠٠")]
    [InlineData("tile/0/x018/x446/x744/x073/x709/x551/616")]
    [InlineData("tile/0/x001/x018/x446/x744/x073/x709/x551/615")]
    [InlineData("tile/0/x111/x111/x111/x111/x111/x111/x111/x111/x111/111")]
    [InlineData("tile/0/000.p")]
    [InlineData("tile/0/000.p/")]
    [InlineData("tile/0/000.p/0")]
    [InlineData("tile/0/000.p/01")]
    [InlineData("tile/0/000.p/256")]
    [InlineData("tile/0/000.p/-1")]
    [InlineData("tile/0/000.p/1/")]
    [InlineData("tile/0/000.p/1.p/1")]
    [InlineData("tile/0/.p/1")]
    [InlineData("tile/8/0/000")]
    public void Any_other_spelling_is_refused(string path)
    {
        Assert.False(Tile.TryParsePath(path, out _, out _));
        Assert.False(Tile.TryParseEntriesPath(path.Replace("tile/0/", "tile/entries/", StringComparison.Ordinal), out _, out _));
    }

    [Fact]
    public void A_tile_that_cannot_be_has_no_path()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Tile.Path(new TileId(64, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tile.Path(new TileId(-1, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tile.Path(default, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tile.EntriesPath(0, 257));
    }

    [Theory]
    // The two examples of the specification: 70,000 leaves, and 256.
    [InlineData(70_000, 0, 272, 256)]
    [InlineData(70_000, 0, 273, 112)]
    [InlineData(70_000, 0, 274, 0)]
    [InlineData(70_000, 1, 0, 256)]
    [InlineData(70_000, 1, 1, 17)]
    [InlineData(70_000, 1, 2, 0)]
    [InlineData(70_000, 2, 0, 1)]
    [InlineData(70_000, 3, 0, 0)]
    [InlineData(256, 0, 0, 256)]
    [InlineData(256, 0, 1, 0)]
    [InlineData(256, 1, 0, 1)]
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 0, 0, 1)]
    [InlineData(long.MaxValue, 7, 0, 127)]
    [InlineData(long.MaxValue, 8, 0, 0)]
    [InlineData(long.MaxValue, 63, 0, 0)]
    [InlineData(long.MaxValue, 0, ulong.MaxValue, 0)]
    [InlineData(70_000, 0, 1UL << 56, 0)]
    public void A_tile_is_as_wide_as_the_size_demands(ulong size, int level, ulong index, int width) =>
        Assert.Equal(width, new TileId(level, index).WidthAt(new TreeSize(size)));

    [Theory]
    [InlineData(0, 255, 0, 0)]
    [InlineData(0, 256, 0, 1)]
    [InlineData(7, 1, 0, 0)]
    [InlineData(7, 2, 0, 1)]
    [InlineData(8, 0, 1, 0)]
    [InlineData(15, 3, 1, 1)]
    [InlineData(63, 0, 7, 0)]
    public void A_node_lies_in_the_lowest_tile_that_knows_it(int level, ulong index, int tileLevel, ulong tileIndex) =>
        Assert.Equal(new TileId(tileLevel, tileIndex), TileId.OfNode(level, index));
}
