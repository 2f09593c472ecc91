using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>One-time tokens, proven keys, and retries.</summary>
public sealed class EnrolmentTests
{
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    [Fact]
    public async Task Retries_at_the_same_time_and_later_get_one_agent_and_one_credential_and_use_the_token_once()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync(uses: 5);
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => registry.EnrollAsync(_key, token))));
        var later = TestNode.Good(await registry.EnrollAsync(_key, token));

        Assert.All(answers, answer => Assert.Equal(later.Agent.Id, TestNode.Good(answer).Agent.Id));
        Assert.All(answers, answer => Assert.Equal(later.Credential.Claims.Jti, answer.Value.Credential.Claims.Jti));
        Assert.Equal(1, registry.Node.State.AgentCount);
        Assert.Equal(1u, Uses(registry, token));
    }

    [Fact]
    public async Task Retries_in_one_group_share_its_agent()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync();
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var answers = Enumerable.Range(0, 16).Select(_ => registry.EnrollAsync(_key, token)).ToArray();
        registry.Store.LetAppendsGo();
        await filler;
        Assert.Single((await Task.WhenAll(answers)).Select(answer => TestNode.Good(answer).Credential.Claims.Jti).Distinct());
        Assert.Equal(2, registry.Store.Groups[^1]);
    }

    [Fact]
    public async Task After_the_first_credential_has_expired_all_retries_get_one_fresh_one_even_when_the_token_has_expired_too()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync(lifetimeSeconds: 60);
        var first = TestNode.Good(await registry.EnrollAsync(_key, token));
        registry.Clock.Advance(TimeSpan.FromMinutes(10));
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var retries = Enumerable.Range(0, 4).Select(_ => registry.EnrollAsync(_key, token)).ToArray();
        registry.Store.LetAppendsGo();
        await filler;
        var fresh = (await Task.WhenAll(retries)).Select(TestNode.Good).ToArray();

        Assert.All(fresh, answer => Assert.Equal(first.Agent.Id, answer.Agent.Id));
        var jti = Assert.Single(fresh.Select(answer => answer.Credential.Claims.Jti).Distinct());
        Assert.NotEqual(first.Credential.Claims.Jti, jti);
        Assert.Equal(1u, Uses(registry, token));
    }

    [Fact]
    public async Task A_retry_after_a_key_rotation_and_a_restart_is_answered_with_a_credential_of_the_new_key()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        TestNode.Good(await before.Node.Operating.RotateIssuerKeyAsync(before.Operator));
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        var again = TestNode.Good(await after.EnrollAsync(agent.Key, agent.Token));
        Assert.Equal(agent.Id, again.Agent.Id);
        Assert.Equal(Refusal.None, after.Verify(agent.At(after).Use(again.Credential.Token)));
    }

    [Fact]
    public async Task A_token_of_n_uses_that_fifty_keys_race_for_enrols_exactly_n()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync(uses: 7);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(_ => Task.Run(() => registry.EnrollAsync(PrivateKey.Generate(KeyAlgorithm.ES256), token))));
        Assert.Equal(7, answers.Count(answer => !answer.IsRefused));
        Assert.Equal(43, answers.Count(answer => answer.Refusal == Refusal.TokenUsedUp));
        Assert.Equal((7, 7u), (registry.Node.State.AgentCount, Uses(registry, token)));
    }

    [Fact]
    public async Task Used_up_expired_and_unknown_tokens_are_refused_by_name()
    {
        await using var registry = await TestNode.FoundAsync();
        var used = (await registry.EnrollAsync()).Token;
        var expiring = await registry.NewTokenAsync(lifetimeSeconds: 60);
        var unknown = "aie_" + new string('A', 43);
        Assert.Equal(Refusal.TokenUsedUp, (await registry.EnrollAsync(_key, used)).Refusal);
        Assert.Equal(Refusal.TokenInvalid, (await registry.EnrollAsync(_key, unknown)).Refusal);
        Assert.Equal(Refusal.TokenInvalid, (await registry.EnrollAsync(_key, "")).Refusal);
        Assert.Equal(Refusal.TokenInvalid, (await registry.EnrollAsync(_key, new string('a', 129))).Refusal);
        registry.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(Refusal.TokenExpired, (await registry.EnrollAsync(_key, expiring)).Refusal);
        Assert.Equal(1, registry.Node.State.AgentCount);
    }

    [Fact]
    public async Task A_key_that_is_enrolled_with_another_token_or_is_a_callers_is_refused()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        TestNode.Good(await registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Auditor, "auditor", _key.PublicKey, []));
        var token = await registry.NewTokenAsync(uses: 5);
        Assert.Equal(Refusal.KeyAlreadyEnrolled, (await registry.EnrollAsync(agent.Key, token)).Refusal);
        Assert.Equal(Refusal.KeyAlreadyRegistered, (await registry.EnrollAsync(_key, token)).Refusal);
        Assert.Equal(0u, Uses(registry, token));
    }

    [Fact]
    public async Task A_key_that_two_tokens_bring_in_one_group_is_enrolled_with_the_first()
    {
        await using var registry = await TestNode.FoundAsync();
        var first = await registry.NewTokenAsync();
        var second = await registry.NewTokenAsync();
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var enrolled = registry.EnrollAsync(_key, first);
        var other = registry.EnrollAsync(_key, second);
        var caller = registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Auditor, "auditor", _key.PublicKey, []);
        registry.Store.LetAppendsGo();
        await filler;
        TestNode.Good(await enrolled);
        Assert.Equal(Refusal.KeyAlreadyEnrolled, (await other).Refusal);
        Assert.Equal(Refusal.KeyAlreadyEnrolled, (await caller).Refusal);
    }

    [Fact]
    public async Task A_stopped_agent_is_not_given_a_credential_by_enrolling_again()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        TestNode.Good(await registry.StopAsync(agent));
        Assert.Equal(Refusal.AgentFrozen, (await registry.EnrollAsync(agent.Key, agent.Token)).Refusal);
    }

    [Fact]
    public async Task A_wrong_proof_is_refused_and_uses_nothing()
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync();
        var other = await registry.NewTokenAsync();
        var good = registry.EnrolmentProofFor(_key, token);
        foreach (var (proof, expected) in new[]
        {
            ("", Refusal.ProofMissing),
            ("a.b.c", Refusal.ProofInvalid),
            (good[..^4] + (good.EndsWith("AAAA", StringComparison.Ordinal) ? "BBBB" : "AAAA"), Refusal.ProofInvalid),
            (registry.EnrolmentProofFor(_key, other), Refusal.ProofInvalid),
            (registry.EnrolmentProofFor(_key, token, url: "https://registry.example"), Refusal.ProofInvalid),
            (registry.EnrolmentProofFor(_key, token, challenge: "made-up"), Refusal.ChallengeInvalid),
        })
            Assert.Equal(expected, (await registry.Node.Enrolment.EnrollAsync(token, proof, [], 0)).Refusal);
        Assert.Equal((0, 0u), (registry.Node.State.AgentCount, Uses(registry, token)));
    }

    [Fact]
    public async Task A_challenge_serves_at_its_instance_for_five_minutes()
    {
        await using var registry = await TestNode.FoundAsync();
        await using var other = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync();
        var foreign = registry.EnrolmentProofFor(_key, token, other.Node.Enrolment.NewChallenge());
        Assert.Equal(Refusal.ChallengeInvalid, (await registry.Node.Enrolment.EnrollAsync(token, foreign, [], 0)).Refusal);

        var challenge = registry.Node.Enrolment.NewChallenge();
        registry.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(Refusal.ChallengeInvalid,
            (await registry.Node.Enrolment.EnrollAsync(token, registry.EnrolmentProofFor(_key, token, challenge), [], 0)).Refusal);
        TestNode.Good(await registry.EnrollAsync(_key, token));
    }

    [Fact]
    public async Task A_loopback_registry_enrols_only_where_things_are_tried_out()
    {
        await using var dev = await TestNode.FoundAsync();
        var token = await dev.NewTokenAsync();
        await dev.DisposeAsync();
        await using var registry = TestNode.Open(dev.Folder, dev.Clock, dev: false);
        Assert.Equal(Refusal.LoopbackUrl, (await registry.EnrollAsync(_key, token)).Refusal);
    }

    [Fact]
    public async Task An_enrolment_whose_credential_would_be_too_long_for_verifiers_is_refused_before_it_is_written()
    {
        await using var registry = await TestNode.FoundAsync();
        var audiences = Enumerable.Range(0, 16).Select(i => $"https://{i:D2}{new string('a', 240)}").ToArray();
        var locations = Enumerable.Range(0, 30).Select(i => $"\"{i:D2}{new string('n', 250)}\"");
        var envelope = $$"""[{"type":"notes","actions":["read"],"locations":[{{string.Join(',', locations)}}]}]""";
        var labels = Enumerable.Range(0, 16).Select(i => KeyValuePair.Create($"label{i}", new string('v', 90))).ToArray();
        var token = TestNode.Good(await registry.Node.Operating.CreateTokenAsync(
            registry.Operator, new TokenWish("team", "bot/1", labels, envelope, audiences, 1, 0))).Text;
        Assert.Equal(Refusal.MessageTooLarge, (await registry.EnrollAsync(_key, token)).Refusal);
        Assert.Equal(0u, Uses(registry, token));

        var narrower = await registry.Node.Enrolment.EnrollAsync(token, registry.EnrolmentProofFor(_key, token), [audiences[0]], 0);
        var agent = TestNode.Good(narrower).Agent;
        Assert.Equal(Refusal.MessageTooLarge, (await registry.Node.Issuing.IssueAsync(agent, "", [], 0)).Refusal);
    }

    private static uint Uses(TestNode registry, string token) =>
        registry.Node.State.FindToken(Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)))!.UsesMade;
}
