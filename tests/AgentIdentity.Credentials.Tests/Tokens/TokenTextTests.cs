using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Tokens;

public sealed class TokenTextTests
{
    [Fact]
    public void No_text_has_no_letters() => Assert.Equal((0, 0), (((TokenText)null).Length, ((TokenText)"").Length));

    [Theory]
    [InlineData("eyJhé.e30.AA")]
    [InlineData("eyJhІ.e30.AA")]
    [InlineData("eyJh\u0000.e30.AA")]
    [InlineData("eyJh\U0001D7D8.e30.AA")]
    public void A_letter_that_is_not_ascii_is_in_no_token(string text) =>
        Assert.False(CompactJws.TrySplit(text, 4096, out _));

    [Fact]
    public void The_bytes_of_a_text_are_the_same_token()
    {
        Assert.True(CompactJws.TrySplit("e30.e30.AA", 4096, out var text));
        Assert.True(CompactJws.TrySplit(new TokenText("e30.e30.AA"u8.ToArray()), 4096, out var bytes));
        Assert.Equal(text.Ascii.ToArray(), bytes.Ascii.ToArray());
        Assert.Equal(text.SigningInput, bytes.SigningInput);
    }
}
