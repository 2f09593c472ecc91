using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Questions;
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
        SubjectId parentId, childId;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            var parent = await ParentAsync(registry);
            var child = TestNode.Good(await VouchAsync(registry, parent, await registry.DemandAsync(Policy)));
            (parentId, childId) = (parent.Id, child.Agent.Id);
            Assert.Equal([new("vouched.by", parent.Id.ToString())], child.Credential.Claims.AttestedLabels);
            Assert.Equal(parent.Record.Grant.Terms.Sponsor, child.Agent.Grant.Terms.Sponsor);
            var entry = registry.Bodies().OfType<EvidenceAccepted>().Single();
            Assert.Equal((EvidenceSource.Vouch, parent.Id.ToString(), child.Agent.Key.KeyId.ToString()), (entry.Source, entry.Issuer, entry.Subject));
            Assert.Equal([parentId, childId], Descendants(registry, parentId));
        }
        await using var again = TestNode.Open(folder);
        Assert.Equal([childId], again.Node.State.Lineage.DescendantIds(parentId));
        Assert.Equal([parentId, childId], Descendants(again, parentId));
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
        await rotated.RotateAsync(next);
        TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(cut.Id), new LeafIndex(registry.Node.State.Position - 1), "it was copied", "", []));

        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, rotated, token)).Refusal);
        Assert.Equal(Refusal.VouchNotAllowed, (await VouchAsync(registry, cut, token)).Refusal);
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        TestNode.Good(await registry.BringAsync(token, Vouch(registry, next, key, token), key));
    }

    [Fact]
    public async Task A_cut_of_a_key_reaches_whom_it_vouched_for_since_and_whom_those_vouched_for_and_nobody_else()
    {
        var (folder, clock) = (TestNode.NewFolder(), new ManualClock());
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        TestAgent[] reached, others;
        await using (var registry = await TestNode.FoundAsync(folder, clock))
        {
            var token = await registry.DemandAsync(Policy);
            var parent = await ParentAsync(registry);
            var before = await NewcomerAsync(registry, parent.Key, token);
            var stolenAfter = new LeafIndex(registry.Node.State.Position - 1);
            var since = await NewcomerAsync(registry, parent.Key, await registry.DemandAsync(Policy, blueprint: "bot/1", envelope: MayVouch));
            var below = await NewcomerAsync(registry, since.Key, token);
            await parent.RotateAsync(next);
            var later = await NewcomerAsync(registry, next, token);

            TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Key(parent.KeyId), stolenAfter, "it was copied", "i-7", []));

            (reached, others) = ([since, below], [before, later]);
            var cut = Assert.Single(registry.Node.State.Stops.OfIncident("i-7"));
            Assert.Equal(reached.Select(agent => agent.Id).Order(), cut.Denial.Agents);
            // What they hold can still be shown to tools, and is counted.
            Assert.Equal(2, cut.Exposure.Credentials);
            Assert.All(reached, agent => Assert.Equal(Refusal.AfterCut, registry.Verify(agent.Use())));
            Assert.All(others, agent => Assert.Equal(Refusal.None, registry.Verify(agent.Use())));
        }
        await using var again = TestNode.Open(folder, clock);
        Assert.All(reached, agent => Assert.Equal(Refusal.AfterCut, again.Verify(agent.At(again).Use())));
        Assert.All(others, agent => Assert.Equal(Refusal.None, again.Verify(agent.At(again).Use())));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_that_is_replaced_takes_along_whom_it_vouched_for_since_it_was_stolen_or_ever(bool isKnownWhen)
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.DemandAsync(Policy);
        var parent = await ParentAsync(registry);
        var before = await NewcomerAsync(registry, parent.Key, token);
        LeafIndex? stolenAfter = isKnownWhen ? new LeafIndex(registry.Node.State.Position - 1) : null;
        var since = await NewcomerAsync(registry, parent.Key, token);

        var made = TestNode.Good(await registry.Node.KeyReplacement.OrderAsync(registry.Operator, parent.Record, "it was copied", "i-7", stolenAfter));

        Assert.NotNull(made.Cut);
        Assert.Equal((isKnownWhen ? Refusal.None : Refusal.AfterCut, Refusal.AfterCut), (registry.Verify(before.Use()), registry.Verify(since.Use())));
        // Asked again, it hands out another token and cuts nothing anew; and two people give back who was honest.
        Assert.Null(TestNode.Good(await registry.Node.KeyReplacement.OrderAsync(registry.Operator, parent.Record, "it was copied", "i-7", stolenAfter)).Cut);
        TestNode.Good(await registry.RestoreAsync(made.Cut.Index));
        Assert.Equal(Refusal.None, registry.Verify(since.Use(nonce: "n2")));
    }

    [Fact]
    public async Task A_key_that_vouched_for_nobody_is_replaced_without_a_cut()
    {
        await using var registry = await TestNode.FoundAsync();
        var made = TestNode.Good(await registry.Node.KeyReplacement.OrderAsync(registry.Operator, (await ParentAsync(registry)).Record, "it was copied", "", after: null));
        Assert.Null(made.Cut);
        Assert.Empty(registry.Bodies().OfType<CompromiseCut>());
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
    public async Task A_vouch_that_fails_in_two_ways_is_refused_for_the_first_of_them()
    {
        await using var registry = await TestNode.FoundAsync();
        var (parent, key) = (await ParentAsync(registry), PrivateKey.Generate(KeyAlgorithm.ES256));
        var token = await registry.DemandAsync("""[{"type":"spiffe","id":"spiffe://example.org/research/*"}]""");
        var (strangers, ours) = (Vouch(registry, key, key, token), Vouch(registry, parent.Key, key, token));
        Assert.Equal(Refusal.EvidenceIssuerUnknown, (await registry.BringAsync(token, Unsigned(strangers), key)).Refusal);
        Assert.Equal(Refusal.EvidenceMalformed, (await registry.BringAsync(token, WithMember(ours), key)).Refusal);
        Assert.Equal(Refusal.EvidenceSignatureInvalid, (await registry.BringAsync(token, Unsigned(ours), key)).Refusal);
        Assert.Equal(Refusal.EvidenceNotAllowed, (await registry.BringAsync(token, ours, key)).Refusal);
        registry.Clock.Advance(TimeSpan.FromSeconds(301));
        Assert.Equal(Refusal.EvidenceExpired, (await registry.BringAsync(token, ours, PrivateKey.Generate(KeyAlgorithm.ES256))).Refusal);

        static string WithMember(string vouch)
        {
            var parts = vouch.Split('.');
            var header = System.Text.Encoding.ASCII.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[0]));
            return $"{Credentials.Tokens.CanonicalBase64Url.Encode(System.Text.Encoding.ASCII.GetBytes(header[..^1] + ",\"kid\":\"k\"}"))}.{parts[1]}.{parts[2]}";
        }

        static string Unsigned(string vouch) => vouch[..^86] + new string('A', 86);
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

    private static IEnumerable<SubjectId> Descendants(TestNode registry, SubjectId parent)
    {
        var (asked, agent) = (registry.Node.Responding, registry.Node.State.FindAgent(parent)!);
        return asked.Graphs.Descendants(agent, asked.Now(), new Page(0, Page.SizeMax)).Reached.Items.Select(reached => reached.Agent.Id);
    }

    private static async Task<TestAgent> ParentAsync(TestNode registry, string sponsor = "team", uint session = 0) =>
        await registry.EnrollAsync(await registry.NewTokenAsync(new(sponsor, "parent/1", [], MayVouch, [TestNode.Audience], 1, 0) { SessionSeconds = session }));

    private static async Task<TestAgent> NewcomerAsync(TestNode registry, PrivateKey voucher, string token)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolled = TestNode.Good(await registry.BringAsync(token, Vouch(registry, voucher, key, token), key));
        return new TestAgent(registry, key, enrolled.Agent.Id, enrolled.Credential);
    }

    private static Task<Outcome<Enrolled>> VouchAsync(TestNode registry, TestAgent parent, string token)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        return registry.BringAsync(token, Vouch(registry, parent.Key, key, token), key);
    }

    private static string Vouch(TestNode registry, PrivateKey by, PrivateKey newcomer, string token) =>
        AgentVouch.Create(by, TestNode.Url, newcomer.PublicKey.KeyId, registry.HashOfToken(token), registry.Clock.GetUtcNow());
}
