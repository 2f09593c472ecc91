using System.Text;
using Grpc.Core;

namespace Grpc.StandIns.Tests;

public sealed class MetadataTests
{
    [Fact]
    public void Keys_are_kept_in_lower_case_and_found_in_any()
    {
        var metadata = new Metadata { { "X-Agent", "seven" } };
        Assert.Equal("x-agent", metadata[0].Key);
        Assert.Equal("seven", metadata.GetValue("X-AGENT"));
        Assert.Null(metadata.GetValue("x-other"));
    }

    [Fact]
    public void The_last_entry_of_a_key_wins_and_all_are_kept_in_order()
    {
        var metadata = new Metadata { { "k", "1" }, { "other", "x" }, { "k", "2" } };
        Assert.Equal("2", metadata.Get("k")?.Value);
        Assert.Equal(["1", "2"], metadata.GetAll("K").Select(entry => entry.Value));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a-z_0.9")]
    public void A_key_of_allowed_characters_is_taken(string key) => Assert.Equal(key, new Metadata.Entry(key, "v").Key);

    [Theory]
    [InlineData("with space")]
    [InlineData(":path")]
    [InlineData("schlüssel")]
    [InlineData("a\n")]
    public void A_key_of_other_characters_is_refused(string key) => Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, "v"));

    [Fact]
    public void A_key_tells_bytes_from_text()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key", [1]));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key-BIN", "text"));
        Assert.True(new Metadata.Entry("key-bin", [1]).IsBinary);
        Assert.False(new Metadata.Entry("key", "text").IsBinary);
        Assert.Equal("-bin", Metadata.BinaryHeaderSuffix);
    }

    [Fact]
    public void Bytes_are_copied_on_the_way_in_and_out()
    {
        byte[] bytes = [1, 2, 3];
        var entry = new Metadata.Entry("key-bin", bytes);
        bytes[0] = 9;
        entry.ValueBytes[1] = 9;
        Assert.Equal([1, 2, 3], entry.ValueBytes);
    }

    [Fact]
    public void Text_has_bytes_and_bytes_have_no_text()
    {
        Assert.Equal("text", Encoding.ASCII.GetString(new Metadata { { "key", "text" } }.GetValueBytes("key")!));
        Assert.Throws<InvalidOperationException>(() => new Metadata { { "key-bin", [1] } }.GetValue("key-bin"));
    }

    [Fact]
    public void The_text_of_an_entry_shows_text_and_hides_bytes()
    {
        Assert.Equal("[Entry: key=k, value=v]", new Metadata.Entry("K", "v").ToString());
        Assert.Equal("[Entry: key=k-bin, valueBytes=System.Byte[]]", new Metadata.Entry("k-bin", [1, 2]).ToString());
    }

    [Fact]
    public void Nothing_null_is_taken()
    {
        Assert.Throws<ArgumentNullException>(() => new Metadata.Entry(null!, "v"));
        Assert.Throws<ArgumentNullException>(() => new Metadata.Entry("k", (string)null!));
        Assert.Throws<ArgumentNullException>(() => new Metadata.Entry("k-bin", (byte[])null!));
        Assert.Throws<ArgumentNullException>(() => new Metadata().Add(null!));
        Assert.Throws<ArgumentNullException>(() => new Metadata().Insert(0, null!));
        Assert.Throws<ArgumentNullException>(() => new Metadata { { "k", "v" } }[0] = null!);
    }

    [Fact]
    public void It_is_a_list()
    {
        Metadata.Entry one = new("a", "1"), two = new("b", "2");
        var metadata = new Metadata { two };
        metadata.Insert(0, one);
        Assert.Equal([one, two], metadata);
        Assert.Equal(1, metadata.IndexOf(two));
        Assert.Contains(one, metadata);
        Assert.True(metadata.Remove(one));
        metadata[0] = one;
        var copy = new Metadata.Entry[2];
        metadata.CopyTo(copy, 1);
        Assert.Equal([null!, one], copy);
        metadata.RemoveAt(0);
        Assert.Empty(metadata);
        metadata.Add(two);
        metadata.Clear();
        Assert.Empty(metadata);
        Assert.False(metadata.IsReadOnly);
    }

    [Fact]
    public void The_empty_metadata_stays_empty()
    {
        Assert.True(Metadata.Empty.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("k", "v"));
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Insert(0, new Metadata.Entry("k", "v")));
        Assert.Throws<InvalidOperationException>(Metadata.Empty.Clear);
        Assert.Empty(Metadata.Empty);
    }
}
