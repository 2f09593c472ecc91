using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Tokens;

public sealed class CanonicalBase64UrlTests
{
    [Fact]
    public void Every_value_has_a_text_that_reads_back_and_no_neighbour_of_that_text_reads_as_the_value()
    {
        const int seed = 20263;
        var random = new Random(seed);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = new byte[random.Next(0, 40)];
            random.NextBytes(bytes);
            var text = CanonicalBase64Url.Encode(bytes);
            var decoded = new byte[bytes.Length];
            Assert.True(CanonicalBase64Url.TryDecodeExactly(text, decoded));
            Assert.Equal(bytes, decoded);
            Assert.Equal(bytes.Length, CanonicalBase64Url.DecodedLength(text.Length));

            var mutated = new string(Mutation.Of(Vectors.Utf8(text), random).Select(letter => (char)letter).ToArray());
            if (mutated != text)
                Assert.False(CanonicalBase64Url.TryDecodeExactly(mutated, decoded) && decoded.AsSpan().SequenceEqual(bytes), $"seed {seed}, round {round}: {text} and {mutated}");
        }
    }

    [Theory]
    [InlineData("A")]
    [InlineData("AAAAA")]
    [InlineData("AA==")]
    [InlineData("AAA=")]
    [InlineData("AB")]
    [InlineData("AP")]
    [InlineData("AAB")]
    [InlineData("AA AA")]
    [InlineData("AAAA\n")]
    [InlineData(" AAAA")]
    [InlineData("AA+A")]
    [InlineData("AA/A")]
    [InlineData("AAA\0")]
    [InlineData("AAAÄ")]
    public void Another_spelling_of_base64_is_refused(string text) => Assert.False(CanonicalBase64Url.TryDecode(text, new byte[16], out _));

    [Fact]
    public void A_destination_that_is_too_short_is_refused() => Assert.False(CanonicalBase64Url.TryDecode("AAAA", new byte[2], out _));
}
