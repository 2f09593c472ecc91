using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tests.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Proofs;

public sealed class RotationProofTests
{
    private static readonly PrivateKey Old = Vectors.Key("agent");
    private static readonly PrivateKey New = Vectors.Key("next agent");
    private static readonly string PublicUrl = Vectors.Registry.PublicUrl;
    private static readonly Hash TokenHash = Sha256.Hash(Vectors.Utf8(Vectors.Section("rotation_proofs").Text("replacement_token")));

    [Fact]
    public void The_proofs_of_the_vectors_are_read_and_the_old_keys_is_made_the_same_again()
    {
        var (made, consent, ordered) = (Good(Text("new_key")), Good(Text("old_key")), Good(Text("ordered")));
        Assert.Equal(new RotationProof(New.PublicKey, Vectors.AgentId, "the-challenge", Old.PublicKey.KeyId, null), made);
        Assert.Equal(new RotationProof(New.PublicKey, Vectors.AgentId, "the-challenge", null, TokenHash), ordered);
        Assert.True(made.IsOtherOf(consent) && consent.IsOtherOf(made));
        Assert.Equal(Text("old_key"), RotationProof.Create(Old, Vectors.AgentId, PublicUrl, "the-challenge", New.PublicKey.KeyId, Vectors.Now));
        Assert.Equal(ordered, Good(RotationProof.Create(New, Vectors.AgentId, PublicUrl, "the-challenge", TokenHash, Vectors.Now)));
    }

    [Fact]
    public void Two_proofs_belong_together_only_when_each_names_the_other_key_and_the_same_agent()
    {
        using var third = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var made = Good(Text("new_key"));
        Assert.False(made.IsOtherOf(made));
        Assert.False(made.IsOtherOf(Good(Text("ordered"))));
        Assert.False(made.IsOtherOf(Good(RotationProof.Create(Old, Vectors.AgentId, PublicUrl, "c", third.PublicKey.KeyId, Vectors.Now))));
        Assert.False(made.IsOtherOf(Good(RotationProof.Create(third, Vectors.AgentId, PublicUrl, "c", New.PublicKey.KeyId, Vectors.Now))));
        Assert.False(made.IsOtherOf(Good(RotationProof.Create(Old, Vectors.Id(Vectors.Section("stating").Text("agent_id")), PublicUrl, "c", New.PublicKey.KeyId, Vectors.Now))));
    }

    [Theory]
    [InlineData(-301, Refusal.ProofStale)]
    [InlineData(-300, Refusal.None)]
    [InlineData(300, Refusal.None)]
    [InlineData(301, Refusal.ProofStale)]
    public void It_is_good_for_five_minutes_around_the_registrys_clock(int registryAhead, Refusal expected) =>
        Assert.Equal(expected, RotationProof.Read(Text("new_key"), PublicUrl, Vectors.Now.AddSeconds(registryAhead), out _));

    [Theory]
    [InlineData("\"agent\":\"0192f0c1", "\"agent\":\"x192f0c1")]
    [InlineData("https://localhost:5000", "https://localhost:5001")]
    [InlineData("\"nonce\"", "\"nonse\"")]
    [InlineData("\"jkt\"", "\"jkt2\"")]
    [InlineData("\"aud\"", "\"more\":1,\"aud\"")]
    [InlineData("\"iat\":", "\"iat\":-")]
    public void Claims_that_are_not_exactly_those_of_the_format_are_refused(string part, string instead)
    {
        var claims = $$"""{"agent":"{{Vectors.AgentId}}","aud":"{{PublicUrl}}","iat":{{Vectors.Seconds}},"jkt":"{{Old.PublicKey.KeyId}}","nonce":"c"}""";
        Assert.Equal(Refusal.None, Read(Forged(claims)));
        Assert.Equal(Refusal.ProofInvalid, Read(Forged(claims.With(part, instead))));
    }

    [Fact]
    public void A_proof_of_another_type_none_and_one_with_any_bit_changed_are_refused()
    {
        Assert.Equal(Refusal.ProofMissing, Read(""));
        Assert.Equal(Refusal.ProofInvalid, Read(EnrolmentProof.Create(New, PublicUrl, "c", TokenHash, Vectors.Now)));
        var proof = Vectors.Utf8(Text("new_key"));
        for (var at = 0; at < proof.Length; at++)
        {
            var changed = (byte[])proof.Clone();
            changed[at] ^= 1;
            Assert.Equal(Refusal.ProofInvalid, Read(System.Text.Encoding.ASCII.GetString(changed)));
        }
    }

    [Fact]
    public void An_entry_keeps_its_proofs_only_with_the_keys_the_agent_and_the_token_that_they_name()
    {
        var rotated = new AgentKeyRotated(Vectors.AgentId, Old.PublicKey.KeyId, New.PublicKey, Text("new_key"), Text("old_key"), null);
        Assert.True(Keeps(rotated));
        Assert.False(Keeps(rotated with { Key = Vectors.Key("stating agent").PublicKey }));
        Assert.False(Keeps(rotated with { Retired = New.PublicKey.KeyId }));
        Assert.False(Keeps(rotated with { AgentId = Vectors.Id(Vectors.Section("stating").Text("agent_id")) }));
        Assert.False(Keeps(rotated with { Consent = Text("new_key") }));
        Assert.False(RotationProof.AreKeptBy(rotated, Old.PublicKey, null, "https://elsewhere.example"));

        var replaced = rotated with { Proof = Text("ordered"), Consent = null, Order = new LeafIndex(30) };
        Assert.True(Keeps(replaced, TokenHash));
        Assert.False(Keeps(replaced, Sha256.Hash("another token"u8)));
        Assert.False(Keeps(replaced, null));
        Assert.False(Keeps(replaced with { Proof = Text("new_key") }, TokenHash));
    }

    private static bool Keeps(AgentKeyRotated rotated, Hash? token = null) => RotationProof.AreKeptBy(rotated, Old.PublicKey, token, PublicUrl);

    private static string Forged(string claims) => Forge.Token($$"""{"alg":"ES256","jwk":{{New.PublicKey.ToJwk()}},"typ":"agentid-rotate+jwt"}""", claims, New);

    private static string Text(string name) => Vectors.Section("rotation_proofs").GetProperty(name).Text("token");

    private static RotationProof Good(string proof)
    {
        Assert.Equal(Refusal.None, RotationProof.Read(proof, PublicUrl, Vectors.Now, out var read));
        return read!;
    }

    private static Refusal Read(string proof) => RotationProof.Read(proof, PublicUrl, Vectors.Now, out _);
}
