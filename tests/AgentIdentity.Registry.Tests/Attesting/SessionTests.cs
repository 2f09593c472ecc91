using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Registry.Delegating;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Attesting;

/// <summary>A session ends, and goes on when evidence has been brought again.</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task At_its_end_nothing_is_issued_or_renewed_until_fresh_evidence_says_the_same()
    {
        using var issuer = new TestIssuer();
        var folder = TestNode.NewFolder();
        var registry = await TestNode.FoundAsync(folder, with: issuer.Trusted);
        var token = await registry.DemandAsync(TestIssuer.Policy, session: 3600);
        var (key, first) = (PrivateKey.Generate(KeyAlgorithm.ES256), issuer.Token(registry.Clock.GetUtcNow(), claims: claims => claims["exp"] = claims["exp"]!.GetValue<long>() + 7200));
        var enrolled = TestNode.Good(await registry.BringAsync(token, first, key));
        registry.Clock.Advance(TimeSpan.FromSeconds(3599));
        TestNode.Good(await IssueAsync());
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Refusal.EvidenceDue, (await IssueAsync()).Refusal);
        Assert.Equal(Refusal.EvidenceDue, (await registry.Node.Issuing.RenewAsync(Agent(), enrolled.Credential.Token)).Refusal);
        Assert.Equal(Refusal.EvidenceDue, (await registry.BringAsync(token, first, key)).Refusal);
        Assert.Equal(Refusal.EvidenceMissing, (await registry.EnrollAsync(key, token)).Refusal);
        Assert.Equal(Refusal.EvidenceChanged, (await registry.BringAsync(token, Fresh(claims => claims["image_digest"] = "sha256:00"), key)).Refusal);
        Assert.Equal(Refusal.EvidenceChanged, (await registry.BringAsync(token, Fresh(claims => claims["sub"] = $"{TestIssuer.Subject}-2"), key)).Refusal);

        Assert.Equal(enrolled.Agent.Id, TestNode.Good(await registry.BringAsync(token, Fresh(), key)).Agent.Id);
        TestNode.Good(await IssueAsync());
        Assert.Equal(2, registry.Bodies().OfType<EvidenceAccepted>().Count());
        Assert.Equal(1u, registry.Node.State.FindToken(registry.HashOfToken(token))!.UsesMade);

        var clock = registry.Clock;
        await registry.DisposeAsync();
        await using var again = registry = TestNode.Open(folder, clock, with: issuer.Trusted);
        TestNode.Good(await IssueAsync());
        registry.Clock.Advance(TimeSpan.FromSeconds(3600));
        Assert.Equal(Refusal.EvidenceDue, (await IssueAsync()).Refusal);

        State.AgentRecord Agent() => registry.Node.State.FindAgent(enrolled.Agent.Id)!;
        Task<Outcome<Issuing.Issued>> IssueAsync() => registry.Node.Issuing.IssueAsync(Agent(), "", [], 0);
        string Fresh(Action<System.Text.Json.Nodes.JsonObject>? claims = null) => issuer.Token(registry.Clock.GetUtcNow(), claims: claims);
    }

    [Fact]
    public async Task It_has_no_end_without_evidence_unless_the_token_says_so_and_nobody_passes_authority_on_to_it_then()
    {
        await using var registry = await TestNode.FoundAsync();
        var endless = await registry.EnrollAsync();
        var brief = await registry.EnrollAsync(await registry.NewTokenAsync(new("team", "bot/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0) { SessionSeconds = 300 }));
        registry.Clock.Advance(TimeSpan.FromSeconds(300));
        Assert.Equal(Refusal.EvidenceDue, (await registry.EnrollAsync(brief.Key, brief.Token)).Refusal);
        Assert.Equal(Refusal.EvidenceDue, (await registry.Node.Issuing.IssueAsync(brief.Record, "", [], 0)).Refusal);
        Assert.Equal(Refusal.None, (await brief.TryRecordAsync()).Refusal);
        Assert.Equal(Refusal.EvidenceDue, (await DelegateAsync()).Refusal);
        registry.Clock.Advance(TimeSpan.FromDays(400));
        TestNode.Good(await registry.Node.Issuing.IssueAsync(endless.Record, "", [], 0));

        async Task<Outcome<Issuing.Issued>> DelegateAsync()
        {
            const string Passable = """[{"type":"notes","actions":["read"],"locations":["notes/*"],"maxDepth":1}]""";
            var above = await registry.EnrollAsync(await registry.NewTokenAsync(new("team", "bot/1", [], Passable, [TestNode.Audience], 1, 0)));
            Assert.Equal(Refusal.None, Credentials.Verification.PresentedCredential.Read(above.Credential, registry.Node.Settings.Name, registry.Node.State.IssuerKeys.Find, out var shown));
            return await registry.Node.Delegating.DelegateAsync(shown!, brief.Record, new DelegationWish(Passable.Replace(""","maxDepth":1""", "", StringComparison.Ordinal), [], 0, []));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_key_that_came_by_order_is_given_nothing_before_evidence_names_it_over_restarts_and_another_rotation(bool withSnapshot)
    {
        using var issuer = new TestIssuer();
        await using var registry = await TestNode.FoundAsync(with: issuer.Trusted);
        var token = await registry.DemandAsync(TestIssuer.Policy);
        var agent = TestNode.Good(await registry.BringAsync(token, issuer.Token(registry.Clock.GetUtcNow()))).Agent;
        using PrivateKey ordered = PrivateKey.Generate(KeyAlgorithm.ES256), next = PrivateKey.Generate(KeyAlgorithm.ES256);
        var order = TestNode.Good(await registry.Node.KeyReplacement.OrderAsync(registry.Operator, agent, "it was copied", "", after: null));
        TestNode.Good(await registry.Node.KeyRotation.ReplaceAsync(RotationProof.Create(ordered, agent.Id, TestNode.Url, registry.Node.Enrolment.NewChallenge(), registry.HashOfToken(order.Token), registry.Clock.GetUtcNow()), order.Token));
        Assert.Equal(Refusal.EvidenceDue, (await IssueAsync(registry)).Refusal);
        Assert.Equal(Refusal.EvidenceMissing, (await registry.EnrollAsync(ordered, token)).Refusal);
        Assert.Equal(registry.Clock.GetUtcNow().ToUnixTimeMilliseconds(), Agent(registry).SessionEndsAt);

        var (challenge, now) = (registry.Node.Enrolment.NewChallenge(), registry.Clock.GetUtcNow());
        TestNode.Good(await registry.Node.KeyRotation.RotateAsync(
            RotationProof.Create(next, agent.Id, TestNode.Url, challenge, ordered.PublicKey.KeyId, now), RotationProof.Create(ordered, agent.Id, TestNode.Url, challenge, next.PublicKey.KeyId, now)));
        Assert.Equal(Refusal.EvidenceDue, (await IssueAsync(registry)).Refusal);
        await registry.DisposeAsync();
        if (!withSnapshot)
            File.Delete(Path.Combine(registry.Folder, "snapshot"));

        await using var again = TestNode.Open(registry.Folder, registry.Clock, with: issuer.Trusted);
        Assert.Equal(Refusal.EvidenceDue, (await IssueAsync(again)).Refusal);
        Assert.Equal(agent.Id, TestNode.Good(await again.BringAsync(token, issuer.Token(again.Clock.GetUtcNow()), next)).Agent.Id);
        TestNode.Good(await IssueAsync(again));

        State.AgentRecord Agent(TestNode at) => at.Node.State.FindAgent(agent.Id)!;
        Task<Outcome<Issuing.Issued>> IssueAsync(TestNode at) => at.Node.Issuing.IssueAsync(Agent(at), "", [], 0);
    }

    [Theory]
    [InlineData(299)]
    [InlineData(366 * 24 * 3600 + 1)]
    public async Task Its_length_has_bounds(uint seconds)
    {
        await using var registry = await TestNode.FoundAsync();
        Assert.Equal(Refusal.LifetimeOutOfRange, (await registry.Node.Operating.CreateTokenAsync(
            registry.Operator, new("team", "bot/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0) { SessionSeconds = seconds })).Refusal);
    }
}
