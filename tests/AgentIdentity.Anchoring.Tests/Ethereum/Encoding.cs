using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Ethereum;

public sealed class Encoding
{
    // The examples of the RLP specification.
    [Theory]
    [InlineData("", "80")]
    [InlineData("00", "00")]
    [InlineData("0f", "0f")]
    [InlineData("80", "8180")]
    [InlineData("0400", "820400")]
    [InlineData("646f67", "83646f67")]
    public void Bytes_have_the_prefix_of_the_specification(string bytes, string encoded) => Assert.Equal(encoded, Convert.ToHexStringLower(Rlp.Bytes(Convert.FromHexString(bytes))));

    [Theory]
    [InlineData(0UL, "80")]
    [InlineData(15UL, "0f")]
    [InlineData(1024UL, "820400")]
    [InlineData(ulong.MaxValue, "88ffffffffffffffff")]
    public void Numbers_have_no_leading_zeros(ulong value, string encoded) => Assert.Equal(encoded, Convert.ToHexStringLower(Rlp.Integer((UInt128)value)));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(55)]
    [InlineData(56)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(70_000)]
    public void A_list_is_read_back_as_it_was_written(int length)
    {
        byte[][] items = [new byte[length], [1], [], [.. Enumerable.Repeat((byte)0xff, length)]];
        Assert.Equal(items, Rlp.ReadList(Rlp.List([.. items.Select(item => Rlp.Bytes(item))])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("80")]
    [InlineData("c1")]
    [InlineData("c28100")]
    [InlineData("c10101")]
    [InlineData("f801 01")]
    [InlineData("f90000")]
    [InlineData("c3b80101")]
    [InlineData("c3c20101")]
    [InlineData("ff")]
    [InlineData("fbffffffff00")]
    public void A_list_that_is_not_canonical_is_refused(string list) =>
        Assert.Throws<FormatException>(() => Rlp.ReadList(Convert.FromHexString(list.Replace(" ", "", StringComparison.Ordinal))));

    // The selector and the layout stand in Solidity's ABI specification: baz(uint32,bool) with 69 and true.
    [Fact]
    public void A_call_is_its_selector_and_its_words() => Assert.Equal(
        "cdcd77c0" + new string('0', 62) + "45" + new string('0', 63) + "1",
        Convert.ToHexStringLower(Abi.Call("baz(uint32,bool)", 69UL, true)));

    [Fact]
    public void A_list_stands_behind_the_words_and_its_offset_among_them()
    {
        var (one, two) = (Hash.Read([.. Enumerable.Repeat((byte)0x11, 32)]), Hash.Read([.. Enumerable.Repeat((byte)0x22, 32)]));
        var encoded = Abi.Encode(7UL, AbiValue.List([one]), AbiValue.List([one, two]));
        Assert.Equal([7UL, 96UL, 160UL, 1UL], new[] { 0, 1, 2, 3 }.Select(word => Abi.ReadNumber(encoded, word)));
        Assert.Equal((2UL, one, two), (Abi.ReadNumber(encoded, 5), Hash.Read(Abi.Word(encoded, 6)), Hash.Read(Abi.Word(encoded, 7))));
        Assert.Equal(8 * Abi.WordSize, encoded.Length);
    }

    [Fact]
    public void Answers_that_are_too_short_or_too_large_are_refused()
    {
        Assert.Throws<FormatException>(() => Abi.ReadNumber(new byte[31], 0));
        Assert.Throws<FormatException>(() => Abi.ReadNumber([1, .. new byte[31]], 0));
        Assert.Throws<FormatException>(() => Abi.ReadBool(Abi.Number(2), 0));
    }
}
