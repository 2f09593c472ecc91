using System.Text.Json.Nodes;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Registry.Attesting;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Attesting;

/// <summary>Workload tokens of an OpenID Connect issuer: what is taken, what it becomes, and what is refused by name with nothing written.</summary>
public sealed class OidcEvidenceTests
{
    private const string Digest = "sha256:5f5f";

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    public async Task What_a_token_says_stands_as_attested_in_entry_state_and_credential_over_restarts(string algorithm)
    {
        using var issuer = new TestIssuer();
        var folder = TestNode.NewFolder();
        KeyValuePair<string, string>[] expected = [new("image.digest", Digest), new("oidc.iss", TestIssuer.Name), new("oidc.sub", TestIssuer.Subject)];
        SubjectId id;
        await using (var registry = await TestNode.FoundAsync(folder, with: issuer.Trusted))
        {
            var token = await registry.DemandAsync(TestIssuer.Policy);
            var workload = issuer.Token(registry.Clock.GetUtcNow(), algorithm, claims => claims["image_digest"] = Digest);
            var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var enrolled = TestNode.Good(await registry.BringAsync(token, workload, key));
            id = enrolled.Agent.Id;
            Assert.Equal(expected, enrolled.Credential.Claims.AttestedLabels);
            Assert.Equal(Refusal.None, registry.Verify(new TestAgent(registry, key, id, enrolled.Credential).Use()));
            var entry = registry.Bodies().OfType<EvidenceAccepted>().Single();
            Assert.Equal((EvidenceSource.Oidc, TestIssuer.Name, TestIssuer.Subject, Enrolments.HashOf(workload)), (entry.Source, entry.Issuer, entry.Subject, entry.Hash));
            Assert.DoesNotContain(workload, registry.DescribeLedger(), StringComparison.Ordinal);
        }
        for (var restart = 0; restart < 2; restart++)
        {
            await using var again = TestNode.Open(folder);
            Assert.Equal(expected, again.Node.State.FindAgent(id)!.Grant.Terms.AttestedLabels);
            Assert.Equal(24 * 3600u, again.Node.State.FindAgent(id)!.Grant.SessionSeconds);
            Assert.True(again.Node.State.UsedEvidence.Contains(again.Node.State.FindAgent(id)!.Evidence!.Hash));
            await again.DisposeAsync();
            File.Delete(Path.Combine(folder, "snapshot"));
        }
    }

    [Fact]
    public async Task Agents_of_one_attested_image_are_kin_whatever_they_are_called()
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var first = await EnrolAsync(Digest, "bot/1", "team");
        var alike = await EnrolAsync(Digest, "bot/2", "others");
        await EnrolAsync("sha256:6a6a", "bot/3", "others");
        await registry.EnrollAsync(await registry.NewTokenAsync(new TokenWish("others", "bot/4", [new("image.digest", Digest)], TestNode.Envelope, [TestNode.Audience], 1, 0)));

        var kin = registry.Node.Responding.Identities.WhoElse(first, registry.Node.Responding.Now(), new Page(0, 10));
        // What a sponsor says of an image nobody has attested.
        Assert.Equal((1, 0, 0), (kin.SameImage, kin.SameBlueprint, kin.SameSponsor));
        Assert.Equal((alike.Id, Kinship.Image), (kin.Kin.Items.Single().Agent.Id, kin.Kin.Items.Single().Kinship));

