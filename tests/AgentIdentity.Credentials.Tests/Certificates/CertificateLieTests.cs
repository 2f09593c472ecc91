using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tests.Trails;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Certificates;

/// <summary>Lies that are well-formed, all of them by somebody who holds the log's key and seals them: each fails in the line that it belongs to, or takes the level away.</summary>
public sealed class CertificateLieTests
{
    private readonly CertificateLog _log = new();

    [Fact]
    public void An_honest_certificate_is_proven_and_says_when_and_who_was_last()
    {
        _log.Enforced();

        var verdict = Proven(_log.Export());

        var stop = Assert.Single(verdict.Stops);
        // The probe rides along, and is nobody's delegate.
        Assert.Equal((1, 0), (stop.Denial.Credentials.Count, stop.CredentialsBelow));
        Assert.Equal((StopLevel.Enforced, "mail gateway", CertificateLog.At + 600_000), (stop.Proven.Level, stop.Last!.Name, stop.Proven.ExhaustedAt));
        Assert.Equal(["documents gateway", "mail gateway"], stop.Enforcers.Select(enforcer => enforcer.Name));
        Assert.DoesNotContain(stop.Exposed, exposed => exposed.IsUnproven);
    }

    [Fact]
    public void Exhausted_is_reached_when_the_last_credential_in_scope_has_expired()
    {
        _log.Enforced();
        _log.MadeAt = CertificateLog.At + 599_999;
        Assert.Equal(StopLevel.Enforced, Proven(_log.Export()).Level);
        _log.MadeAt++;
        Assert.Equal(StopLevel.Exhausted, Proven(_log.Export()).Level);
    }

    public static TheoryData<Scope, StandingState> Endless => new()
    {
        { Scope.Agent(TrailLog.Agent), StandingState.Restricted },
        { new Scope(ScopeKind.Audience, CertificateLog.Mail), StandingState.Frozen },
        { new Scope(ScopeKind.Resource, "notes/*"), StandingState.Frozen },
        { Scope.IssuerKey(CertificateLog.ThiefKey.PublicKey.KeyId, default), StandingState.Revoked },
    };

    [Theory]
    [MemberData(nameof(Endless))]
    public void What_lets_credentials_in_scope_be_issued_behind_it_is_never_exhausted(Scope scope, StandingState state)
    {
        _log.Stop(scope, state: state);
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);
        _log.Sign(CertificateLog.MailKey, CertificateLog.Mail);
        _log.MadeAt = CertificateLog.At + 1_000_000;

        var stop = Proven(_log.Export()).Stops[0];

