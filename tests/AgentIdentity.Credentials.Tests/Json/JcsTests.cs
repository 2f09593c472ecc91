using System.Text;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Tests.Json;

public sealed class JcsTests
{
    [Fact]
    public void Each_text_of_the_vectors_has_the_canonical_form_of_the_vectors()
    {
        foreach (var example in Vectors.Section("jcs").GetProperty("canonical").EnumerateArray())
        {
            Assert.True(Jcs.TryCanonicalize(Vectors.Utf8(example.Text("text")), out var canonical), example.Text("text"));
            Assert.Equal(example.Text("canonical"), canonical);
        }
    }

    [Fact]
    public void A_canonical_form_is_its_own_canonical_form()
    {
        foreach (var example in Vectors.Section("jcs").GetProperty("canonical").EnumerateArray())
        {
            Assert.True(Jcs.TryCanonicalize(Vectors.Utf8(example.Text("canonical")), out var again));
            Assert.Equal(example.Text("canonical"), again);
        }
    }

    [Fact]
    public void What_is_not_strict_JSON_or_holds_another_number_than_a_safe_integer_is_refused()
    {
        foreach (var text in Vectors.Section("jcs").GetProperty("refused").EnumerateArray())
            Assert.False(Jcs.TryCanonicalize(Vectors.Utf8(text.GetString()!), out _), text.GetString());
    }

    [Theory]
    [InlineData(new byte[] { 0x22, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xc0, 0xaf, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xed, 0xa0, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xf4, 0x90, 0x80, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xe2, 0x82, 0x22 })]
    [InlineData(new byte[] { 0xfe, 0xff, 0x00, 0x31 })]
    public void What_is_not_UTF_8_is_refused(byte[] bytes) => Assert.False(Jcs.TryCanonicalize(bytes, out _));

    [Fact]
    public void Sixteen_levels_are_read_and_seventeen_are_not()
    {
        Assert.True(StrictJson.TryParse(Vectors.Utf8(new string('[', 16) + new string(']', 16)), out var document));
        document.Dispose();
        Assert.False(StrictJson.TryParse(Vectors.Utf8(new string('[', 17) + new string(']', 17)), out _));
    }

    [Fact]
    public void Random_mutations_of_a_text_are_refused_or_have_a_stable_canonical_form()
    {
        const int seed = 20262;
        var random = new Random(seed);
        var text = Vectors.Utf8(Vectors.Section("jcs").GetProperty("canonical")[0].Text("text"));
        for (var round = 0; round < 50_000; round++)
        {
            var mutated = Mutation.Of(text, random);
            if (Jcs.TryCanonicalize(mutated, out var canonical))
                Assert.True(Jcs.TryCanonicalize(Encoding.UTF8.GetBytes(canonical), out var again) && again == canonical, $"seed {seed}, round {round}: {canonical}");
        }
    }

    [Fact]
    public void A_text_of_very_many_members_takes_no_longer_than_its_length_allows()
    {
        var members = string.Join(',', Enumerable.Range(0, 50_000).Select(number => $"\"{number}\":0"));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.True(StrictJson.TryParse(Vectors.Utf8($"{{{members}}}"), out var document));
        document.Dispose();
        Assert.InRange(watch.ElapsedMilliseconds, 0, 2_000);
    }
}
