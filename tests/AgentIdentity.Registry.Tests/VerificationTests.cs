using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Tests;

/// <summary>docs/formats.md, "Verifying a credential": each step refuses by its own name.</summary>
public sealed class VerificationTests
{
    /// <summary>What the holder of the stolen issuer key may write into a credential that the ledger does not hold.</summary>
    public static TheoryData<string> Forgeries => [.. Forged.Keys];

    private static Dictionary<string, Func<CredentialClaims, CredentialClaims>> Forged { get; } = new()
    {
        ["another jti"] = claims => claims with { Jti = SubjectId.New(DateTimeOffset.FromUnixTimeSeconds(claims.IssuedAt)) },
        ["a wider envelope"] = claims => claims with { Envelope = Parse("""[{"type":"notes","actions":["delete","read","write"],"locations":["notes/*"]}]""") },
        ["a narrower envelope"] = claims => claims with { Envelope = Parse("""[{"type":"notes","actions":["read"],"locations":["notes/*"]}]""") },
        ["a chain of command"] = claims => claims with { Act = """{"sub":"did:web:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcdef"}""" },
        ["another audience"] = claims => claims with { Audience = ["https://bank.example", TestNode.Audience] },
        ["a later end"] = claims => claims with { ExpiresAt = claims.ExpiresAt + 1 },
        ["an earlier start"] = claims => claims with { NotBefore = claims.NotBefore - 1 },
        ["the entry before"] = claims => claims with { LedgerIndex = claims.LedgerIndex - 1 },
        ["an entry to come"] = claims => claims with { LedgerIndex = claims.LedgerIndex + 1000 },
        ["another position"] = claims => claims with { LedgerPosition = claims.LedgerPosition + 1 },
        ["a client certificate"] = claims => claims with { Certificate = Sha256.Hash("the thief's"u8) },
        ["an agent that does not exist"] = claims => claims with { AgentId = claims.Jti },
    };

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task A_credential_that_the_ledger_does_not_hold_is_refused_though_the_registrys_key_signed_it(string forgery)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var forged = CredentialWriter.Sign(Forged[forgery](agent.Claims), registry.Node.Settings.Name, registry.IssuerKey());
        Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(agent.Use(forged)));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task A_credential_that_the_ledger_does_not_hold_is_an_alarm_once_a_minute()
    {
        var alarms = new List<string>();
        await using var registry = await TestNode.FoundAsync(with: settings => settings with { Alarmed = alarms.Add });
        var agent = await registry.EnrollAsync();
        Use("another jti");
        Assert.Contains($"agent {agent.Id}", Assert.Single(alarms), StringComparison.Ordinal);

        // Anybody can make this one.
        Assert.Equal(Refusal.CredentialInvalid, registry.Verify(agent.Use(agent.Credential[..^4] + "AAAA")));
        Use("a wider envelope");
        Assert.Single(alarms);

        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        Use("an entry to come");
        Assert.EndsWith("1 more since the last one that was told.", alarms[1], StringComparison.Ordinal);

        void Use(string forgery) => Assert.Equal(
            Refusal.CredentialUnlogged, registry.Verify(agent.Use(CredentialWriter.Sign(Forged[forgery](agent.Claims), registry.Node.Settings.Name, registry.IssuerKey()))));
    }

    [Fact]
    public async Task What_the_state_has_forgotten_since_the_clock_was_ahead_accuses_nobody()
    {
        var alarms = new List<string>();
        await using var registry = await TestNode.FoundAsync(with: settings => settings with { Alarmed = alarms.Add });
        var agent = await registry.EnrollAsync();
        registry.Clock.SetForward(TimeSpan.FromHours(1));
        Assert.False((await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).IsRefused);
        registry.Clock.SetBack(TimeSpan.FromHours(1));

        Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(agent.Use()));
        Assert.DoesNotContain(alarms, alarm => alarm.Contains("does not hold", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_credential_that_is_bound_to_a_client_certificate_serves_with_it_and_is_another_without()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var certificate = Sha256.Hash("a certificate"u8);
        var issued = (await registry.Node.Issuing.IssueAsync(registry.Node.State.FindAgent(agent.Id)!, "", [], 0, certificate)).Value;
        Assert.Equal(certificate, issued.Claims.Certificate);

        Assert.Equal(Refusal.None, registry.Verify(agent.Use(issued.Token) with { Certificate = certificate }));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(issued.Token) with { Certificate = certificate, Proof = "" }));
        Assert.Equal(Refusal.CertificateMismatch, registry.Verify(agent.Use(issued.Token)));
        Assert.Equal(Refusal.CertificateMismatch, registry.Verify(agent.Use(issued.Token) with { Certificate = Sha256.Hash("another"u8), Proof = "" }));
        Assert.Equal(Refusal.ProofMissing, registry.Verify(agent.Use() with { Certificate = certificate, Proof = "" }));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use() with { Certificate = certificate }));

        foreach (var forged in new[] { issued.Claims with { Certificate = null }, issued.Claims with { Certificate = Sha256.Hash("the thief's"u8) } })
        {
            var token = CredentialWriter.Sign(forged, registry.Node.Settings.Name, registry.IssuerKey());
            Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(agent.Use(token) with { Certificate = forged.Certificate }));
        }
        var renewed = (await registry.Node.Issuing.RenewAsync(registry.Node.State.FindAgent(agent.Id)!, issued.Token)).Value;
        Assert.Equal(certificate, renewed.Claims.Certificate);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(renewed.Token) with { Certificate = certificate, Proof = "" }));
    }

    [Fact]
    public async Task A_logged_credential_that_is_rewritten_for_the_thiefs_key_is_refused()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var thief = PrivateKey.Generate(KeyAlgorithm.ES256);
        var forged = CredentialWriter.Sign(agent.Claims with { Jkt = thief.PublicKey.KeyId }, registry.Node.Settings.Name, registry.IssuerKey());
        Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(agent.Use(forged, thief)));
    }

    [Fact]
    public async Task What_no_key_of_the_registry_signed_has_one_name_outside()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var stranger = PrivateKey.Generate(KeyAlgorithm.ES256);
        var foreign = CredentialWriter.Sign(agent.Claims, registry.Node.Settings.Name, stranger);
        foreach (var credential in new[] { "", "x", "a.b.c", agent.Credential[..^2], agent.Credential + "A", foreign, agent.Credential.Replace('.', ',') })
        {
            var verdict = registry.Node.Verification.Verify(agent.Use(credential));
            Assert.Equal((Refusal.CredentialInvalid, default), (verdict.Refusal, verdict.RelyUntil));
            Assert.Null(verdict.Presented);
        }
    }

    [Fact]
    public async Task A_credential_serves_from_its_start_with_five_seconds_of_leeway_until_its_end_exactly()
    {
        await using var registry = await TestNode.FoundAsync();
        registry.Clock.Advance(TimeSpan.FromSeconds(60));
        var agent = await registry.EnrollAsync();
        registry.Clock.SetBack(TimeSpan.FromSeconds(5));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        registry.Clock.SetBack(TimeSpan.FromSeconds(1));
        Assert.Equal(Refusal.CredentialNotYetValid, registry.Verify(agent.Use()));
        registry.Clock.Advance(TimeSpan.FromSeconds(6 + 599));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Refusal.CredentialExpired, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task An_expired_credential_is_expired_also_when_the_registry_has_forgotten_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        registry.Clock.Advance(TimeSpan.FromMinutes(10));
        TestNode.Good(await registry.Node.Issuing.RenewAsync(agent.Record, agent.Credential));
        Assert.Null(agent.Record.Credential(agent.Claims));
        Assert.Equal(Refusal.CredentialExpired, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task An_allow_may_be_relied_on_for_the_lease_and_never_beyond_the_credential()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        Assert.Equal(registry.Clock.GetUtcNow().AddSeconds(10), registry.Node.Verification.Verify(agent.Use()).RelyUntil);
        registry.Clock.Advance(TimeSpan.FromSeconds(597));
        Assert.Equal(agent.Claims.ExpiresAt, registry.Node.Verification.Verify(agent.Use()).RelyUntil.ToUnixTimeSeconds());
        Assert.Equal(default, registry.Node.Verification.Verify(agent.Use(action: "delete")).RelyUntil);
    }

    [Fact]
    public async Task Each_fault_of_the_proof_has_its_name()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var other = await registry.EnrollAsync();
        var good = agent.Use();
        var proof = System.Text.Encoding.ASCII.GetString(good.Proof.Ascii.Span);
        VerificationRequest With(RequestBinding binding) => good with { Proof = KeyProof.Create(agent.Key, binding, registry.Clock.GetUtcNow()) };
        var binding = TestAgent.Binding(agent.Credential);
        foreach (var (request, expected) in new[]
        {
            (good with { Proof = "" }, Refusal.ProofMissing),
            (good with { Proof = "a.b.c" }, Refusal.ProofInvalid),
            (good with { Proof = proof[..^3] + (proof.EndsWith("AAA", StringComparison.Ordinal) ? "BAA" : "AAA") }, Refusal.ProofInvalid),
            (agent.Use(proofKey: other.Key), Refusal.ProofKeyMismatch),
            (With(binding with { Url = "https://tool.example/y" }), Refusal.ProofRequestMismatch),
            (With(binding with { Method = "GET" }), Refusal.ProofRequestMismatch),
            (With(TestAgent.Binding(other.Credential)), Refusal.ProofRequestMismatch),
            (With(binding with { CredentialHash = null }), Refusal.ProofRequestMismatch),
            (With(binding with { Nonce = "n2" }), Refusal.NonceMismatch),
            (With(binding with { Nonce = null }), Refusal.NonceMismatch),
            (good with { Audience = "https://other.example" }, Refusal.AudienceMismatch),
            (agent.Use(action: "delete"), Refusal.EnvelopeExceeded),
            (good, Refusal.None),
            (good, Refusal.ProofReplayed),
            (good with { Action = null }, Refusal.ProofReplayed),
        })
            Assert.Equal(expected, registry.Verify(request));
        var stale = agent.Use();
        registry.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(Refusal.ProofStale, registry.Verify(stale));
    }

    [Fact]
    public async Task A_proof_from_before_a_restart_is_stale()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var used = agent.Use();
        Assert.Equal(Refusal.None, before.Verify(used));
        await before.DisposeAsync();
        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(Refusal.ProofStale, after.Verify(used));
        Assert.Equal(Refusal.None, after.Verify(agent.At(after).Use()));
    }

    [Fact]
    public async Task A_full_memory_of_proofs_refuses()
    {
        await using var registry = await TestNode.FoundAsync(replayCapacity: 2);
        var agent = await registry.EnrollAsync();
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.ReplayStoreFull, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task What_others_send_does_not_fill_the_memory_that_operators_proofs_need()
    {
        await using var registry = await TestNode.FoundAsync(replayCapacity: 2);
        var agent = await registry.EnrollAsync();
        Refusal Call(PrivateKey key) => registry.Node.Proofs.Check(
            KeyProof.Create(key, new RequestBinding("POST", TestNode.Url + "/x", registry.Node.Nonces.Current(), null), registry.Clock.GetUtcNow()), TestNode.Url + "/x", null, null).Refusal;
        Assert.Equal([Refusal.None, Refusal.None, Refusal.ReplayStoreFull], Enumerable.Range(0, 3).Select(_ => Call(agent.Key)));
        Assert.Equal([Refusal.None, Refusal.None, Refusal.None], Enumerable.Range(0, 3).Select(_ => Call(registry.OperatorKeys[0])));
    }

    [Fact]
    public async Task A_proof_that_thirty_two_threads_use_at_once_is_accepted_once()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        for (var round = 0; round < 10; round++)
        {
            var request = agent.Use();
            using var gate = new Barrier(32);
            var answers = new Refusal[32];
            var threads = Enumerable.Range(0, 32).Select(i => new Thread(() =>
            {
                gate.SignalAndWait();
                answers[i] = registry.Verify(request);
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
            Assert.Equal(1, answers.Count(answer => answer == Refusal.None));
            Assert.Equal(31, answers.Count(answer => answer == Refusal.ProofReplayed));
        }
    }

    [Theory]
    [InlineData(StandingState.Frozen, Refusal.AgentFrozen)]
    [InlineData(StandingState.Revoked, Refusal.AgentRevoked)]
    public async Task A_credential_that_was_seen_before_is_refused_when_its_agent_is_stopped_and_needs_a_proof_each_time(StandingState stop, Refusal expected)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var used = agent.Use();
        Assert.Equal(Refusal.None, registry.Verify(used));
        Assert.Equal(Refusal.ProofReplayed, registry.Verify(used));
        Assert.Equal(Refusal.ProofMissing, registry.Verify(used with { Proof = "" }));
        TestNode.Good(await registry.StopAsync(agent, stop));
        Assert.Equal(expected, registry.Verify(agent.Use()));
        // A stop is read last, and says more than what the agent wanted.
        Assert.Equal(expected, registry.Verify(agent.Use(action: "delete")));
    }

    [Fact]
    public async Task A_key_rotation_leaves_old_credentials_good_and_each_key_to_its_own_entries()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var oldKey = registry.IssuerKey();
        var rotated = TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        var renewed = TestNode.Good(await registry.Node.Issuing.RenewAsync(agent.Record, agent.Credential));
        Assert.Equal((oldKey.PublicKey.KeyId, rotated.Key), (rotated.Retired, registry.IssuerKey().PublicKey.KeyId));

        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(renewed.Token)));
        var name = registry.Node.Settings.Name;
        Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(agent.Use(CredentialWriter.Sign(renewed.Claims, name, oldKey))));
        Assert.Equal(Refusal.CredentialUnlogged, registry.Verify(agent.Use(CredentialWriter.Sign(agent.Claims, name, registry.IssuerKey()))));
    }

    [Fact]
    public async Task A_credential_of_a_retired_key_is_still_good_after_a_restart()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        TestNode.Good(await before.Node.Operating.RotateIssuerKeyAsync(before.Operator));
        await before.DisposeAsync();
        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(Refusal.None, after.Verify(agent.At(after).Use()));
    }

    [Fact]
    public async Task Issuing_stays_within_the_agents_grant()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        foreach (var (envelope, audience, lifetime, expected) in new (string, string[], uint, Refusal)[]
        {
            ("""[{"type":"notes","actions":["delete"],"locations":["notes/*"]}]""", [], 0, Refusal.EnvelopeTooWide),
            ("nonsense", [], 0, Refusal.EnvelopeMalformed),
            ("", ["https://bank.example"], 0, Refusal.AudienceNotAllowed),
            ("", [TestNode.Audience, TestNode.Audience], 0, Refusal.AudienceMalformed),
            ("", [], 299, Refusal.LifetimeOutOfRange),
            ("", [], 901, Refusal.LifetimeOutOfRange),
            ("""[{"type":"notes","actions":["read"],"locations":["notes/1"]}]""", [TestNode.Audience], 300, Refusal.None),
        })
            Assert.Equal(expected, (await registry.Node.Issuing.IssueAsync(agent.Record, envelope, audience, lifetime)).Refusal);
    }

    [Fact]
    public async Task An_agent_holds_at_most_sixty_four_unexpired_credentials_however_it_asks()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 70).Select(_ => registry.Node.Issuing.IssueAsync(agent.Record, "", [], 300)));
        Assert.Equal(63, answers.Count(answer => !answer.IsRefused));
        Assert.Equal(7, answers.Count(answer => answer.Refusal == Refusal.TooManyCredentials));
        registry.Clock.Advance(TimeSpan.FromSeconds(300));
        TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 300));
    }

    [Fact]
    public async Task Another_agents_credential_cannot_be_renewed()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var other = await registry.EnrollAsync();
        Assert.Equal(Refusal.ProofKeyMismatch, (await registry.Node.Issuing.RenewAsync(agent.Record, other.Credential)).Refusal);
        Assert.Equal(Refusal.CredentialInvalid, (await registry.Node.Issuing.RenewAsync(agent.Record, "x")).Refusal);
    }

    private static Envelope Parse(string text) => Envelope.TryParse(text, out var envelope) ? envelope : throw new FormatException(text);
}
