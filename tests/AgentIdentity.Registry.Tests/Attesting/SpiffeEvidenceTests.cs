using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Registry.Attesting;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Attesting;

/// <summary>SPIFFE SVIDs against a configured bundle: X.509 with possession of its key proven, and JWT.</summary>
public sealed class SpiffeEvidenceTests
{
    private static readonly KeyValuePair<string, string>[] Expected = [new("spiffe.domain", "example.org"), new("spiffe.id", TestTrustDomain.Id)];

    [Fact]
    public async Task A_workload_enrols_with_its_X509_SVID_whatever_kind_its_key_is()
    {
        await using var world = await World.OpenAsync();
        foreach (var key in new AsymmetricAlgorithm[] { ECDsa.Create(ECCurve.NamedCurves.nistP256), ECDsa.Create(ECCurve.NamedCurves.nistP384), RSA.Create(2048) })
        {
            using var svid = world.Domain.Svid(key: key);
            Assert.Equal(Expected, TestNode.Good(await world.BringAsync(svid)).Credential.Claims.AttestedLabels);
            key.Dispose();
        }
        Assert.All(world.Registry.Bodies().OfType<EvidenceAccepted>(), entry => Assert.Equal((EvidenceSource.X509Svid, "example.org", TestTrustDomain.Id), (entry.Source, entry.Issuer, entry.Subject)));
    }

    [Fact]
    public async Task A_workload_enrols_with_its_JWT_SVID_and_others_are_refused_by_name()
    {
        await using var world = await World.OpenAsync();
        var now = world.Registry.Clock.GetUtcNow();
        Assert.Equal(Expected, TestNode.Good(await world.Registry.BringAsync(world.Token, world.Domain.JwtSvid(now))).Credential.Claims.AttestedLabels);
        Assert.Equal(Refusal.EvidenceNotAllowed, await JwtAsync("sub", "spiffe://example.org/finance/payer"));
        Assert.Equal(Refusal.EvidenceIssuerUnknown, await JwtAsync("sub", "spiffe://elsewhere.example/research/summariser"));
        Assert.Equal(Refusal.EvidenceIssuerUnknown, await JwtAsync("sub", "spiffe://example.org"));
        Assert.Equal(Refusal.EvidenceAudienceMismatch, await JwtAsync("aud", "https://elsewhere.example"));
        Assert.Equal(Refusal.EvidenceExpired, (await world.Registry.BringAsync(world.Token, world.Domain.JwtSvid(now.AddHours(-1)))).Refusal);
        Assert.Equal(Refusal.EvidenceNotYetValid, (await world.Registry.BringAsync(world.Token, world.Domain.JwtSvid(now.AddHours(1)))).Refusal);
        using var stranger = new TestTrustDomain(now);
        Assert.Equal(Refusal.EvidenceSignatureInvalid, (await world.Registry.BringAsync(world.Token, stranger.JwtSvid(now))).Refusal);

        async Task<Refusal> JwtAsync(string claim, string value) => (await world.Registry.BringAsync(world.Token, world.Domain.JwtSvid(now, claims => claims[claim] = value))).Refusal;
    }

    [Fact]
    public async Task A_certificate_that_is_no_SVID_of_a_workload_is_refused_by_name_with_nothing_written()
    {
        await using var world = await World.OpenAsync();
        await Refuses(Refusal.EvidenceMalformed, uris: []);
        await Refuses(Refusal.EvidenceMalformed, uris: [TestTrustDomain.Id, "spiffe://example.org/research/other"]);
        await Refuses(Refusal.EvidenceMalformed, uris: ["https://example.org/research/summariser"]);
        await Refuses(Refusal.EvidenceMalformed, uris: ["spiffe://example.org"]);
        await Refuses(Refusal.EvidenceMalformed, isAuthority: true);
        await Refuses(Refusal.EvidenceMalformed, usage: X509KeyUsageFlags.None);
        await Refuses(Refusal.EvidenceMalformed, usage: X509KeyUsageFlags.KeyEncipherment);
        await Refuses(Refusal.EvidenceMalformed, usage: X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign);
        await Refuses(Refusal.EvidenceMalformed, usage: X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.CrlSign);
        await Refuses(Refusal.EvidenceExpired, shift: TimeSpan.FromHours(-2));
        await Refuses(Refusal.EvidenceNotYetValid, shift: TimeSpan.FromHours(1));
        await Refuses(Refusal.EvidenceIssuerUnknown, uris: ["spiffe://elsewhere.example/research/summariser"]);
        await Refuses(Refusal.EvidenceNotAllowed, uris: ["spiffe://example.org/finance/payer"]);
        Assert.Equal(0, world.Registry.Node.State.AgentCount);

        async Task Refuses(Refusal expected, string[]? uris = null, X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature, bool isAuthority = false, TimeSpan shift = default)
        {
            using var svid = world.Domain.Svid(uris, usage, isAuthority, shift);
            Assert.Equal(expected, (await world.BringAsync(svid)).Refusal);
        }
    }

