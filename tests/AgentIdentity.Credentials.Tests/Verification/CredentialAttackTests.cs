using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Credentials.Tests.Verification;

public sealed class CredentialAttackTests
{
    public static TheoryData<string> Names => [.. CredentialAttacks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_token_that_is_not_a_credential_is_invalid_whatever_is_wrong_with_it(string name)
    {
        var issuer = Vectors.Key("issuer").PublicKey;
        var refusal = PresentedCredential.Read(CredentialAttacks.All[name], Vectors.Registry, id => id == issuer.KeyId ? issuer : null, out var credential);
        Assert.Equal(Refusal.CredentialInvalid, refusal);
        Assert.Null(credential);
    }

    [Fact]
    public void The_same_construction_with_nothing_wrong_is_a_credential()
    {
        var issuer = Vectors.Key("issuer").PublicKey;
        Assert.Equal(Refusal.None, PresentedCredential.Read(CredentialAttacks.Control, Vectors.Registry, id => id == issuer.KeyId ? issuer : null, out _));
    }

    [Fact]
    public void The_list_is_as_long_as_it_was_meant_to_be() => Assert.True(CredentialAttacks.All.Count >= 200, $"{CredentialAttacks.All.Count}");
}
