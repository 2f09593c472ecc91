using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;

namespace AgentIdentity.Credentials.Tests.Proofs;

public sealed class ProofAttackTests
{
    public static TheoryData<string> Names => [.. ProofAttacks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_token_that_is_not_a_key_proof_is_invalid_whatever_is_wrong_with_it(string name)
    {
        Assert.Equal(Refusal.ProofInvalid, KeyProof.Read(ProofAttacks.All[name], Vectors.Now, out var proof));
        Assert.Null(proof);
    }

    [Theory]
    [InlineData(KeyAlgorithm.ES256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    public void The_same_construction_with_nothing_wrong_is_a_key_proof(KeyAlgorithm algorithm) =>
        Assert.Equal(Refusal.None, KeyProof.Read(ProofAttacks.Control(algorithm), Vectors.Now, out _));

    [Fact]
    public void The_list_is_as_long_for_either_algorithm_as_it_was_meant_to_be() => Assert.True(ProofAttacks.All.Count >= 2 * 100, $"{ProofAttacks.All.Count}");

    [Fact]
    public void The_other_name_of_EdDSA_is_accepted()
    {
        var key = Vectors.Key("agent");
        var header = $$"""{"alg":"Ed25519","jwk":{{key.PublicKey.ToJwk()}},"typ":"dpop+jwt"}""";
        var claims = KeyProof.Claims(new RequestBinding("POST", "https://localhost:5000/a"), Vectors.Now, "12345678");
        Assert.Equal(Refusal.None, KeyProof.Read(Tokens.Forge.Token(header, claims, key), Vectors.Now, out _));
    }

    [Fact]
    public void Claims_of_others_are_passed_over()
    {
        var key = Vectors.Key("agent");
        var header = $$"""{"alg":"EdDSA","jwk":{{key.PublicKey.ToJwk()}},"typ":"dpop+jwt"}""";
        var claims = $$"""{"jti":"12345678","htm":"GET","htu":"https:\/\/localhost:5000\/a","more":{"a":[null]},"exp":1.5,"iat":{{Vectors.Seconds}} }""";
        Assert.Equal(Refusal.None, KeyProof.Read(Tokens.Forge.Token(header, claims, key), Vectors.Now, out var proof));
        Assert.Equal("https://localhost:5000/a", proof!.Url);
    }
}