    [Fact]
    public async Task The_SVID_must_lead_to_the_bundle_and_its_key_must_sign_for_this_key_challenge_and_registry()
    {
        await using var world = await World.OpenAsync();
        var now = world.Registry.Clock.GetUtcNow();
        using var svid = world.Domain.Svid();
        using var stranger = new TestTrustDomain(now);
        using var strangers = stranger.Svid();
        Assert.Equal(Refusal.EvidenceSignatureInvalid, (await world.BringAsync(strangers)).Refusal);
        Assert.Equal(Refusal.EvidenceSignatureInvalid, (await world.BringAsync(strangers, stranger.Intermediates)).Refusal);
        Assert.Equal(Refusal.EvidenceSignatureInvalid, (await world.BringAsync(svid, [])).Refusal);

        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var challenge = world.Registry.Node.Enrolment.NewChallenge();
        Assert.Equal(Refusal.EvidenceUnbound, await ProveAsync(TestNode.Url, challenge, PrivateKey.Generate(KeyAlgorithm.ES256).PublicKey));
        Assert.Equal(Refusal.EvidenceUnbound, await ProveAsync(TestNode.Url, "another challenge", key.PublicKey));
        Assert.Equal(Refusal.EvidenceAudienceMismatch, await ProveAsync("https://elsewhere.example", challenge, key.PublicKey));
        Assert.Equal(0, world.Registry.Node.State.AgentCount);
        Assert.Equal(Refusal.None, await ProveAsync(TestNode.Url, challenge, key.PublicKey));

        async Task<Refusal> ProveAsync(string url, string nonce, Credentials.Keys.PublicKey newcomer) =>
            (await world.Registry.BringAsync(world.Token, SvidProof.Create(svid, world.Domain.Intermediates, url, nonce, newcomer.KeyId), key, challenge)).Refusal;
    }

    [Fact]
    public async Task An_SVID_that_fails_in_two_ways_is_refused_for_the_first_of_them()
    {
        await using var world = await World.OpenAsync();
        await Refuses(Refusal.EvidenceMalformed, TestNode.Url, isSigned: false, isAuthority: true);
        await Refuses(Refusal.EvidenceIssuerUnknown, TestNode.Url, isSigned: false, uri: "spiffe://elsewhere.example/research/summariser");
        await Refuses(Refusal.EvidenceSignatureInvalid, "https://elsewhere.example", isSigned: false);
        await Refuses(Refusal.EvidenceAudienceMismatch, "https://elsewhere.example", uri: "spiffe://example.org/finance/payer");

        async Task Refuses(Refusal expected, string url, bool isSigned = true, string uri = TestTrustDomain.Id, bool isAuthority = false)
        {
            using var svid = world.Domain.Svid([uri], isAuthority: isAuthority);
            var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var challenge = world.Registry.Node.Enrolment.NewChallenge();
            var proof = SvidProof.Create(svid, world.Domain.Intermediates, url, challenge, key.PublicKey.KeyId);
            Assert.Equal(expected, (await world.Registry.BringAsync(world.Token, isSigned ? proof : proof[..^86] + new string('A', 86), key, challenge)).Refusal);
        }
    }

