using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>docs/formats.md, "Delegation": narrower in every dimension, and refused by name when it is not.</summary>
public sealed class DelegationTests
{
    [Fact]
    public async Task What_is_passed_on_is_bound_to_the_key_of_the_agent_that_receives_and_names_the_chain_of_command()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync("desk"), await registry.EnrollAsync());
        var issued = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id));
        var claims = registry.Read(issued.Token).Claims;
        Assert.Equal((below.Id, below.KeyId, "team"), (claims.AgentId, claims.Jkt, claims.Sponsor));
        Assert.Equal([above.Id], claims.Chain);
        Assert.Equal(above.Claims.Audience, claims.Audience);
        Assert.True(claims.ExpiresAt <= above.Claims.ExpiresAt);

        Assert.Equal(Refusal.None, registry.Verify(below.Use(issued.Token)));
        Assert.Equal(Refusal.EnvelopeExceeded, registry.Verify(below.Use(issued.Token, action: "write")));
        Assert.Equal(Refusal.ProofKeyMismatch, registry.Verify(above.Use(issued.Token)));
        var link = registry.Node.State.Lineage.Link(claims.Jti)!.Body;
        Assert.Equal((above.Id, above.Claims.Jti, below.Id, 1u, claims.ExpiresAt), (link.Parent, link.ParentJti, link.Child, link.Depth, link.ExpiresAt));
    }

    [Fact]
    public async Task Every_delegated_credential_says_who_answers_for_the_top_of_its_chain()
    {
        await using var registry = await TestNode.FoundAsync();
        var (top, middle, bottom) = (await registry.EnrollDeepAsync("desk"), await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var upper = TestNode.Good(await registry.DelegateAsync(top.Credential, middle.Id, Delegations.Deep(1)));
        var lower = TestNode.Good(await registry.DelegateAsync(upper.Token, bottom.Id));

        Assert.Null(registry.Read(top.Credential).Claims.TopSponsor);
        foreach (var credential in new[] { upper.Token, lower.Token })
            Assert.Equal(("team", "desk"), (registry.Read(credential).Claims.Sponsor, registry.Read(credential).Claims.TopSponsor));
        // It stands in what the ledger's item covers: nobody signs another under it.
        Assert.Equal(Refusal.None, registry.Verify(bottom.Use(lower.Token)));
        var claims = registry.Read(lower.Token).Claims;
        var lie = claims with { Act = Credentials.Delegation.ChainOfCommand.Write(claims.Chain, registry.Node.Settings.Name, "somebody else") };
        Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(bottom.Use(CredentialWriter.Sign(lie, registry.Node.Settings.Name, registry.IssuerKey()), nonce: "n2")));
    }

    [Fact]
    public async Task A_chain_has_ten_links_and_each_of_its_credentials_is_verified()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(10);
        foreach (var (agent, credential) in chain)
            Assert.Equal(Refusal.None, registry.Verify(agent.Use(credential)));
        Assert.Equal(chain.Select(link => link.Agent.Id).Reverse().Skip(1), registry.Read(chain[^1].Credential).Claims.Chain);
        var another = await registry.EnrollAsync();
        Assert.Equal(Refusal.DelegationTooDeep, (await registry.DelegateAsync(chain[^1].Credential, another.Id)).Refusal);
    }

    [Fact]
    public async Task Each_thing_that_makes_it_wider_has_its_name()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        foreach (var (envelope, audience, lifetime, expected) in new (string, string[], uint, Refusal)[]
        {
            ("", [], 0, Refusal.EnvelopeMalformed),
            ("{}", [], 0, Refusal.EnvelopeMalformed),
            (Delegations.Deep(10), [], 0, Refusal.DelegationTooDeep),
            ("""[{"type":"notes","actions":["delete"],"locations":["notes/*"]}]""", [], 0, Refusal.EnvelopeTooWide),
            ("""[{"type":"notes","actions":["read"],"locations":["other/*"]}]""", [], 0, Refusal.EnvelopeTooWide),
            ("""[{"type":"mail","actions":["read"],"locations":["notes/*"]}]""", [], 0, Refusal.EnvelopeTooWide),
            ("""[{"type":"notes","actions":["read"],"locations":["notes/*"],"notAfter":1}]""", [], 0, Refusal.None),
            (Delegations.Deep(9), ["https://bank.example"], 0, Refusal.AudienceNotAllowed),
            (Delegations.Deep(9), [TestNode.Audience, TestNode.Audience], 0, Refusal.AudienceMalformed),
            (Delegations.Deep(9), [], 901, Refusal.LifetimeOutOfRange),
            (Delegations.Deep(9), ["https://mail.example"], 1, Refusal.None),
        })
            Assert.Equal((envelope, expected), (envelope, (await registry.DelegateAsync(above.Credential, below.Id, envelope, audience, lifetime)).Refusal));
    }

    [Fact]
    public async Task An_item_of_no_depth_stays_where_it_is()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        Assert.Equal(Refusal.DelegationTooDeep, (await registry.DelegateAsync(above.Credential, below.Id)).Refusal);
    }

    [Fact]
    public async Task The_audience_is_within_that_of_the_credential_above_and_not_limited_by_the_receivers_own_grant()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var narrow = TestNode.Good(await registry.Node.Issuing.IssueAsync(above.Record, "", ["https://mail.example"], 0));
        Assert.Equal(Refusal.AudienceNotAllowed, (await registry.DelegateAsync(narrow.Token, below.Id, audience: [TestNode.Audience])).Refusal);
        var issued = TestNode.Good(await registry.DelegateAsync(narrow.Token, below.Id));
        Assert.DoesNotContain("https://mail.example", below.Record.Grant.Terms.Audiences);
        Assert.Equal(Refusal.None, registry.Verify(below.Use(issued.Token, audience: "https://mail.example")));
        Assert.Equal(Refusal.AudienceMismatch, registry.Verify(below.Use(issued.Token)));
    }

    [Fact]
    public async Task Nobody_stands_in_a_chain_twice()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(3);
        foreach (var (agent, _) in chain)
            Assert.Equal(Refusal.DelegationCycle, (await registry.DelegateAsync(chain[^1].Credential, agent.Id)).Refusal);
        // Two agents may pass on to each other what is their own: that is no cycle in any chain.
        TestNode.Good(await registry.DelegateAsync(chain[1].Agent.Credential, chain[0].Agent.Id));
    }

    [Fact]
    public async Task It_ends_with_what_is_above_it_at_the_latest()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        registry.Clock.Advance(TimeSpan.FromSeconds(500));
        var whole = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id));
        var capped = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id, lifetime: 900));
        var shorter = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id, lifetime: 20));
        Assert.Equal((above.Claims.ExpiresAt, above.Claims.ExpiresAt), (whole.Claims.ExpiresAt, capped.Claims.ExpiresAt));
        Assert.Equal(shorter.Claims.NotBefore + 20, shorter.Claims.ExpiresAt);
        registry.Clock.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal(Refusal.CredentialExpired, (await registry.DelegateAsync(above.Credential, below.Id)).Refusal);
        Assert.Equal(Refusal.CredentialExpired, registry.Verify(below.Use(whole.Token)));
    }

    [Fact]
    public async Task A_credential_that_the_ledger_does_not_hold_passes_nothing_on()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        foreach (var forged in new[] { above.Claims with { ExpiresAt = above.Claims.ExpiresAt + 1 }, above.Claims with { AgentId = below.Id }, above.Claims with { Chain = [below.Id], Act = Act(registry, below) } })
        {
            var token = CredentialWriter.Sign(forged, registry.Node.Settings.Name, registry.IssuerKey());
            Assert.Equal(Refusal.CredentialUnlogged, (await registry.DelegateAsync(token, (await registry.EnrollAsync()).Id)).Refusal);
        }
    }

    [Fact]
    public async Task A_chain_that_is_rewritten_with_the_registrys_key_is_unlogged()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(2);
        var claims = registry.Read(chain[^1].Credential).Claims;
        foreach (var act in new[] { null, Act(registry, chain[0].Agent), Act(registry, chain[0].Agent, chain[1].Agent) })
        {
            var forged = CredentialWriter.Sign(claims with { Act = act }, registry.Node.Settings.Name, registry.IssuerKey());
            Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(chain[^1].Agent.Use(forged)));
        }
    }

    [Theory]
    [InlineData(StandingState.Restricted, Refusal.AgentRestricted)]
    [InlineData(StandingState.Frozen, Refusal.AgentFrozen)]
    [InlineData(StandingState.Revoked, Refusal.AgentRevoked)]
    public async Task A_stopped_agent_passes_nothing_on_and_what_hangs_below_it_neither(StandingState state, Refusal expected)
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(2);
        var another = await registry.EnrollAsync();
        TestNode.Good(await registry.StopAsync(chain[0].Agent, state));
        Assert.Equal(expected, (await registry.DelegateAsync(chain[0].Credential, another.Id)).Refusal);
        Assert.Equal(Refusal.ChainStopped, (await registry.DelegateAsync(chain[1].Credential, another.Id)).Refusal);
        Assert.Equal(Refusal.ChainStopped, (await registry.DelegateAsync(chain[2].Credential, another.Id)).Refusal);
        Assert.Equal(Refusal.ChainStopped, registry.Verify(chain[2].Agent.Use(chain[2].Credential)));
        Assert.Equal(Refusal.None, registry.Verify(chain[2].Agent.Use()));
    }

    [Fact]
    public async Task Nothing_is_passed_on_to_a_stopped_agent()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        TestNode.Good(await registry.StopAsync(below));
        Assert.Equal(Refusal.DelegateStopped, (await registry.DelegateAsync(above.Credential, below.Id)).Refusal);
    }

    [Fact]
    public async Task A_stop_of_one_credential_or_key_above_ends_what_was_passed_on_from_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(3);
        var other = await registry.ChainAsync(2);
        var another = await registry.EnrollAsync();
        TestNode.Good(await registry.StopAsync(Scope.Credential(registry.Read(chain[1].Credential).Claims.Jti)));
        TestNode.Good(await registry.StopAsync(Scope.Key(other[0].Agent.KeyId)));
        Assert.Equal(Refusal.None, registry.Verify(chain[0].Agent.Use()));
        foreach (var (agent, credential) in chain.Skip(1).Append(other[2]))
        {
            Assert.Equal(Refusal.CredentialStopped, registry.Verify(agent.Use(credential)));
            Assert.Equal(Refusal.CredentialStopped, (await registry.DelegateAsync(credential, another.Id)).Refusal);
        }
    }

    [Fact]
    public async Task A_delegated_credential_is_not_renewed_and_does_not_become_the_agents_own()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(1);
        Assert.Equal(Refusal.DelegationNotRenewable, (await registry.Node.Issuing.RenewAsync(chain[1].Agent.Record, chain[1].Credential)).Refusal);
    }

    [Fact]
    public async Task One_agent_cannot_use_up_what_another_may_hold_from_others_or_of_its_own()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, other, below) = (await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var answers = await Task.WhenAll(Enumerable.Range(0, 70).Select(_ => registry.DelegateAsync(above.Credential, below.Id, lifetime: 300)));
        Assert.Equal(64, answers.Count(answer => !answer.IsRefused));
        Assert.Equal(6, answers.Count(answer => answer.Refusal == Refusal.TooManyCredentials));
        TestNode.Good(await registry.DelegateAsync(other.Credential, below.Id));
        var own = await Task.WhenAll(Enumerable.Range(0, 70).Select(_ => registry.Node.Issuing.IssueAsync(below.Record, "", [], 300)));
        Assert.Equal(63, own.Count(answer => !answer.IsRefused));
        registry.Clock.Advance(TimeSpan.FromSeconds(300));
        TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id));
    }

    [Fact]
    public async Task Whatever_is_delegated_after_a_stop_was_acknowledged_is_refused_and_what_was_before_is_reached()
    {
        await using var registry = await TestNode.FoundAsync();
        for (var round = 0; round < 20; round++)
        {
            var (above, middle) = (await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync());
            var passed = TestNode.Good(await registry.DelegateAsync(above.Credential, middle.Id, Delegations.Deep(5)));
            var below = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => registry.EnrollAsync()));
            var delegating = below.Select(agent => Task.Run(() => registry.DelegateAsync(passed.Token, agent.Id))).ToArray();
            TestNode.Good(await registry.StopAsync(round % 2 == 0 ? Scope.AgentWithDelegates(above.Id) : Scope.Key(above.KeyId)));
            var late = await registry.DelegateAsync(passed.Token, below[0].Id);
            Assert.True(late.IsRefused);
            foreach (var (agent, issued) in below.Zip(await Task.WhenAll(delegating)))
            {
                if (!issued.IsRefused)
                    Assert.NotEqual(Refusal.None, registry.Verify(agent.Use(issued.Value.Token)));
            }
        }
    }

    [Fact]
    public async Task Lineage_is_kept_over_a_restart_and_after_the_credentials_have_expired()
    {
        await using var before = await TestNode.FoundAsync();
        var chain = await before.ChainAsync(2);
        await before.DisposeAsync();
        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(Refusal.None, after.Verify(chain[2].Agent.At(after).Use(chain[2].Credential)));
        after.Clock.Advance(TimeSpan.FromHours(1));
        var (fresh, other) = (await after.EnrollDeepAsync(), await after.EnrollAsync());
        TestNode.Good(await after.DelegateAsync(fresh.Credential, other.Id));
        Assert.Null(after.Node.State.Lineage.Link(after.Read(chain[2].Credential).Claims.Jti));
        Assert.Equal([chain[1].Agent.Id, chain[2].Agent.Id], after.Node.State.Lineage.Descendants(chain[0].Agent.Id).Select(step => step.Agent));
    }

    private static string? Act(TestNode registry, params TestAgent[] chain) =>
        Credentials.Delegation.ChainOfCommand.Write([.. chain.Select(agent => agent.Id)], registry.Node.Settings.Name, "team");
}
