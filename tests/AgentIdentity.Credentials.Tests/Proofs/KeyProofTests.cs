using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Proofs;

public sealed class KeyProofTests
{
    private static readonly RequestBinding Request = new("POST", "https://localhost:5000/agentidentity.v1.Credentials/Renew", "the-nonce", "the-credential-hash", "the-body-hash");

    public static TheoryData<KeyAlgorithm> Algorithms => [KeyAlgorithm.ES256, KeyAlgorithm.Ed25519];

    [Fact]
    public void The_proofs_of_the_vectors_are_read_and_match_their_requests()
    {
        foreach (var expected in Vectors.Section("key_proofs").EnumerateArray())
        {
            Assert.Equal(Refusal.None, KeyProof.Read(expected.Text("token"), Vectors.Now, out var proof));
            var request = new RequestBinding(proof!.Method, proof.Url, "the-nonce", proof.CredentialHash, proof.BodyHash);
            Assert.Equal(expected.Text("claims"), KeyProof.Claims(request, Vectors.Now, proof.Jti));
            Assert.Equal(Refusal.None, proof.Matches(request));
        }
    }

    [Fact]
    public void A_proof_made_with_an_Ed25519_key_is_that_of_the_vectors_to_the_last_bit()
    {
        var expected = Vectors.Section("key_proofs")[0];
        var credentialHash = Vectors.Section("credentials")[0].Hash("token_hash").ToBase64Url();
        var request = new RequestBinding("POST", "https://localhost:5000/agentidentity.v1.Credentials/Renew", "the-nonce", credentialHash);
        Assert.Equal(expected.Text("token"), KeyProof.Create(Vectors.Key("agent"), request, Vectors.Now, "0123456789abcdefghijkl"));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_proof_that_was_made_is_read_with_all_that_it_says(KeyAlgorithm algorithm)
    {
        using var key = PrivateKey.Generate(algorithm);
        Assert.Equal(Refusal.None, KeyProof.Read(KeyProof.Create(key, Request, Vectors.Now), Vectors.Now, out var proof));
        Assert.Equal(key.PublicKey, proof!.Key);
        Assert.Equal(
            (Request.Method, Request.Url, Request.Nonce, Request.CredentialHash, Request.BodyHash, Vectors.Now),
            (proof.Method, proof.Url, proof.Nonce, proof.CredentialHash, proof.BodyHash, proof.IssuedAt));
        Assert.Equal(Refusal.None, proof.Matches(Request));
    }

    [Fact]
    public void A_key_whose_proofs_were_read_before_signs_the_next_one_as_well()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var genuine = KeyProof.Create(key, Request, Vectors.Now);
        Assert.Equal(Refusal.None, KeyProof.Read(genuine, Vectors.Now, out _));
        Assert.Equal(Refusal.None, KeyProof.Read(genuine, Vectors.Now, out _));

        using var other = PrivateKey.Generate(KeyAlgorithm.ES256);
        var forged = Tokens.Forge.WithPart(KeyProof.Create(other, Request, Vectors.Now), 0, Tokens.Forge.Part(genuine, 0));
        Assert.Equal(Refusal.ProofInvalid, KeyProof.Read(forged, Vectors.Now, out _));
    }

    [Fact]
    public void A_header_that_was_read_as_a_key_proofs_is_no_other_proofs()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var claims = $$"""{"aud":"https://localhost:5000","htm":"POST","htu":"a","iat":{{Vectors.Seconds}},"jti":"12345678","nonce":"n","token_hash":"{{default(Hash).ToBase64Url()}}"}""";
        var token = Tokens.Forge.Token($$"""{"alg":"ES256","jwk":{{key.PublicKey.ToJwk()}},"typ":"dpop+jwt"}""", claims, key);
        Assert.Equal(Refusal.None, KeyProof.Read(token, Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, EnrolmentProof.Read(token, "https://localhost:5000", default, Vectors.Now, out _));
    }