        Assert.Equal((StopLevel.Enforced, null), (stop.Proven.Level, stop.Proven.ExhaustedAt));
    }

    [Fact]
    public void A_dropped_acknowledgement_lowers_the_level_and_its_enforcer_is_named()
    {
        _log.Enforced();

        foreach (var (dropped, name) in new[] { (0, "documents gateway"), (1, "mail gateway") })
        {
            var verdict = Proven(_log.Export(file => Stop(file, stop => stop with { Signed = [stop.Signed[1 - dropped]] })));
            Assert.Equal((StopLevel.Nodes, name), (verdict.Level, Assert.Single(verdict.Stops[0].Missing).Name));
        }
    }

    [Fact]
    public void An_acknowledgement_that_is_named_and_not_shown_fails()
    {
        _log.Enforced();
        AssertFails(_log.Export(file => file with { Entries = [.. file.Entries.SkipLast(1)] }), CertificateProperty.Acknowledgements);
    }

    [Fact]
    public void One_enforcers_signature_does_not_count_for_another()
    {
        _log.Enforced();
        AssertFails(_log.Export(file => Stop(file, stop => stop with { Signed = [stop.Signed[0], stop.Signed[0]] })), CertificateProperty.Acknowledgements);
    }

    [Fact]
    public void A_signature_of_somebody_elses_key_fails()
    {
        _log.Stop();
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);
        _log.Sign(CertificateLog.ThiefKey, CertificateLog.Mail);
        AssertFails(_log.Export(), CertificateProperty.Acknowledgements);
    }

    [Fact]
    public void A_forged_signature_under_the_enforcers_own_key_fails()
    {
        _log.Stop();
        var token = _log.Acknowledgement(CertificateLog.Mail).Sign(CertificateLog.MailKey, "https://" + TrailLog.Origin, DateTimeOffset.UnixEpoch);
        var forged = token[..^4] + (token[^4] == 'A' ? 'B' : 'A') + token[^3..];
        _log.Write(forged, CertificateLog.MailGateway);
        AssertFails(_log.Export(), CertificateProperty.Acknowledgements);
    }

    [Fact]
    public void A_stop_by_a_rule_that_two_have_switched_on_is_proven_and_names_it()
    {
        _log.Rule([1, 2]);
        _log.Stop(Scope.Agent(TrailLog.Agent));
        var verdict = Proven(_log.Export());
        Assert.Equal(RuleTrigger.Fork, verdict.Stops[0].Rule!.Trigger);
        Assert.Contains(verdict.NotChecked, gap => gap.StartsWith("that what a rule counts has happened", StringComparison.Ordinal));
    }

    [Fact]
    public void A_certificate_of_a_registry_with_one_operator_says_that_one_is_enough()
    {
        var log = new CertificateLog(hasOneOperator: true);
        log.Rule([1]);
        log.Stop(Scope.Agent(TrailLog.Agent));
        var verdict = Proven(log.Export(), log);
        Assert.Contains(verdict.RestsOn, word => word.Contains("single-operator mode", StringComparison.Ordinal));
        Assert.Contains(verdict.NotChecked, gap => gap.EndsWith("the file shows that an operator had switched it on", StringComparison.Ordinal));

        Assert.DoesNotContain(Proven(_log.Enforced().Export()).RestsOn, word => word.Contains("single-operator mode", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(new byte[] { 1 }, RuleTrigger.Fork, StandingState.Frozen, true, "fewer operators have approved than it takes")]
    [InlineData(new byte[] { 1, 1 }, RuleTrigger.Fork, StandingState.Frozen, true, "an approval is not an operator's for what was done")]
    [InlineData(new byte[] { 1, 7 }, RuleTrigger.Fork, StandingState.Frozen, true, "an approval is not an operator's for what was done")]
    [InlineData(new byte[] { 1, 2 }, RuleTrigger.ProofReplayed, StandingState.Frozen, true, "has no such rule")]
    [InlineData(new byte[] { 1, 2 }, RuleTrigger.Fork, StandingState.Restricted, true, "has no such rule")]
    [InlineData(new byte[] { 1, 2 }, RuleTrigger.Fork, StandingState.Frozen, false, "the file shows no rules in entry")]
    public void A_stop_by_a_rule_that_does_not_stand_fails(byte[] signers, RuleTrigger claimed, StandingState state, bool isShown, string words)
    {
        _log.Rule(signers, claimed, state, isShown);
        _log.Stop(Scope.Agent(TrailLog.Agent));
        Assert.Contains(words, AssertFails(_log.Export(), CertificateProperty.Stops)[CertificateProperty.Stops].Words, StringComparison.Ordinal);
    }

    [Fact]
    public void A_signature_for_another_registry_fails()
    {
        _log.Stop();
        _log.Write(_log.Acknowledgement(CertificateLog.Mail).Sign(CertificateLog.MailKey, "https://elsewhere:5000", DateTimeOffset.UnixEpoch), CertificateLog.MailGateway);
        AssertFails(_log.Export(), CertificateProperty.Acknowledgements);
    }

    public static TheoryData<string, Func<Acknowledgement, Acknowledgement>, CertificateProperty> Lies => new()
    {
        { "an epoch before the stop's", signed => signed with { Epoch = signed.Epoch - 1 }, CertificateProperty.Acknowledgements },
        { "another log", signed => signed with { Origin = "elsewhere:5000" }, CertificateProperty.Acknowledgements },
        { "another view", signed => signed with { View = ViewId.Of([CertificateLog.Documents, CertificateLog.Mail]) }, CertificateProperty.Acknowledgements },
        { "a digest without the stop", signed => signed with { Digest = Sha256.Hash("nothing"u8) }, CertificateProperty.Acknowledgements },
        { "a tree of the future", signed => signed with { Size = new TreeSize(signed.Size.Value + 100) }, CertificateProperty.Acknowledgements },
        { "it refuses nothing", signed => signed with { IsObserving = true }, CertificateProperty.Acknowledgements },
        { "the probe was let in", signed => signed with { Probe = new ProbeOutcome(CertificateLog.Probe, Refusal.None, Refusal.None) }, CertificateProperty.Acknowledgements },
        { "another history", signed => signed with { Root = Sha256.Hash("another history"u8) }, CertificateProperty.OneHistory },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void A_genuine_signature_that_says_something_else_does_not_count(string name, Func<Acknowledgement, Acknowledgement> lie, CertificateProperty property)
    {
        _log.Stop();
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);
        _log.Sign(CertificateLog.MailKey, CertificateLog.Mail, lie);

        var verdict = AssertFails(_log.Export(), property);

        Assert.True(verdict[property].Words.Contains("mail gateway", StringComparison.Ordinal), name);
    }

    [Fact]
    public void Whoever_signs_later_that_it_only_observes_counts_no_more()
    {
        _log.Enforced();
        _log.Sign(CertificateLog.MailKey, CertificateLog.Mail, signed => signed with { IsObserving = true }, counts: false);

        var verdict = Proven(_log.Export());

        var missing = Assert.Single(verdict.Stops[0].Missing);
        Assert.Equal((StopLevel.Nodes, "mail gateway", true), (verdict.Level, missing.Name, missing.IsObserving));
        Assert.True(verdict.Stops[0].Exposed.Single(exposed => exposed.Audience == CertificateLog.Mail).IsUnproven);
    }

    [Fact]
    public void A_lease_that_is_over_counts_by_the_registrys_word_only()
    {
        _log.Stop();
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);
        _log.Word.Add(new EnforcerWord(CertificateLog.MailGateway, EnforcerProgress.LeaseOver, CertificateLog.At + 500, CertificateLog.At + 500));

        var verdict = Proven(_log.Export());

        Assert.Equal((StopLevel.Nodes, StopLevel.Enforced), (verdict.Level, verdict.LevelByWord));
        Assert.Equal(CertificateLog.At + 500, verdict.Stops[0].ByWord.EnforcedAt);
    }

    [Fact]
    public void An_enforcer_that_has_signed_and_is_left_out_is_missed()
    {
        _log.Enforced();
        AssertFails(
            _log.Export(file => Stop(file, stop => stop with { Signed = [stop.Signed[0]] }) with { Entries = [.. file.Entries.Where((_, at) => at != 2)] }),
            CertificateProperty.Enforcers, CertificateProperty.Acknowledgements);
    }

    // What no file can show, and the verifier says: an enforcer that never signed and that the registry does not name.
    [Fact]
    public void A_silent_enforcer_that_is_left_out_is_what_the_registry_answers_for()
    {
        _log.Stop();
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);

        var verdict = Proven(_log.Export(file => file with { Entries = [.. file.Entries.Where((_, at) => at != 2)] }));

        Assert.Equal(StopLevel.Enforced, verdict.Level);
        Assert.True(verdict.Stops[0].Exposed.Single(exposed => exposed.Audience == CertificateLog.Mail).IsUnproven);
        Assert.Contains(verdict.NotChecked, line => line.Contains("the file leaves out", StringComparison.Ordinal));
        Assert.Contains(verdict.RestsOn, line => line.Contains("the registry's signed word that these are all the enforcers", StringComparison.Ordinal));
    }

    [Fact]
    public void An_enforcer_that_two_have_removed_need_not_sign()
    {
        _log.Remove(CertificateLog.MailGateway, 1, 2);
        _log.Stop();
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);

        var stop = Proven(_log.Export()).Stops[0];
        Assert.Equal((StopLevel.Enforced, stop.Enforcers.Max(enforcer => enforcer.SignedAt)), (stop.Proven.Level, stop.Proven.EnforcedAt));
    }

    [Fact]
    public void An_enforcer_that_two_have_removed_after_the_stop_was_waited_for_until_then()
    {
        _log.Stop();
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);
        _log.Remove(CertificateLog.MailGateway, 1, 2);

        var stop = Proven(_log.Export()).Stops[0];
        Assert.Equal((StopLevel.Enforced, stop.Enforcers.Max(enforcer => enforcer.SignedAt) + 1), (stop.Proven.Level, stop.Proven.EnforcedAt));
    }

    [Fact]
    public void An_enforcer_that_one_has_removed_is_missed()
    {
        _log.Remove(CertificateLog.MailGateway, 1);
        _log.Stop();
        _log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);

        var verdict = AssertFails(_log.Export(), CertificateProperty.Enforcers);
        Assert.Equal("mail gateway", Assert.Single(verdict.Stops[0].Missing).Name);
    }

    [Fact]
    public void An_enforcer_that_was_registered_later_is_shown_and_not_waited_for()
    {
        var log = new CertificateLog(hasMail: false);
        log.Stop();
        log.Register(CertificateLog.MailGateway, CertificateLog.MailKey, "mail gateway", CertificateLog.Mail);
        log.Sign(CertificateLog.DocumentsKey, CertificateLog.Documents);

        var stop = Proven(log.Export(), log).Stops[0];

        Assert.Equal([("documents gateway", true), ("mail gateway", false)], stop.Enforcers.Select(enforcer => (enforcer.Name, enforcer.IsNeeded)));
        Assert.Equal((StopLevel.Enforced, true), (stop.Proven.Level, stop.Exposed.Single(exposed => exposed.Audience == CertificateLog.Mail).IsUnproven));
    }

    [Fact]
    public void Where_nobody_had_to_sign_nothing_is_proven_enforced()
    {
        _log.Stop();

        var verdict = Proven(_log.Export(file => Stop(file, stop => stop with { Exposed = [] })));

        Assert.Equal((StopLevel.Nodes, StopLevel.Exhausted), (verdict.Level, verdict.LevelByWord));
    }

    [Fact]
    public void A_stop_of_another_incident_fails()
    {
        _log.Stop(incident: "i-8");
        AssertFails(_log.Export(), CertificateProperty.Stops);
    }

    [Fact]
    public void Several_stops_without_an_incident_and_no_stop_at_all_fail()
    {
        _log.Stop(incident: "");
        AssertFails(_log.Export(file => file with { Header = file.Header with { Incident = "" }, Stops = [] }), CertificateProperty.Stops);
        AssertFails(_log.Export(file => file with { Header = file.Header with { Incident = "" }, Stops = [file.Stops[0], file.Stops[0]] }), CertificateProperty.Stops);
    }

    [Theory]
    [InlineData("epoch")]
    [InlineData("state")]
    [InlineData("scope")]
    [InlineData("cut")]
    public void A_denial_that_is_not_that_of_the_entry_fails(string what)
    {
        _log.Enforced();
        var denial = what switch
        {
            "epoch" => _log.Denial with { Epoch = 3 },
            "state" => _log.Denial with { State = StandingState.Revoked },
            "scope" => _log.Denial with { Scope = Scope.Everything },
            _ => _log.Denial with { After = new LeafIndex(1) },
        };
        AssertFails(_log.Export(file => Stop(file, stop => stop with { Denial = DenialFormat.Encode(denial) })), CertificateProperty.Stops);
    }

    [Fact]
    public void A_stop_that_names_fewer_delegates_than_the_enforcers_have_signed_fails()
    {
        _log.Enforced();
        AssertFails(_log.Export(file => Stop(file, stop => stop with { Denial = DenialFormat.Encode(_log.Denial with { Agents = [] }) })), CertificateProperty.Acknowledgements);
    }

    [Fact]
    public void A_deadline_that_is_changed_fails_with_its_item()
    {
        _log.Enforced();
        AssertFails(
            _log.Export(file => file with { Entries = [.. file.Entries.Select(entry => entry.Index.Value != _log.Issuance ? entry : entry with { Items = [Sooner(entry.Items[0])] })] }), CertificateProperty.Exposure);
    }

    [Fact]
    public void A_credential_that_had_expired_or_came_later_is_no_exposure()
    {
        _log.Stop(lifetime: 0);
        AssertFails(_log.Export(), CertificateProperty.Exposure);
        AssertFails(_log.Export(file => Stop(file, stop => stop with { Exposed = [new ItemPlace(new LeafIndex(_log.StopIndex), 0)] })), CertificateProperty.Exposure);
    }

    [Fact]
    public void A_stop_that_two_have_lifted_is_never_exhausted_after_that()
    {
        _log.Enforced();
        _log.Restore(1, 2);
        _log.MadeAt = CertificateLog.At + 1_000_000;

        var stop = Proven(_log.Export()).Stops[0];

        Assert.Equal((StopLevel.Enforced, null), (stop.Proven.Level, stop.Proven.ExhaustedAt));
        Assert.NotNull(stop.Lifted);
    }

    [Fact]
    public void A_stop_that_one_has_lifted_fails()
    {
        _log.Enforced();
        _log.Restore(1);
        AssertFails(_log.Export(), CertificateProperty.Stops);
    }

    [Fact]
    public void An_order_is_signed_by_the_break_glass_key_of_then_and_for_this_scope()
    {
        var scope = Scope.Agent(TrailLog.Agent);
        var order = new StopOrder(TrailLog.Id(77), scope, "nobody answers", CertificateLog.At / 1000);

        Proven(Ordered(order, sealedKey: CertificateLog.ThiefKey, out var log), log);
        AssertFails(Ordered(order, sealedKey: CertificateLog.MailKey, out log), log, CertificateProperty.Stops);
        AssertFails(Ordered(order, sealedKey: null, out log), log, CertificateProperty.Stops);
        AssertFails(Ordered(order with { Scope = Scope.Everything }, sealedKey: CertificateLog.ThiefKey, out log), log, CertificateProperty.Stops);
    }

    private static byte[] Ordered(StopOrder order, PrivateKey? sealedKey, out CertificateLog log)
    {
        log = new CertificateLog();
        if (sealedKey is not null)
            log.Seal(sealedKey, 1, 2);
        log.Stop(Scope.Agent(TrailLog.Agent), order: order.Sign(CertificateLog.ThiefKey, "https://" + TrailLog.Origin));
        return log.Export();
    }

    [Fact]
    public void The_checkpoint_of_another_tree_fails_with_the_paths()
    {
        _log.Enforced();
        var other = new CertificateLog().Enforced();
        other.Restore(1, 2);
        Assert.True(CertificateFile.TryRead(other.Export(), out var lender, out _));
        AssertFails(_log.Export(file => file with { Header = file.Header with { Checkpoint = lender.Header.Checkpoint } }), CertificateProperty.Tree);
    }

    [Fact]
    public void An_entry_that_does_not_open_its_leaf_fails_and_so_does_one_out_of_order()
    {
        _log.Enforced();
        AssertFails(_log.Export(file => file with { Entries = [.. file.Entries.Select((entry, at) => at == 1 ? entry with { Opened = entry.Opened with { Salt = default } } : entry)] }), CertificateProperty.Openings);
        AssertFails(_log.Export(file => file with { Entries = [file.Entries[0], file.Entries[2], file.Entries[1], .. file.Entries.Skip(3)] }), CertificateProperty.Openings);
        AssertFails(_log.Export(file => file with { Entries = [.. file.Entries.Skip(1)] }), CertificateProperty.RegistryKeys);
    }

    [Fact]
    public void What_is_shown_of_a_stop_in_another_order_or_twice_fails()
    {
        _log.Enforced();
        AssertFails(_log.Export(file => Stop(file, stop => stop with { Signed = [stop.Signed[1], stop.Signed[0]] })), CertificateProperty.Acknowledgements);
        AssertFails(_log.Export(file => Stop(file, stop => stop with { Exposed = [stop.Exposed[0], stop.Exposed[0]] })), CertificateProperty.Exposure);
        AssertFails(_log.Export(file => file with { Trees = [file.Trees[0], file.Trees[0]] }), CertificateProperty.OneHistory);

        var silent = new CertificateLog();
        silent.Stop();
        foreach (var enforcer in new[] { CertificateLog.MailGateway, CertificateLog.DocumentsGateway })
            silent.Word.Add(new EnforcerWord(enforcer, EnforcerProgress.LeaseOver, CertificateLog.At + 500, CertificateLog.At + 500));
        AssertFails(silent.Export(), silent, CertificateProperty.Enforcers);
    }

    [Fact]
    public void A_certificate_is_not_older_than_what_it_shows()
    {
        _log.Enforced();
        _log.MadeAt = CertificateLog.At;
        AssertFails(_log.Export(), CertificateProperty.Seal);
    }

    [Fact]
    public void Whatever_somebody_changes_who_cannot_seal_it_fails_with_the_seal()
    {
        _log.Enforced();
        var bytes = _log.Export();
        Assert.True(CertificateFile.TryRead(bytes, out var file, out _));
        var thief = new NoteSignerKey(TrailLog.Origin, Ed25519PrivateKey.FromSeed(Sha256.Hash("thief"u8).ToArray()));

        AssertFails(CertificateLog.Write(Stop(file, stop => stop with { Signed = [stop.Signed[0]] }), _log.MadeAt, thief), CertificateProperty.Seal);
    }

    private static OwnItem Sooner(OwnItem item)
    {
        Assert.True(IssuanceItem.TryDecode(item.Item, out var credential));
        return item with { Item = (credential with { ExpiresAt = credential.ExpiresAt - 60 }).Encode() };
    }

    private static CertificateFile Stop(CertificateFile file, Func<CertifiedStop, CertifiedStop> lie) => file with { Stops = [lie(file.Stops[0])] };

    private CertificateVerdict Proven(byte[] bytes, CertificateLog? log = null)
    {
        var verdict = CertificateVerifier.Verify(bytes, TlogPolicy.LogAlone((log ?? _log).LogKey));
        Assert.Equal([], verdict.Findings.Where(finding => finding.Result != TrailResult.Passed).Select(finding => $"{finding.Property}: {finding.Words}"));
        return verdict;
    }

    private CertificateVerdict AssertFails(byte[] bytes, params CertificateProperty[] properties) => AssertFails(bytes, _log, properties);

    private static CertificateVerdict AssertFails(byte[] bytes, CertificateLog log, params CertificateProperty[] properties)
    {
        var verdict = CertificateVerifier.Verify(bytes, TlogPolicy.LogAlone(log.LogKey));
        Assert.Null(verdict.Level);
        Assert.All(properties, property => Assert.Equal((property, TrailResult.Failed), (property, verdict[property].Result)));
        return verdict;
    }
}
