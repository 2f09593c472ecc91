using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tests.Tokens;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Proofs;

public sealed class EnrolmentProofTests
{
    private static readonly PrivateKey Agent = Vectors.Key("agent");
    private static readonly string PublicUrl = Vectors.Registry.PublicUrl;
    private static readonly Hash TokenHash = Sha256.Hash("a token"u8);
    private static readonly string Genuine = EnrolmentProof.Create(Agent, PublicUrl, "challenge", TokenHash, Vectors.Now);

    [Fact]
    public void The_proof_of_the_vectors_is_read_and_made_the_same_again()
    {
        var section = Vectors.Section("enrolment_proof");
        var tokenHash = Sha256.Hash(Vectors.Utf8(section.Text("enrolment_token")));
        Assert.Equal(Refusal.None, EnrolmentProof.Read(section.GetProperty("token").Text("token"), PublicUrl, tokenHash, Vectors.Now, out var proof));
        Assert.Equal(Agent.PublicKey, proof!.Key);
        Assert.Equal(section.Text("challenge"), proof.Challenge);
        Assert.Equal(section.GetProperty("token").Text("token"), EnrolmentProof.Create(Agent, PublicUrl, section.Text("challenge"), tokenHash, Vectors.Now));
    }

    [Fact]
    public void The_labels_that_an_agent_states_are_signed_and_an_entry_with_others_does_not_keep_the_proof()
    {
        var token = Vectors.Section("stating").Text("enrolment_proof");
        var tokenHash = Sha256.Hash(Vectors.Utf8(Vectors.Section("enrolment_proof").Text("enrolment_token")));
        Assert.Equal(Refusal.None, EnrolmentProof.Read(token, PublicUrl, tokenHash, Vectors.Now, out var proof));
        Assert.Equal(Vectors.StatedLabels, proof!.Labels);

        Assert.True(Keeps(Vectors.StatedLabels));
        Assert.False(Keeps([]));
        Assert.False(Keeps(Vectors.StatedLabels[..1]));
        Assert.False(Keeps([.. Vectors.StatedLabels[..1], new(Vectors.StatedLabels[1].Key, "another")]));

        bool Keeps(KeyValuePair<string, string>[] labels) => EnrolmentProof.IsKeptBy(
            new AgentEnrolled(Vectors.AgentId, Vectors.AgentId, Vectors.Key("stating agent").PublicKey, new Grant("", "", [], "", []) { StatedLabels = labels }, token), PublicUrl, out _);
    }

    [Fact]
    public void The_evidence_that_is_sent_along_is_signed_and_an_entry_about_other_evidence_does_not_keep_the_proof()
    {
        var (token, evidence) = (Vectors.Section("evidence").Text("enrolment_proof"), Vectors.Section("evidence").Hash("hash"));
        var tokenHash = Sha256.Hash(Vectors.Utf8(Vectors.Section("enrolment_proof").Text("enrolment_token")));
        Assert.Equal(token, EnrolmentProof.Create(Agent, PublicUrl, "the-challenge", tokenHash, Vectors.Now, evidence: evidence));
        Assert.Equal(Refusal.None, EnrolmentProof.Read(token, PublicUrl, tokenHash, Vectors.Now, out var proof));
        Assert.Equal(evidence, proof!.EvidenceHash);
        Assert.Equal(Refusal.None, EnrolmentProof.Read(Genuine, PublicUrl, TokenHash, Vectors.Now, out var without));
        Assert.Null(without!.EvidenceHash);

        var entry = new EvidenceAccepted(Vectors.AgentId, EvidenceSource.Oidc, "issuer", "subject", evidence, Vectors.Seconds, [], token);
        Assert.True(EnrolmentProof.IsKeptBy(entry, Agent.PublicKey, PublicUrl));
        Assert.False(EnrolmentProof.IsKeptBy(entry with { Hash = TokenHash }, Agent.PublicKey, PublicUrl));
        Assert.False(EnrolmentProof.IsKeptBy(entry with { Proof = Genuine }, Agent.PublicKey, PublicUrl));
        Assert.False(EnrolmentProof.IsKeptBy(entry, Vectors.Key("stating agent").PublicKey, PublicUrl));
        Assert.False(EnrolmentProof.IsKeptBy(entry, Agent.PublicKey, "https://elsewhere.example"));
    }