        async Task<AgentRecord> EnrolAsync(string digest, string blueprint, string sponsor)
        {
            var token = await registry.DemandAsync(TestIssuer.Policy, blueprint: blueprint, sponsor: sponsor);
            var enrolled = TestNode.Good(await registry.BringAsync(token, issuer.Token(registry.Clock.GetUtcNow(), "ES256", claims => claims["image_digest"] = digest)));
            return registry.Node.State.FindAgent(enrolled.Agent.Id)!;
        }
    }

    public static TheoryData<string, string, Refusal> Claims => new()
    {
        { "iss", "\"https://stranger.example\"", Refusal.EvidenceIssuerUnknown },
        { "iss", "\"https://issuer.example/\"", Refusal.EvidenceIssuerUnknown },
        { "iss", "null", Refusal.EvidenceMalformed },
        { "sub", "\"system:serviceaccount:finance:payer\"", Refusal.EvidenceNotAllowed },
        { "sub", "\"spiffe://issuer.example/summariser\"", Refusal.EvidenceIssuerUnknown },
        { "sub", "17", Refusal.EvidenceMalformed },
        { "aud", "\"https://elsewhere.example\"", Refusal.EvidenceAudienceMismatch },
        { "aud", "[\"https://localhost:5000\",\"https://elsewhere.example\"]", Refusal.EvidenceMalformed },
        { "aud", "[]", Refusal.EvidenceMalformed },
        { "exp", "-3600", Refusal.EvidenceExpired },
        { "exp", "-30", Refusal.EvidenceExpired },
        { "exp", "86431", Refusal.EvidenceNotAllowed },
        { "exp", "\"600\"", Refusal.EvidenceMalformed },
        { "exp", "600.5", Refusal.EvidenceMalformed },
        { "iat", "3600", Refusal.EvidenceNotYetValid },
        { "nbf", "3600", Refusal.EvidenceNotYetValid },
        { "nbf", "31", Refusal.EvidenceNotYetValid },
        { "nbf", "true", Refusal.EvidenceMalformed },
    };

    [Theory]
    [MemberData(nameof(Claims))]
    public async Task Another_claim_is_refused_by_name(string name, string json, Refusal expected)
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var now = registry.Clock.GetUtcNow();
        var value = JsonNode.Parse(json);
        var isOffset = name is "exp" or "iat" or "nbf" && value is JsonValue number && number.TryGetValue<long>(out _);
        await AssertRefusedAsync(registry, issuer.Token(now, claims: claims => claims[name] = isOffset ? now.ToUnixTimeSeconds() + value!.GetValue<long>() : value), expected);
    }

    public static TheoryData<string, string, Refusal> Headers => new()
    {
        { "alg", "\"none\"", Refusal.EvidenceMalformed },
        { "alg", "\"HS256\"", Refusal.EvidenceMalformed },
        { "alg", "\"rs256\"", Refusal.EvidenceMalformed },
        { "alg", "\"ES256\"", Refusal.EvidenceSignatureInvalid },
        { "alg", "\"PS256\"", Refusal.EvidenceSignatureInvalid },
        { "typ", "\"at+jwt\"", Refusal.EvidenceMalformed },
        { "typ", "\"vc+jwt\"", Refusal.EvidenceMalformed },
        { "typ", "\"dpop+jwt\"", Refusal.EvidenceMalformed },
        { "typ", "\"agentid-vouch+jwt\"", Refusal.EvidenceMalformed },
        { "typ", "\"agentid-svid+jwt\"", Refusal.EvidenceMalformed },
        { "cty", "\"JWT\"", Refusal.EvidenceMalformed },
        { "crit", "[\"exp\"]", Refusal.EvidenceMalformed },
        { "b64", "false", Refusal.EvidenceMalformed },
        { "zip", "\"DEF\"", Refusal.EvidenceMalformed },
        { "enc", "\"A256GCM\"", Refusal.EvidenceMalformed },
        { "jku", "\"https://stranger.example/keys\"", Refusal.EvidenceMalformed },
        { "x5u", "\"https://stranger.example/keys\"", Refusal.EvidenceMalformed },
        { "jwk", "{}", Refusal.EvidenceMalformed },
        { "kid", "\"another\"", Refusal.EvidenceSignatureInvalid },
        { "kid", "\"P-256\"", Refusal.EvidenceSignatureInvalid },
        { "kid", "7", Refusal.EvidenceMalformed },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task Another_header_is_refused_though_the_issuer_has_signed_it(string name, string json, Refusal expected)
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        await AssertRefusedAsync(registry, issuer.Token(registry.Clock.GetUtcNow(), header: header => header[name] = JsonNode.Parse(json)), expected);
    }

    [Fact]
    public async Task What_is_tampered_with_is_refused_with_nothing_written()
    {
        using var issuer = new TestIssuer();
        using var stranger = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var genuine = issuer.Token(registry.Clock.GetUtcNow(), "ES256");
        var parts = genuine.Split('.');
        var twice = genuine.Replace(parts[1], Credentials.Tokens.CanonicalBase64Url.Encode("""{"sub":"a","sub":"b"}"""u8), StringComparison.Ordinal);
        await AssertRefusedAsync(registry, twice, Refusal.EvidenceMalformed);
        await AssertRefusedAsync(registry, $"{genuine}.{parts[0]}.{parts[1]}", Refusal.EvidenceMalformed);
        await AssertRefusedAsync(registry, "not a token", Refusal.EvidenceMalformed);
        await AssertRefusedAsync(registry, new string('A', 20_000), Refusal.EvidenceMalformed);
        await AssertRefusedAsync(registry, $"{parts[0]}.{parts[1]}.", Refusal.EvidenceSignatureInvalid);
        await AssertRefusedAsync(registry, stranger.Token(registry.Clock.GetUtcNow()), Refusal.EvidenceSignatureInvalid);
        await AssertRefusedAsync(registry, issuer.Sign("""{"alg":"none"}""", "{}", "none"), Refusal.EvidenceMalformed);
        foreach (var at in new[] { parts[0].Length + 20, parts[0].Length + parts[1].Length / 2, genuine.Length - 40 })
            Assert.Contains((await registry.BringAsync(await registry.DemandAsync(TestIssuer.Policy), $"{genuine[..at]}{(genuine[at] == 'A' ? 'B' : 'A')}{genuine[(at + 1)..]}")).Refusal, new[] { Refusal.EvidenceSignatureInvalid, Refusal.EvidenceMalformed, Refusal.EvidenceIssuerUnknown });
        Assert.Equal(0, registry.Node.State.AgentCount);
    }

    [Fact]
    public async Task Each_token_is_good_once_whatever_signature_stands_under_it_and_a_retry_gets_the_same_agent()
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var token = await registry.DemandAsync(TestIssuer.Policy);
        var (key, workload) = (PrivateKey.Generate(KeyAlgorithm.Ed25519), issuer.Token(registry.Clock.GetUtcNow(), "ES256"));
        var first = TestNode.Good(await registry.BringAsync(token, workload, key));
        var again = TestNode.Good(await registry.BringAsync(token, workload, key));
        Assert.Equal((first.Agent.Id, first.Credential.Claims.Jti), (again.Agent.Id, again.Credential.Claims.Jti));
        Assert.Single(registry.Bodies().OfType<EvidenceAccepted>());

        Assert.Equal(Refusal.EvidenceUsed, (await registry.BringAsync(token, workload)).Refusal);
        var parts = workload.Split('.').Select(part => System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(part))).ToArray();
        var signedAgain = issuer.Sign(parts[0], parts[1], "ES256");
        Assert.NotEqual(workload, signedAgain);
        Assert.Equal(Refusal.EvidenceUsed, (await registry.BringAsync(token, signedAgain)).Refusal);
        Assert.Equal(Refusal.EvidenceUsed, (await registry.BringAsync(await registry.DemandAsync(TestIssuer.Policy), workload)).Refusal);
        Assert.Equal(1, registry.Node.State.AgentCount);

        var racers = issuer.Token(registry.Clock.GetUtcNow());
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => registry.BringAsync(token, racers)));
        Assert.Equal(1, outcomes.Count(outcome => outcome.Refusal == Refusal.None));
        Assert.Equal(7, outcomes.Count(outcome => outcome.Refusal == Refusal.EvidenceUsed));
    }

    [Fact]
    public async Task A_token_that_was_used_is_refused_also_when_a_clock_that_was_ahead_is_set_back()
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var workload = issuer.Token(registry.Clock.GetUtcNow());
        TestNode.Good(await registry.BringAsync(await registry.DemandAsync(TestIssuer.Policy), workload));
        registry.Clock.SetForward(TimeSpan.FromDays(1));
        TestNode.Good(await registry.BringAsync(await registry.DemandAsync(TestIssuer.Policy), issuer.Token(registry.Clock.GetUtcNow())));
        registry.Clock.SetBack(TimeSpan.FromDays(1));
        Assert.Equal(Refusal.EvidenceExpired, (await registry.BringAsync(await registry.DemandAsync(TestIssuer.Policy), workload)).Refusal);
        registry.Clock.SetForward(TimeSpan.FromDays(1));
        TestNode.Good(await registry.BringAsync(await registry.DemandAsync(TestIssuer.Policy), issuer.Token(registry.Clock.GetUtcNow())));
    }

    [Fact]
    public async Task The_agents_key_must_claim_the_evidence_and_the_token_must_take_it()
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var token = await registry.DemandAsync(TestIssuer.Policy);
        var workload = issuer.Token(registry.Clock.GetUtcNow());
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal(Refusal.EvidenceUnbound, (await registry.BringAsync(token, workload, claimed: null, key)).Refusal);
        Assert.Equal(Refusal.EvidenceUnbound, (await registry.BringAsync(token, workload, Enrolments.HashOf(issuer.Token(registry.Clock.GetUtcNow())), key)).Refusal);
        Assert.Equal(Refusal.EvidenceMissing, (await registry.EnrollAsync(key, token)).Refusal);
        Assert.Equal(Refusal.EvidenceNotAllowed, (await registry.BringAsync(await registry.NewTokenAsync(), workload)).Refusal);
        Assert.Equal(Refusal.EvidenceNotAllowed, (await registry.BringAsync(await registry.DemandAsync("""[{"type":"vouch"}]"""), workload)).Refusal);
        Assert.Equal(Refusal.EvidencePolicyMalformed, (await registry.Node.Operating.CreateTokenAsync(
            registry.Operator, new("team", "bot/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0) { Evidence = "[{}]" })).Refusal);
        Assert.Equal(0, registry.Node.State.AgentCount);
        TestNode.Good(await registry.BringAsync(token, workload, key));
    }

    [Fact]
    public async Task A_stop_of_what_evidence_says_reaches_who_has_it_and_who_would_enrol_with_it()
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        foreach (var (stopped, other) in new (string, Action<JsonObject>)[] { ($"image.digest={Digest}", claims => claims["image_digest"] = "sha256:00"), ($"oidc.sub={TestIssuer.Subject}", claims => claims["sub"] = $"{TestIssuer.Subject}-2") })
        {
            var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var token = await registry.DemandAsync(TestIssuer.Policy);
            var enrolled = TestNode.Good(await registry.BringAsync(token, Bad(), key));
            var agent = new TestAgent(registry, key, enrolled.Agent.Id, enrolled.Credential);
            Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
            var name = stopped.Split('=', 2);
            var stop = TestNode.Good(await registry.StopAsync(Scope.Label(name[0], name[1])));
            Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use(nonce: "n2")));
            Assert.Equal(Refusal.AgentFrozen, (await registry.BringAsync(token, Bad())).Refusal);
            Assert.Equal(Refusal.AgentFrozen, (await registry.BringAsync(token, Bad(), key)).Refusal);
            TestNode.Good(await registry.BringAsync(token, issuer.Token(registry.Clock.GetUtcNow(), claims: other)));
            TestNode.Good(await registry.RestoreAsync(stop.Index));
        }

        string Bad() => issuer.Token(registry.Clock.GetUtcNow(), claims: claims => claims["image_digest"] = Digest);
    }

    [Fact]
    public async Task The_sponsor_and_the_agent_say_nothing_in_the_place_of_evidence()
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var token = await registry.NewTokenAsync(new("team", "bot/1", [new("image.digest", "mine")], TestNode.Envelope, [TestNode.Audience], 1, 0) { Evidence = TestIssuer.Policy });
        Assert.Equal(Refusal.LabelsMalformed, (await registry.BringAsync(token, issuer.Token(registry.Clock.GetUtcNow(), claims: claims => claims["image_digest"] = Digest))).Refusal);
        TestNode.Good(await registry.BringAsync(token, issuer.Token(registry.Clock.GetUtcNow())));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[1]}""")]
    [InlineData("""{"keys":[],"keys":[]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}]}""")]
    public void A_key_set_that_is_none_or_holds_a_private_key_is_refused(string jwks) => Assert.False(VerificationKeys.TryParse(jwks, "sig", out _));

    private static async Task AssertRefusedAsync(TestNode registry, string evidence, Refusal expected)
    {
        var token = await registry.DemandAsync(TestIssuer.Policy);
        var position = registry.Node.State.Position;
        Assert.Equal(expected, (await registry.BringAsync(token, evidence)).Refusal);
        Assert.Equal((0, 0u), (registry.Node.State.AgentCount, registry.Node.State.FindToken(registry.HashOfToken(token))!.UsesMade));
        Assert.DoesNotContain(registry.Bodies().Skip((int)position), body => body is AgentEnrolled or EvidenceAccepted or CredentialsIssued);
    }
}
