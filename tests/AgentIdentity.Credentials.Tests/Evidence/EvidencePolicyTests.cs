using AgentIdentity.Credentials.Evidence;

namespace AgentIdentity.Credentials.Tests.Evidence;

public sealed class EvidencePolicyTests
{
    [Fact]
    public void The_policy_of_the_vectors_is_read_and_has_one_spelling()
    {
        var text = Vectors.Section("evidence").Text("policy");
        Assert.True(EvidencePolicy.TryParse($" {text.Replace(",", " , ", StringComparison.Ordinal)}", out var policy));
        Assert.Equal(text, policy.Canonical);
        Assert.Collection(
            policy.Rules,
            rule => Assert.Equal(2, Assert.IsType<OidcRule>(rule).Claims.Count),
            rule => Assert.Equal(new SpiffeRule("spiffe://example.org/research/*"), rule),
            rule => Assert.IsType<VouchRule>(rule));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""["vouch"]""")]
    [InlineData("""[{"type":"password"}]""")]
    [InlineData("""[{"type":"vouch","by":"anybody"}]""")]
    [InlineData("""[{"type":"vouch"},{"type":"vouch"},{"type":"vouch"},{"type":"vouch"},{"type":"vouch"},{"type":"vouch"},{"type":"vouch"},{"type":"vouch"},{"type":"vouch"}]""")]
    [InlineData("""[{"type":"spiffe","id":"spiffe://*"}]""")]
    [InlineData("""[{"type":"spiffe","id":"spiffe://example*"}]""")]
    [InlineData("""[{"type":"spiffe","id":"spiffe://example.org"}]""")]
    [InlineData("""[{"type":"spiffe","id":"spiffe://example.org/"}]""")]
    [InlineData("""[{"type":"spiffe","id":"spiffe://Example.org/a"}]""")]
    [InlineData("""[{"type":"spiffe","id":"https://example.org/a"}]""")]
    [InlineData("""[{"type":"oidc","issuer":"https://issuer.example"}]""")]
    [InlineData("""[{"type":"oidc","issuer":"https://issuer.example","claims":{}}]""")]
    [InlineData("""[{"type":"oidc","issuer":"https://issuer.example","claims":{"sub":"*"}}]""")]
    [InlineData("""[{"type":"oidc","issuer":"https://issuer.example","claims":{"sub":""}}]""")]
    [InlineData("""[{"type":"oidc","issuer":"https://issuer.example","claims":{"sub":"a*b"}}]""")]
    [InlineData("""[{"type":"oidc","issuer":"https://issuer.example","claims":{"sub":["a"]}}]""")]
    [InlineData("""[{"type":"oidc","issuer":"","claims":{"sub":"a"}}]""")]
    [InlineData("""[{"type":"oidc","issuer":"https://issuer.example","claims":{"sub":"a"},"audience":"b"}]""")]
    public void What_is_not_understood_as_a_whole_is_no_policy(string text) => Assert.False(EvidencePolicy.TryParse(text, out _));

    [Theory]
    [InlineData("a", "a", true)]
    [InlineData("a", "ab", false)]
    [InlineData("a*", "ab", true)]
    [InlineData("a*", "a", false)]
    [InlineData("a*", "b", false)]
    [InlineData("A*", "ab", false)]
    public void A_pattern_is_exact_or_a_prefix(string pattern, string value, bool covers) => Assert.Equal(covers, ValuePattern.Covers(pattern, value));

    [Theory]
    [InlineData("spiffe://example.org/a", true)]
    [InlineData("spiffe://example.org/A/b-c_d.e", true)]
    [InlineData("spiffe://example.org", false)]
    [InlineData("spiffe://example.org/", false)]
    [InlineData("spiffe://example.org/a/", false)]
    [InlineData("spiffe://example.org//a", false)]
    [InlineData("spiffe://example.org/../a", false)]
    [InlineData("spiffe://example.org/a%2Fb", false)]
    [InlineData("spiffe://example.org/a?b", false)]
    [InlineData("spiffe://example.org/a#b", false)]
    [InlineData("spiffe://example.org:443/a", false)]
    [InlineData("spiffe://user@example.org/a", false)]
    [InlineData("spiffe://Example.org/a", false)]
    [InlineData("spiffe://ехample.org/a", false)]
    [InlineData("spiffe:///a", false)]
    [InlineData("SPIFFE://example.org/a", false)]
    [InlineData("https://example.org/a", false)]
    [InlineData("spiffe://example.org/a\0", false)]
    [InlineData("", false)]
    public void A_SPIFFE_ID_has_one_spelling(string text, bool isOne) => Assert.Equal(isOne, SpiffeId.TryParse(text, out _));
}