    [Fact]
    public async Task No_letter_of_an_SVID_proof_can_be_changed()
    {
        await using var world = await World.OpenAsync();
        using var svid = world.Domain.Svid();
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var proof = SvidProof.Create(svid, world.Domain.Intermediates, TestNode.Url, world.Registry.Node.Enrolment.NewChallenge(), key.PublicKey.KeyId);
        for (var i = 0; i < proof.Length; i++)
            Assert.NotEqual(Refusal.None, (await world.Registry.BringAsync(world.Token, $"{proof[..i]}{(proof[i] == 'A' ? 'B' : 'A')}{proof[(i + 1)..]}", key)).Refusal);
        Assert.Equal(0, world.Registry.Node.State.AgentCount);
    }

    [Fact]
    public async Task No_byte_of_the_certificates_can_be_changed_by_whoever_holds_the_key()
    {
        await using var world = await World.OpenAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var svid = world.Domain.Svid(key: key);
        foreach (var changed in Changed(svid))
        {
            if (TryOwn(changed, key) is { } own)
                Assert.NotEqual(Refusal.None, (await world.BringAsync(own)).Refusal);
        }
        foreach (var changed in Changed(world.Domain.Intermediates[0]))
            Assert.NotEqual(Refusal.None, (await world.BringAsync(svid, [changed])).Refusal);
        Assert.Equal(0, world.Registry.Node.State.AgentCount);

        // What is left of them: with the key of another certificate nobody signs.
        static X509Certificate2? TryOwn(X509Certificate2 changed, ECDsa key)
        {
            try
            {
                return changed.CopyWithPrivateKey(key);
            }
            catch (Exception refused) when (refused is ArgumentException or CryptographicException or InvalidOperationException)
            {
                return null;
            }
        }
    }

    private static IEnumerable<X509Certificate2> Changed(X509Certificate2 certificate)
    {
        for (var i = 0; i < certificate.RawData.Length; i++)
        {
            var bytes = certificate.RawData.ToArray();
            bytes[i] ^= 0x55;
            X509Certificate2 changed;
            try
            {
                changed = X509CertificateLoader.LoadCertificate(bytes);
            }
            catch (CryptographicException)
            {
                continue;
            }
            yield return changed;
        }
    }

    [Theory]
    [InlineData("Example.org", """{"keys":[]}""")]
    [InlineData("example.org", "{}")]
    [InlineData("example.org", """{"keys":[{"use":"x509-svid"}]}""")]
    [InlineData("example.org", """{"keys":[{"use":"x509-svid","x5c":[]}]}""")]
    [InlineData("example.org", """{"keys":[{"use":"x509-svid","x5c":["AAAA"]}]}""")]
    [InlineData("example.org", """{"keys":[{"use":"jwt-svid","kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}]}""")]
    public void A_bundle_that_cannot_be_read_as_a_whole_is_refused(string domain, string json) => Assert.False(SpiffeBundle.TryParse(domain, json, out _));

    /// <summary>A registry that trusts one domain, and a token that takes its researchers.</summary>
    private sealed class World(TestNode registry, TestTrustDomain domain, string token) : IAsyncDisposable
    {
        public TestNode Registry => registry;

        public TestTrustDomain Domain => domain;

        public string Token => token;

        public static async Task<World> OpenAsync()
        {
            var clock = new ManualClock();
            var domain = new TestTrustDomain(clock.GetUtcNow());
            var registry = await TestNode.FoundAsync(clock: clock, with: domain.Trusted);
            return new World(registry, domain, await registry.DemandAsync(TestTrustDomain.Policy));
        }

        public Task<Outcome<Enrolled>> BringAsync(X509Certificate2 svid, X509Certificate2[]? intermediates = null)
        {
            var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            var challenge = registry.Node.Enrolment.NewChallenge();
            return registry.BringAsync(token, SvidProof.Create(svid, intermediates ?? domain.Intermediates, TestNode.Url, challenge, key.PublicKey.KeyId), key, challenge);
        }

        public async ValueTask DisposeAsync()
        {
            await registry.DisposeAsync();
            domain.Dispose();
        }
    }
}
