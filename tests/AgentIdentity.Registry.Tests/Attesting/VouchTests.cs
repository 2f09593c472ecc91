using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Attesting;

/// <summary>An agent vouches for another: with the right to, for its own sponsor, and answering for it from then on.</summary>
public sealed class VouchTests
{
    private const string Policy = """[{"type":"vouch"}]""";
    private const string MayVouch = """[{"type":"agentidentity","actions":["vouch"],"locations":["bot/1"]}]""";

    [Fact]
    public async Task The_child_stands_below_its_parent_and_a_cascade_reaches_it_over_restarts()
    {
        var folder = TestNode.NewFolder();
        Credentials.Identifiers.SubjectId parentId, childId;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            var parent = await ParentAsync(registry);
            var child = TestNode.Good(await VouchAsync(registry, parent, await registry.DemandAsync(Policy)));
            (parentId, childId) = (parent.Id, child.Agent.Id);
            Assert.Equal([new("vouched.by", parent.Id.ToString())], child.Credential.Claims.AttestedLabels);
            Assert.Equal(parent.Record.Grant.Terms.Sponsor, child.Agent.Grant.Terms.Sponsor);
            var entry = registry.Bodies().OfType<EvidenceAccepted>().Single();
            Assert.Equal((EvidenceSource.Vouch, parent.Id.ToString(), child.Agent.Key.KeyId.ToString()), (entry.Source, entry.Issuer, entry.Subject));
        }
        await using var again = TestNode.Open(folder);
        Assert.Equal([childId], again.Node.State.Lineage.DescendantIds(parentId));
        TestNode.Good(await again.StopAsync(new Scope(ScopeKind.AgentWithDelegates, parentId.ToString())));
        Assert.Equal(Refusal.AgentFrozen, again.Node.Standing.RefusalOf(childId));
    }

    [Fact]
    public async Task Who_has_no_right_to_vouch_or_is_stopped_or_is_due_itself_vouches_for_nobody()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.DemandAsync(Policy);
        var parent = await ParentAsync(registry);
        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, await registry.EnrollAsync(), token)).Refusal);
        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, await ParentAsync(registry, sponsor: "another team"), token)).Refusal);
        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, parent, await registry.DemandAsync(Policy, blueprint: "bot/2"))).Refusal);
        var brief = await ParentAsync(registry, session: 300);
        registry.Clock.Advance(TimeSpan.FromSeconds(300));
        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, brief, token)).Refusal);
        foreach (var state in new[] { StandingState.Restricted, StandingState.Frozen, StandingState.Revoked })
        {
            TestNode.Good(await registry.StopAsync(parent, state));
            Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, parent, token)).Refusal);
        }
        Assert.Empty(registry.Bodies().OfType<EvidenceAccepted>());
    }

    [Fact]
    public async Task A_key_that_was_the_agents_and_an_agent_that_was_cut_vouch_for_nobody()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.DemandAsync(Policy);
        var (rotated, cut) = (await ParentAsync(registry), await ParentAsync(registry));
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        var (challenge, now) = (registry.Node.Enrolment.NewChallenge(), registry.Clock.GetUtcNow());
        TestNode.Good(await registry.Node.KeyRotation.RotateAsync(
            RotationProof.Create(next, rotated.Id, TestNode.Url, challenge, rotated.KeyId, now), RotationProof.Create(rotated.Key, rotated.Id, TestNode.Url, challenge, next.PublicKey.KeyId, now)));
        TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(cut.Id), new LeafIndex(registry.Node.State.Position - 1), "it was copied", "", []));

        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, rotated, token)).Refusal);
        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, cut, token)).Refusal);
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        TestNode.Good(await registry.BringAsync(token, Vouch(registry, next, key, token), key));
    }

    [Fact]
    public async Task A_vouched_agent_that_has_another_key_since_renews_its_session_with_a_vouch_for_that()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.DemandAsync(Policy);
        var parent = await ParentAsync(registry);
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var child = TestNode.Good(await registry.BringAsync(token, Vouch(registry, parent.Key, key, token), key)).Agent;
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        var (challenge, now) = (registry.Node.Enrolment.NewChallenge(), registry.Clock.GetUtcNow());
        TestNode.Good(await registry.Node.KeyRotation.RotateAsync(
            RotationProof.Create(next, child.Id, TestNode.Url, challenge, key.PublicKey.KeyId, now), RotationProof.Create(key, child.Id, TestNode.Url, challenge, next.PublicKey.KeyId, now)));
        registry.Clock.Advance(TimeSpan.FromDays(1));

        var again = TestNode.Good(await registry.BringAsync(token, Vouch(registry, parent.Key, next, token), next));

        Assert.Equal(child.Id, again.Agent.Id);
    }

    [Fact]
    public async Task A_vouch_is_by_an_agent_and_for_one_key_and_one_token()
    {
        await using var registry = await TestNode.FoundAsync();
        var (token, other) = (await registry.DemandAsync(Policy), await registry.DemandAsync(Policy));
        var parent = await ParentAsync(registry);
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var vouch = Vouch(registry, parent.Key, key, token);
        Assert.Equal(Refusal.EvidenceUnbound, (await registry.BringAsync(token, vouch)).Refusal);
        Assert.Equal(Refusal.EvidenceUnbound, (await registry.BringAsync(other, vouch, key)).Refusal);
        Assert.Equal(Refusal.EvidenceIssuerUnknown, (await registry.BringAsync(token, Vouch(registry, key, key, token), key)).Refusal);
        TestNode.Good(await registry.BringAsync(token, vouch, key));
        registry.Clock.Advance(TimeSpan.FromSeconds(301));
        Assert.Equal(Refusal.EvidenceExpired, (await registry.BringAsync(token, vouch, key)).Refusal);
    }

    private static async Task<TestAgent> ParentAsync(TestNode registry, string sponsor = "team", uint session = 0) =>
        await registry.EnrollAsync(await registry.NewTokenAsync(new(sponsor, "parent/1", [], MayVouch, [TestNode.Audience], 1, 0) { SessionSeconds = session }));

    private static Task<Outcome<Enrolled>> VouchAsync(TestNode registry, TestAgent parent, string token)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        return registry.BringAsync(token, Vouch(registry, parent.Key, key, token), key);
    }

    private static string Vouch(TestNode registry, PrivateKey by, PrivateKey newcomer, string token) =>
        AgentVouch.Create(by, TestNode.Url, newcomer.PublicKey.KeyId, registry.HashOfToken(token), registry.Clock.GetUtcNow());
}
