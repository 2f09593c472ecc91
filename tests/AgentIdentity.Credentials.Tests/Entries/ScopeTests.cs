using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Tests.Entries;

/// <summary>What a stop covers has one text and one value for each kind.</summary>
public sealed class ScopeTests
{
    private const string Id = "0192f0c1-7a00-7def-8123-456789abcdef";
    private const string Key = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    [Theory]
    [InlineData($"agent:{Id}")]
    [InlineData($"agent-with-delegates:{Id}")]
    [InlineData($"credential:{Id}")]
    [InlineData($"key:{Key}")]
    [InlineData("blueprint:summariser/2.1 model-x/5")]
    [InlineData("model:model-x/5")]
    [InlineData("sponsor:Research: desk")]
    [InlineData("audience:https://tools.example/documents")]
    [InlineData("resource:https://tools.example/documents/*")]
    [InlineData("label:jurisdiction=eu")]
    [InlineData($"issuer-key:{Key}@12")]
    [InlineData("everything")]
    public void A_scope_is_read_from_its_text_and_from_its_bytes(string text)
    {
        Assert.True(Scope.TryParse(text, out var scope));
        Assert.Equal(text, scope.ToString());
        Assert.True(Scope.TryDecode(scope.Kind, scope.Encode(), out var read));
        Assert.Equal(scope, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("agent")]
    [InlineData("agent:")]
    [InlineData($"Agent:{Id}")]
    [InlineData("agent:0192F0C1-7A00-7DEF-8123-456789ABCDEF")]
    [InlineData("key:abc")]
    [InlineData("label:eu")]
    [InlineData("label:=eu")]
    [InlineData($"issuer-key:{Key}")]
    [InlineData($"issuer-key:{Key}@-1")]
    [InlineData($"issuer-key:{Key}@012")]
    [InlineData("everything:")]
    [InlineData("everything:all")]
    [InlineData("sponsor:")]
    [InlineData("tenant:x")]
    public void Anything_else_is_no_scope(string text) => Assert.False(Scope.TryParse(text, out _));

    [Fact]
    public void Bytes_that_do_not_fit_the_kind_are_no_scope()
    {
        Assert.False(Scope.TryDecode(ScopeKind.Agent, new byte[15], out _));
        Assert.False(Scope.TryDecode(ScopeKind.Key, new byte[33], out _));
        Assert.False(Scope.TryDecode(ScopeKind.IssuerKey, new byte[32], out _));
        Assert.False(Scope.TryDecode(ScopeKind.Everything, [1], out _));
        Assert.False(Scope.TryDecode(ScopeKind.Sponsor, [0xff], out _));
        Assert.False(Scope.TryDecode(ScopeKind.Sponsor, "a\nb"u8, out _));
        Assert.False(Scope.TryDecode(ScopeKind.Sponsor, new byte[Scope.BytesMax + 1], out _));
    }

    [Theory]
    [InlineData("resource:https://tools.example/documents", true)]
    [InlineData("resource:https://tools.example/*", true)]
    [InlineData("resource:*", false)]
    [InlineData("resource:a*b", false)]
    [InlineData("resource:*/x", false)]
    [InlineData("resource:https://tools.example*", false)]
    [InlineData("resource:a/*/b", false)]
    [InlineData("sponsor:a*b", true)]
    public void A_location_with_a_star_that_means_nothing_is_read_and_can_cover_nothing(string text, bool canCover)
    {
        Assert.True(Scope.TryParse(text, out var scope));
        Assert.True(Scope.TryDecode(scope.Kind, scope.Encode(), out _));
        Assert.Equal(canCover, scope.CanCover);
    }
}
