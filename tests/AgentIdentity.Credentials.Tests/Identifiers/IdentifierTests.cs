using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Credentials.Tests.Identifiers;

public sealed class IdentifierTests
{
    [Fact]
    public void A_new_subject_id_is_a_version_7_UUID_that_sorts_by_its_time()
    {
        var earlier = SubjectId.New(Vectors.Now);
        var later = SubjectId.New(Vectors.Now.AddMilliseconds(1));
        Assert.True(earlier.IsVersion7);
        Assert.True(earlier < later);
        Assert.NotEqual(earlier, SubjectId.New(Vectors.Now));
    }

    [Theory]
    [InlineData("0192f0c1-7a00-7def-8123-456789abcdef", true)]
    [InlineData("0192f0c1-7a00-7def-b123-456789abcdef", true)]
    [InlineData("0192f0c1-7a00-4def-8123-456789abcdef", false)]
    [InlineData("0192f0c1-7a00-7def-c123-456789abcdef", false)]
    [InlineData("0192f0c1-7a00-7def-4123-456789abcdef", false)]
    [InlineData("00000000-0000-0000-0000-000000000000", false)]
    public void Version_and_variant_tell_a_version_7_UUID(string uuid, bool isVersion7) => Assert.Equal(isVersion7, Vectors.Id(uuid).IsVersion7);

    [Fact]
    public void A_subject_id_reads_back_from_bytes_and_text()
    {
        var id = Vectors.AgentId;
        Assert.Equal(id, SubjectId.Read(id.ToArray()));
        Assert.Equal(id, Vectors.Id(id.ToString()));
        Assert.Equal(id.ToString(), id.ToGuid().ToString());
    }

    [Fact]
    public void A_key_id_reads_back_from_bytes_and_text_and_has_one_text()
    {
        var id = Vectors.Key("agent").PublicKey.KeyId;
        var text = id.ToString();
        Assert.Equal(KeyId.TextLength, text.Length);
        Assert.Equal(id, KeyId.Read(id.ToArray()));
        Assert.True(KeyId.TryParse(text, out var read));
        Assert.Equal(id, read);
        Assert.False(KeyId.TryParse(text + "=", out _));
        Assert.False(KeyId.TryParse(text.AsSpan(0, text.Length - 1), out _));
        Assert.False(KeyId.TryParse(text + "A", out _));
        Assert.False(KeyId.TryParse(' ' + text[1..], out _));
        // The last character of 43 carries four bits; the other two are zero.
        Assert.False(KeyId.TryParse(text[..^1] + 'B', out _));
    }
}
