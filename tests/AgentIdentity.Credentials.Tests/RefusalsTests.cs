namespace AgentIdentity.Credentials.Tests;

public sealed class RefusalsTests
{
    [Theory]
    [InlineData(Refusal.None, "NONE")]
    [InlineData(Refusal.UseDpopNonce, "USE_DPOP_NONCE")]
    [InlineData(Refusal.CredentialInvalid, "CREDENTIAL_INVALID")]
    [InlineData(Refusal.NeedsTwoOperators, "NEEDS_TWO_OPERATORS")]
    public void A_refusal_has_its_name_in_upper_snake(Refusal refusal, string name) => Assert.Equal(name, refusal.Name());

    [Fact]
    public void Every_name_reads_back_as_its_refusal()
    {
        foreach (var refusal in Enum.GetValues<Refusal>())
        {
            Assert.True(Refusals.TryParse(refusal.Name(), out var read));
            Assert.Equal(refusal, read);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("AGENT_FROZEN ")]
    [InlineData("1")]
    public void No_other_text_is_a_refusal(string? text) => Assert.False(Refusals.TryParse(text, out _));
}
