using AgentIdentity.Anchoring.Ethereum;

namespace AgentIdentity.Anchoring.Tests.Ethereum;

public sealed class Addresses
{
    // Examples of EIP-55.
    [Theory]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    [InlineData("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")]
    [InlineData("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB")]
    [InlineData("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb")]
    public void An_address_is_read_in_either_case_and_written_with_its_checksum(string text)
    {
        Assert.Equal(text, Address.Parse(text).ToString());
        Assert.Equal(text, Address.Parse(text.ToLowerInvariant()).ToString());
        Assert.Equal(Address.Parse(text), Address.Of(Convert.FromHexString(text.AsSpan(2))));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe")]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd")]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg")]
    [InlineData("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    [InlineData("0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    public void What_is_no_address_or_is_mistyped_is_refused(string? text) => Assert.False(Address.TryParse(text, out _));

    // An example that tools of other people give.
    [Fact]
    public void The_address_of_a_created_contract_follows_from_sender_and_nonce()
    {
        var sender = Address.Parse("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
        Assert.Equal("0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", Address.OfCreated(sender, 0).ToString().ToLowerInvariant());
        Assert.Equal("0x343c43a37d37dff08ae8c4a11544c718abb4fcf8", Address.OfCreated(sender, 1).ToString().ToLowerInvariant());
    }
}