    [Fact]
    public void Two_proofs_for_one_request_differ_in_their_jti()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        KeyProof.Read(KeyProof.Create(key, Request, Vectors.Now), Vectors.Now, out var first);
        KeyProof.Read(KeyProof.Create(key, Request, Vectors.Now), Vectors.Now, out var second);
        Assert.NotEqual(first!.Jti, second!.Jti);
    }

    [Theory]
    [InlineData(-61, Refusal.ProofStale)]
    [InlineData(-60, Refusal.None)]
    [InlineData(0, Refusal.None)]
    [InlineData(60, Refusal.None)]
    [InlineData(61, Refusal.ProofStale)]
    [InlineData(3600, Refusal.ProofStale)]
    [InlineData(-1e9, Refusal.ProofStale)]
    public void A_proof_is_good_within_sixty_seconds_of_the_verifiers_clock(double verifierAhead, Refusal expected)
    {
        var proof = KeyProof.Create(Vectors.Key("agent"), Request, Vectors.Now);
        Assert.Equal(expected, KeyProof.Read(proof, Vectors.Now.AddSeconds(verifierAhead), out var presented));
        Assert.Equal(expected == Refusal.None, presented is not null);
    }

    [Fact]
    public void A_moment_beyond_the_window_is_stale() =>
        Assert.Equal(Refusal.ProofStale, KeyProof.Read(KeyProof.Create(Vectors.Key("agent"), Request, Vectors.Now), Vectors.Now.AddSeconds(60).AddTicks(1), out _));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void No_proof_is_told_from_a_wrong_one(string? proof) => Assert.Equal(Refusal.ProofMissing, KeyProof.Read(proof, Vectors.Now, out _));

    public static TheoryData<string, RequestBinding, Refusal> OtherRequests => new()
    {
        { "another method", Request with { Method = "GET" }, Refusal.ProofRequestMismatch },
        { "the method in lower case", Request with { Method = "post" }, Refusal.ProofRequestMismatch },
        { "another service", Request with { Url = "https://localhost:5000/agentidentity.v1.Credentials/Issue" }, Refusal.ProofRequestMismatch },
        { "another registry", Request with { Url = "https://attacker.example/agentidentity.v1.Credentials/Renew" }, Refusal.ProofRequestMismatch },
        { "a query", Request with { Url = Request.Url + "?a" }, Refusal.ProofRequestMismatch },
        { "a final slash", Request with { Url = Request.Url + "/" }, Refusal.ProofRequestMismatch },
        { "another scheme", Request with { Url = Request.Url.Replace("https", "http", StringComparison.Ordinal) }, Refusal.ProofRequestMismatch },
        { "another credential", Request with { CredentialHash = "another" }, Refusal.ProofRequestMismatch },
        { "no credential", Request with { CredentialHash = null }, Refusal.ProofRequestMismatch },
        { "another nonce", Request with { Nonce = "another" }, Refusal.NonceMismatch },
        { "an empty nonce", Request with { Nonce = "" }, Refusal.NonceMismatch },
        { "another body", Request with { BodyHash = "another" }, Refusal.BodyMismatch },
        { "a nonce that the verifier looks at itself", Request with { Nonce = null }, Refusal.None },
        { "a body that the verifier does not ask for", Request with { BodyHash = null }, Refusal.None },
    };

    [Theory]
    [MemberData(nameof(OtherRequests))]
    public void A_proof_matches_the_request_that_it_was_made_for(string difference, RequestBinding other, Refusal expected)
    {
        KeyProof.Read(KeyProof.Create(Vectors.Key("agent"), Request, Vectors.Now), Vectors.Now, out var proof);
        Assert.True(proof!.Matches(other) == expected, difference);
    }

    [Fact]
    public void A_proof_that_leaves_something_out_does_not_match_a_request_that_has_it()
    {
        KeyProof.Read(KeyProof.Create(Vectors.Key("agent"), new RequestBinding(Request.Method, Request.Url), Vectors.Now), Vectors.Now, out var proof);
        Assert.Equal("", proof!.Nonce);
        Assert.Equal(Refusal.ProofRequestMismatch, proof.Matches(Request));
        Assert.Equal(Refusal.NonceMismatch, proof.Matches(Request with { CredentialHash = null }));
        Assert.Equal(Refusal.BodyMismatch, proof.Matches(Request with { CredentialHash = null, Nonce = null }));
    }

    [Fact]
    public void A_proof_without_a_nonce_does_not_match_an_empty_one_by_accident()
    {
        KeyProof.Read(KeyProof.Create(Vectors.Key("agent"), new RequestBinding(Request.Method, Request.Url), Vectors.Now), Vectors.Now, out var proof);
        Assert.Equal(Refusal.NonceMismatch, proof!.Matches(new RequestBinding(Request.Method, Request.Url, Nonce: "")));
    }

    [Fact]
    public void Random_mutations_of_a_proof_are_all_invalid()
    {
        const int seed = 20269;
        var random = new Random(seed);
        var token = Vectors.Section("key_proofs")[2].Text("token");
        for (var round = 0; round < 20_000; round++)
        {
            var mutated = new string([.. Mutation.Of(Vectors.Utf8(token), random).Select(letter => (char)letter)]);
            if (mutated != token && mutated.Length > 0)
                Assert.True(KeyProof.Read(mutated, Vectors.Now, out _) == Refusal.ProofInvalid, $"seed {seed}, round {round}: {mutated}");
        }
    }

    [Fact]
    public void Hashes_are_written_as_base64url_and_key_ids_are_hashes()
    {
        var hash = Sha256.Hash("abc"u8);
        Assert.Equal("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0", hash.ToBase64Url());
        Assert.Equal(hash.ToBase64Url(), new KeyId(hash).ToString());
    }
}