    [Fact]
    public void Labels_are_an_object_of_texts_in_any_order()
    {
        var claims = $$"""{"aud":"{{PublicUrl}}","iat":{{Vectors.Seconds}},"labels":{"b":"2","a":"1"},"nonce":"challenge","token_hash":"{{TokenHash.ToBase64Url()}}"}""";
        Assert.Equal(Refusal.None, Read(claims));
        foreach (var instead in new[] { "[\"b\",\"a\"]", "{\"b\":2}", "\"b\"", "null", "{\"b\":\"2\",\"b\":\"1\"}" })
            Assert.Equal(Refusal.ProofInvalid, Read(claims.With("{\"b\":\"2\",\"a\":\"1\"}", instead)));
    }

    [Theory]
    [InlineData(-301, Refusal.ProofStale)]
    [InlineData(-300, Refusal.None)]
    [InlineData(300, Refusal.None)]
    [InlineData(301, Refusal.ProofStale)]
    public void It_is_good_for_five_minutes_around_the_registrys_clock(int registryAhead, Refusal expected) =>
        Assert.Equal(expected, EnrolmentProof.Read(Genuine, PublicUrl, TokenHash, Vectors.Now.AddSeconds(registryAhead), out _));

    [Fact]
    public void It_is_for_one_registry_and_one_token()
    {
        Assert.Equal(Refusal.None, EnrolmentProof.Read(Genuine, PublicUrl, TokenHash, Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, EnrolmentProof.Read(Genuine, PublicUrl + "/", TokenHash, Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, EnrolmentProof.Read(Genuine, "https://attacker.example", TokenHash, Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, EnrolmentProof.Read(Genuine, PublicUrl, Sha256.Hash("another token"u8), Vectors.Now, out _));
        Assert.Equal(Refusal.ProofMissing, EnrolmentProof.Read("", PublicUrl, TokenHash, Vectors.Now, out _));
    }

    [Theory]
    [InlineData("\"aud\":\"https://localhost:5000\"", "\"aud\":[\"https://localhost:5000\"]")]
    [InlineData("\"aud\":\"https://localhost:5000\",", "")]
    [InlineData("\"nonce\":\"challenge\"", "\"nonce\":\"\"")]
    [InlineData("\"nonce\":\"challenge\"", "\"nonce\":1")]
    [InlineData("\"nonce\":\"challenge\",", "")]
    [InlineData("\"token_hash\":\"", "\"token_hash\":\"A")]
    [InlineData("\"token_hash\"", "\"hash_token\"")]
    [InlineData("\"iat\":", "\"iat\":-")]
    [InlineData("\"iat\":", "\"iat\":0.")]
    [InlineData("\"iat\":", "\"tai\":")]
    [InlineData("{\"aud\"", "{\"iat\":1,\"aud\"")]
    public void A_claim_that_is_missing_or_not_what_it_should_be_refuses(string piece, string replacement)
    {
        var claims = $$"""{"aud":"{{PublicUrl}}","iat":{{Vectors.Seconds}},"nonce":"challenge","token_hash":"{{TokenHash.ToBase64Url()}}"}""";
        Assert.Equal(Refusal.None, Read(claims));
        Assert.Equal(Refusal.ProofInvalid, Read(claims.With(piece, replacement)));
    }

    [Fact]
    public void No_other_proof_stands_in_for_it()
    {
        var keyProof = KeyProof.Create(Agent, new RequestBinding("POST", PublicUrl, "challenge"), Vectors.Now);
        var bootstrapProof = BootstrapProof.Create(Agent, PublicUrl, TokenHash, "name", Vectors.Now);
        Assert.Equal(Refusal.ProofInvalid, EnrolmentProof.Read(keyProof, PublicUrl, TokenHash, Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, EnrolmentProof.Read(bootstrapProof, PublicUrl, TokenHash, Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, EnrolmentProof.Read(Genuine + " ", PublicUrl, TokenHash, Vectors.Now, out _));
    }

    private static Refusal Read(string claims)
    {
        var header = $$"""{"alg":"EdDSA","jwk":{{Agent.PublicKey.ToJwk()}},"typ":"agentid-enrol+jwt"}""";
        return EnrolmentProof.Read(Forge.Token(header, claims, Agent), PublicUrl, TokenHash, Vectors.Now, out _);
    }
}
