using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Trails;

/// <summary>Lies that are well-formed, most of them by somebody who holds the log's key: each fails in the line that it belongs to.</summary>
public sealed class TrailLieTests
{
    private readonly TrailLog _log = new();

    [Fact]
    public void An_honest_file_is_proven_whole_and_with_any_activities_closed()
    {
        Fill();

        AssertProven(_log.Export());
        for (ulong from = 0; from < 8; from++)
            AssertProven(_log.Export(opens: sequence => sequence >= from && sequence < from + 3));
    }

    [Fact]
    public void A_removed_entry_is_missed_in_the_sequence_and_by_the_heads()
    {
        Fill();
        for (var at = 1; at < 7; at++)
            AssertFails(_log.Export(file => file with { Entries = Without(file.Entries, at) }), TrailProperty.Sequence, TrailProperty.Complete);
    }

    [Fact]
    public void A_cut_tail_is_missed_by_the_heads()
    {
        Fill();
        for (var kept = 1; kept < 8; kept++)
            AssertFails(_log.Export(file => file with { Entries = [.. file.Entries.Take(kept)] }), TrailProperty.Complete);
    }

    [Fact]
    public void Entries_in_another_order_fail()
    {
        Fill();
        AssertFails(_log.Export(file => file with { Entries = Swapped(file.Entries, 1, 3) }), TrailProperty.Sequence, TrailProperty.Complete, TrailProperty.Statements);
    }

    [Fact]
    public void A_closed_leaf_that_was_exchanged_does_not_chain()
    {
        Fill();
        var other = new TrailLog();
        other.Rotate(other.IssuerKey.KeyId, 1);
        other.Record();
        Assert.True(TrailFile.TryRead(other.Export(opens: _ => false), out var lender, out _));

        AssertFails(_log.Export(file => file with { Entries = [file.Entries[0], lender.Entries[1], .. file.Entries.Skip(2)] }, opens: sequence => sequence > 1), TrailProperty.Complete);
    }

    [Fact]
    public void Only_an_activity_can_stay_closed()
    {
        Fill();
        const int stopAt = 4;
        AssertFails(_log.Export(file => file with { Entries = [.. file.Entries.Select((entry, at) => at == stopAt ? entry with { Opened = null } : entry)] }), TrailProperty.Openings);
    }

    [Fact]
    public void Another_label_fails_with_its_commitment_its_nullifiers_and_its_head()
    {
        Fill();
        AssertFails(_log.Export(file => file with { Header = file.Header with { Label = Sha256.Hash("other"u8) } }), TrailProperty.Label, TrailProperty.Complete);
    }

    [Fact]
    public void The_label_of_another_agent_with_the_head_of_that_agent_fails()
    {
        Fill();
        AssertFails(_log.Export(file => file with { Header = file.Header with { Label = TrailLog.Label(TrailLog.Token) } }), TrailProperty.Label);
    }

    [Fact]
    public void An_entry_about_another_agent_fails()
    {
        _log.Append(new Stop(Scope.Agent(TrailLog.OtherAgent), StandingState.Frozen, "x", "", 2), TrailLog.OtherAgent, TrailLog.Agent);
        AssertFails(_log.Export(), TrailProperty.Stops);
        AssertFails(_log.Export(file => file with { Header = file.Header with { AgentId = TrailLog.OtherAgent } }), TrailProperty.Label, TrailProperty.Sequence);
    }

    [Fact]
    public void Forged_heads_fail()
    {
        Fill();
        var label = TrailLog.Label(TrailLog.Agent);
        _log.HeadsLie = heads => heads.TryFind(label, out var head) ? heads.With(label, head with { Count = head.Count - 1 }) : heads;
        AssertFails(_log.Export(), TrailProperty.Complete);
        _log.HeadsLie = heads => heads.TryFind(label, out var head) ? heads.With(label, head with { Hash = Sha256.Hash("x"u8) }) : heads;
        AssertFails(_log.Export(), TrailProperty.Complete);
        _log.HeadsLie = heads => heads.TryFind(label, out var head) ? heads.With(label, head with { Index = new LeafIndex(1) }) : heads;
        AssertFails(_log.Export(), TrailProperty.Complete);
        _log.HeadsLie = _ => HeadMap.Empty.With(TrailLog.Label(TrailLog.Token), new Head(1, Sha256.Hash("x"u8), default));
        AssertFails(_log.Export(), TrailProperty.Complete);
    }

    [Fact]
    public void A_heads_entry_that_is_not_the_last_under_its_checkpoint_could_hide_later_entries()
    {
        Fill();
        Assert.True(TrailFile.TryRead(_log.Export(), out var file, out _));
        Assert.True(Entry.TryDecode(file.Heads.Entry, out var heads));
        var earlier = _log.Append(heads.Body, TrailLog.Registry);
        _log.Record(quarantined: true);

        var hides = _log.Export(later => later with { Entries = [.. later.Entries.SkipLast(1)], Heads = _log.Open(earlier), MapProof = file.MapProof });

        Assert.Equal([TrailProperty.Complete], Verify(hides).Findings.Where(finding => finding.Result != TrailResult.Passed).Select(finding => finding.Property));
    }

    [Fact]
    public void A_statement_of_another_key_fails()
    {
        using var thief = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        _log.Record();
        _log.Record(signer: thief);

        AssertFails(_log.Export(), TrailProperty.Statements);
    }

    [Fact]
    public void A_statement_for_another_log_fails()
    {
        _log.Record(origin: "elsewhere:5000");
        AssertFails(_log.Export(), TrailProperty.Statements);
    }

    [Fact]
    public void A_statement_that_was_left_out_before_it_was_sequenced_breaks_the_chain()
    {
        _log.Record();
        var statement = _log.Statement(2, Sha256.Hash("left out"u8), "x");
        _log.Append(new Activity(statement, KeyAlgorithm.Ed25519, _log.Key.Sign(statement), false), TrailLog.Agent);

        AssertFails(_log.Export(), TrailProperty.Statements);
        AssertFails(_log.Export(opens: sequence => sequence == 2), TrailProperty.Statements);
    }

    [Fact]
    public void What_comes_after_a_stop_is_quarantined()
    {
        _log.Record();
        _log.Stop();
        _log.Record(quarantined: false);

        AssertFails(_log.Export(), TrailProperty.Quarantine);
        AssertFails(_log.Export(opens: _ => false), TrailProperty.Quarantine);
    }

    [Fact]
    public void Nothing_is_issued_to_a_stopped_agent()
    {
        _log.Issue();
        _log.Stop();
        AssertProven(_log.Export());
        _log.Issue();

        AssertFails(_log.Export(), TrailProperty.Stops);
    }

    [Fact]
    public void What_came_while_a_stop_was_under_way_stands_quarantined_directly_before_it()
    {
        _log.Record();
        _log.Record(quarantined: true);
        _log.Record(quarantined: true);
        _log.Stop(StandingState.Revoked);
        _log.Record(quarantined: true);

        AssertProven(_log.Export());
    }

    [Fact]
    public void What_was_quarantined_for_a_stop_that_was_never_recorded_is_said_and_accuses_nobody()
    {
        _log.Record(quarantined: true);
        AssertPasses(_log.Export(), TrailProperty.Quarantine, "1 is quarantined without a stop in the trail");
        _log.Record();
        _log.Record(quarantined: true);
        _log.Stop();
        AssertPasses(_log.Export(), TrailProperty.Quarantine, "1 activity recorded after a stop, or while one was under way, and marked so; 1 is quarantined without a stop");
    }

    [Fact]
    public void What_rests_on_the_class_of_closed_entries_is_said()
    {
        Fill();
        var closed = _log.Export(opens: sequence => sequence < 2);

        AssertPasses(closed, TrailProperty.Statements, "3 closed ones are taken for what their class says, and links across them are not checked");
        AssertPasses(closed, TrailProperty.Stops, "3 closed ones are taken for what their class says");
        AssertPasses(closed, TrailProperty.Quarantine, "3 closed ones are taken for what their class says");
        Assert.Contains(Verify(closed).NotChecked, words => words.StartsWith("that the closed ones are activities, and signed by the agent", StringComparison.Ordinal));
        Assert.DoesNotContain("closed", Verify(_log.Export())[TrailProperty.Stops].Words, StringComparison.Ordinal);
    }

    [Fact]
    public void An_entry_about_two_subjects_cannot_stay_closed_as_an_activity()
    {
        _log.Append(new Stop(Scope.Agent(TrailLog.Agent), StandingState.Frozen, "hidden among activities", "", 3), EntryClass.Activity, TrailLog.Agent, TrailLog.OtherAgent);
        AssertFails(_log.Export(file => With(file, entry => entry with { Opened = null })), TrailProperty.Openings);
    }

    [Fact]
    public void An_enrolment_that_the_key_did_not_ask_for_fails()
    {
        using var thief = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var honest = TrailLog.Proof(_log.Key);
        foreach (var proof in (string[])["", "proof", TrailLog.Proof(thief), TrailLog.Proof(_log.Key, "https://elsewhere.example"), honest[..^2] + (honest[^2] == 'A' ? "Q" : "A") + honest[^1]])
            AssertFails(new TrailLog(proof: proof).Export(), TrailProperty.Statements);
    }

    [Fact]
    public void An_agent_is_enrolled_once()
    {
        using var thief = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        _log.Append(new AgentEnrolled(TrailLog.Agent, TrailLog.Token, thief.PublicKey, new Grant("desk", "bot/1", [], "[]", []), TrailLog.Proof(thief)), TrailLog.Agent, TrailLog.Token);
        AssertFails(_log.Export(), TrailProperty.Statements);
    }

    [Fact]
    public void A_statement_under_another_algorithm_than_the_key_has_fails()
    {
        var statement = _log.Statement(0, default, "done");
        _log.Append(new Activity(statement, KeyAlgorithm.ES256, _log.Key.Sign(statement), false), TrailLog.Agent);
        AssertFails(_log.Export(), TrailProperty.Statements);

        var other = new TrailLog();
        var held = other.Record();
        var second = other.Statement(0, default, "another");
        other.Append(new Fork(new LeafIndex(held), Sha256.Hash(other.Statement(0, default, "done")), second, KeyAlgorithm.ES256, other.Key.Sign(second)), TrailLog.Agent);
        AssertFails(other.Export(), TrailProperty.Forks);
    }

    [Fact]
    public void A_trail_of_a_registry_with_one_operator_says_that_one_is_enough()
    {
        var log = new TrailLog(hasOneOperator: true);
        log.Erase(log.Record(), signers: [1]);
        var verdict = TrailVerifier.Verify(log.Export(), log.LogKey);
        Assert.True(verdict.IsProven);
        Assert.Contains(verdict.RestsOn, word => word.Contains("single-operator mode", StringComparison.Ordinal));

        Assert.DoesNotContain(Verify(_log.Export()).RestsOn, word => word.Contains("single-operator mode", StringComparison.Ordinal));
    }

    [Fact]
    public void An_operator_whom_two_have_added_approves_an_erasure_a_day_later()
    {
        AssertProven(ErasedByTheThird(TimeSpan.FromHours(24), 1, 2));
        AssertFails(ErasedByTheThird(TimeSpan.FromHours(23), 1, 2), TrailProperty.Erasures);
        AssertFails(ErasedByTheThird(TimeSpan.FromHours(24), 1), TrailProperty.RegistryKeys, TrailProperty.Erasures);
        AssertFails(ErasedByTheThird(TimeSpan.FromHours(24), 1, 3), TrailProperty.RegistryKeys, TrailProperty.Erasures);
    }

    [Fact]
    public void An_operator_who_was_removed_approves_nothing_from_then_on()
    {
        var erased = _log.Record();
        _log.RemoveOperator(2, 1, 2);
        _log.Erase(erased, signers: [1, 2]);
        AssertFails(_log.Export(), TrailProperty.Erasures);
    }

    private static byte[] ErasedByTheThird(TimeSpan later, params byte[] adding)
    {
        var log = new TrailLog { Clock = 1_730_616_065_000 };
        var erased = log.Record();
        log.AddOperator(3, adding);
        log.Clock += (long)later.TotalMilliseconds;
        log.Erase(erased, signers: [1, 3]);
        return log.Export();
    }

    [Fact]
    public void An_erasure_at_a_time_beyond_the_calendar_is_a_verdict_and_no_exception()
    {
        _log.Record();
        _log.Clock = long.MaxValue;
        _log.Erase(2, signers: [1, 2]);
        Assert.Contains("9999-12-31", Verify(_log.Export())[TrailProperty.Erasures].Words, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fork_is_reported_and_accuses_the_agent_only_with_two_statements_that_cannot_both_stand()
    {
        var held = _log.Record();
        Accuse(held, _log.Statement(0, default, "another"));
        AssertProven(_log.Export());
        Assert.Contains("the AGENT signed two statements", Verify(_log.Export())[TrailProperty.Forks].Words, StringComparison.Ordinal);
    }

    [Fact]
    public void An_accusation_whose_first_statement_is_closed_is_not_checked_and_nothing_is_proven()
    {
        var held = _log.Record();
        Accuse(held, _log.Statement(0, default, "done"));
        var verdict = Verify(_log.Export(opens: _ => false));

        Assert.Equal((TrailResult.NotChecked, false), (verdict[TrailProperty.Forks].Result, verdict.IsProven));
        Assert.Contains($"is not checked: entry {held}, which it names, is not shown", verdict[TrailProperty.Forks].Words, StringComparison.Ordinal);
    }

    [Fact]
    public void An_accusation_that_names_itself_a_later_entry_or_an_open_one_that_is_no_statement_fails_though_others_are_closed()
    {
        foreach (var held in (ulong[])[1, 3, 4, 100])
        {
            var log = new TrailLog();
            log.Record();
            var statement = log.Statement(0, default, "another");
            log.Append(new Fork(new LeafIndex(held), Sha256.Hash(log.Statement(0, default, "done")), statement, KeyAlgorithm.Ed25519, log.Key.Sign(statement)), TrailLog.Agent);
            log.Record();
            AssertFails(log.Export(opens: _ => false), TrailProperty.Forks);
        }
    }

    [Fact]
    public void A_fork_that_names_another_predecessor_is_one()
    {
        var held = _log.Record();
        Accuse(held, _log.Statement(1, Sha256.Hash("x"u8), "another"));
        AssertProven(_log.Export());
    }

    [Fact]
    public void A_false_accusation_fails()
    {
        var held = _log.Record();
        var first = _log.Statement(0, default, "done");
        Accuse(held, first);
        AssertFails(_log.Export(), TrailProperty.Forks);
    }

    [Fact]
    public void An_accusation_with_the_statement_that_came_next_fails()
    {
        var held = _log.Record();
        Accuse(held, _log.Statement(1, Sha256.Hash(_log.Statement(0, default, "done")), "next"));
        AssertFails(_log.Export(), TrailProperty.Forks);
    }

    [Fact]
    public void An_accusation_that_the_agent_did_not_sign_or_that_names_no_statement_fails()
    {
        using var thief = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var held = _log.Record();
        Accuse(held, _log.Statement(0, default, "another"), thief);
        AssertFails(_log.Export(), TrailProperty.Forks);

        Accuse(0, _log.Statement(0, default, "another"));
        AssertFails(_log.Export(), TrailProperty.Forks);
    }

    [Fact]
    public void What_two_operators_erased_is_proven_and_the_chain_goes_on_over_it()
    {
        Fill();
        _log.Erase(4, signers: [1, 2]);
        _log.Erase(2, signers: [2, 1]);
        AssertProven(_log.Export());
        AssertProven(_log.Export(opens: _ => false));
    }

    [Theory]
    [InlineData]
    [InlineData((byte)1)]
    [InlineData((byte)1, (byte)1)]
    [InlineData((byte)1, (byte)3)]
    [InlineData((byte)1, (byte)2, (byte)3)]
    public void An_erasure_takes_two_operators_that_genesis_names(params byte[] signers)
    {
        Fill();
        _log.Erase(2, signers: signers);
        AssertFails(_log.Export(), TrailProperty.Erasures);
    }

    [Fact]
    public void A_stub_that_is_not_the_one_that_was_named_fails()
    {
        foreach (var lie in (Func<ErasedStub, ErasedStub>[])
                 [
                     stub => stub with { Identity = Sha256.Hash("x"u8) }, stub => stub with { At = stub.At + 1 }, stub => stub with { IsQuarantined = true },
                     stub => stub with { ErasedAt = stub.ErasedAt + 1 }, stub => stub with { ErasedBy = new LeafIndex(stub.ErasedBy.Value + 1) },
                 ])
        {
            AssertFails(Erased(lie: lie), TrailProperty.Erasures);
        }
    }

    [Fact]
    public void A_stub_that_was_named_and_contradicts_the_leaf_the_chain_or_its_own_entry_fails()
    {
        AssertFails(Erased(liesBoth: stub => stub with { Identity = Sha256.Hash("x"u8) }), TrailProperty.Statements);
        AssertFails(Erased(liesBoth: stub => stub with { Previous = Sha256.Hash("x"u8) }), TrailProperty.Statements);
        AssertFails(Erased(liesBoth: stub => stub with { Sequence = stub.Sequence + 1 }), TrailProperty.Statements);
        AssertFails(Erased(liesBoth: stub => stub with { IsQuarantined = true }), TrailProperty.Erasures);
        AssertFails(Erased(liesBoth: stub => stub with { SubjectSequence = 2 }), TrailProperty.Erasures);
        AssertFails(Erased(liesBoth: stub => stub with { AgentId = TrailLog.OtherAgent }), TrailProperty.Erasures);
        AssertFails(Erased(liesBoth: stub => stub with { KeyId = new KeyId(Sha256.Hash("x"u8)) }), TrailProperty.Erasures);
        AssertFails(Erased(liesBoth: stub => stub with { ErasedAt = stub.ErasedAt + 1 }), TrailProperty.Erasures);
        AssertFails(Erased(liesBoth: stub => stub with { At = stub.At - 10 }), TrailProperty.Sequence);
    }

    [Fact]
    public void An_activity_that_is_shown_as_erased_and_that_no_entry_erased_fails()
    {
        Fill();
        Assert.True(TrailFile.TryRead(Erased(), out var lender, out _));
        AssertFails(_log.Export(file => file with { Entries = [file.Entries[0], lender.Entries[1], .. file.Entries.Skip(2)] }), TrailProperty.Erasures);
    }

    [Fact]
    public void Nothing_is_erased_while_a_hold_stands_and_a_hold_is_lifted_by_two()
    {
        Fill();
        var hold = _log.Hold();
        AssertProven(_log.Export());
        _log.Lift(hold, 1, 2);
        _log.Erase(2, signers: [1, 2]);
        AssertProven(_log.Export());
        _log.Hold();
        _log.Erase(4, signers: [1, 2]);
        AssertFails(_log.Export(), TrailProperty.Erasures);
    }

    [Fact]
    public void A_hold_that_one_operator_lifted_or_that_does_not_stand_fails()
    {
        var hold = _log.Hold();
        _log.Lift(hold, 1);
        AssertFails(_log.Export(), TrailProperty.Erasures);

        var other = new TrailLog();
        other.Lift(other.Hold() - 1, 1, 2);
        AssertFails(other.Export(), TrailProperty.Erasures);
    }

    [Fact]
    public void A_credential_that_was_not_issued_or_for_another_key_fails()
    {
        var other = new KeyId(Sha256.Hash("other"u8));
        foreach (var issue in (Action<TrailLog>[])
                 [
                     log => log.Issue(shown: TrailLog.Item(TrailLog.Agent, log.Key.PublicKey.KeyId)[..^1]),
                     log => log.Issue(shown: TrailLog.Item(TrailLog.OtherAgent, log.Key.PublicKey.KeyId)),
                     log => log.Issue(shown: TrailLog.Item(TrailLog.Agent, other)),
                     log => log.Issue(jkt: other),
                 ])
        {
            var log = new TrailLog();
            issue(log);
            AssertFails(log.Export(), TrailProperty.Credentials);
        }
    }

    [Fact]
    public void An_issuance_that_shows_no_credential_or_one_twice_fails()
    {
        _log.Issue();
        AssertProven(_log.Export());
        AssertFails(_log.Export(file => With(file, entry => entry with { Items = [] })), TrailProperty.Credentials);
        AssertFails(_log.Export(file => With(file, entry => entry with { Items = [.. entry.Items, .. entry.Items] })), TrailProperty.Credentials);
    }

    [Fact]
    public void A_credential_that_is_left_out_is_not_noticed_and_the_words_say_so()
    {
        _log.Issue();
        var kept = _log.Export(file => With(file, entry => entry with { Items = [.. entry.Items.Skip(1)] }));

        AssertProven(kept);
        AssertPasses(kept, TrailProperty.Credentials, "at least these: 1 credential,");
        AssertPasses(_log.Export(), TrailProperty.Credentials, "at least these: 2 credentials,");
        Assert.Contains(Verify(kept).NotChecked, words => words.StartsWith("credentials of an issuance that the file leaves out", StringComparison.Ordinal));
    }

    [Fact]
    public void A_leaf_of_another_class_than_its_entry_fails()
    {
        _log.Append(new Stop(Scope.Agent(TrailLog.Agent), StandingState.Frozen, "hidden among activities", "", 3), EntryClass.Activity, TrailLog.Agent);
        AssertFails(_log.Export(), TrailProperty.Openings);
    }

    [Fact]
    public void Keys_of_the_registry_that_do_not_follow_from_its_genesis_fail()
    {
        _log.Rotate(_log.IssuerKey.KeyId, 1);
        AssertProven(_log.Export());
        AssertFails(_log.Export(file => file with { RegistryEntries = [.. file.RegistryEntries.Skip(1)] }), TrailProperty.RegistryKeys);
        AssertFails(_log.Export(file => file with { RegistryEntries = [.. file.RegistryEntries.Reverse()] }), TrailProperty.RegistryKeys);
        AssertFails(_log.Export(file => file with { RegistryEntries = [] }), TrailProperty.RegistryKeys);
        AssertFails(_log.Export(file => file with { RegistryEntries = [.. file.RegistryEntries, file.Entries[0].Opened!] }), TrailProperty.RegistryKeys);
        _log.Rotate(_log.IssuerKey.KeyId, 2);
        AssertFails(_log.Export(), TrailProperty.RegistryKeys);
    }

    [Fact]
    public void A_rotation_of_a_key_that_is_not_for_credentials_fails()
    {
        _log.Rotate(PublicKey.TryRead(KeyAlgorithm.Ed25519, _log.LogKey.PublicKey.Bytes, out var key) ? key.KeyId : default, 1, RegistryKeyUse.Log);
        AssertFails(_log.Export(), TrailProperty.RegistryKeys);
    }

    [Fact]
    public void A_log_that_another_genesis_founded_fails()
    {
        var other = new TrailLog(founds: false);
        other.Append(new CallsRefused([]), TrailLog.Registry);
        AssertFails(other.Export(), TrailProperty.RegistryKeys);
    }

    [Fact]
    public void A_checkpoint_of_another_key_fails_and_nothing_else_is_said()
    {
        Fill();
        var other = new NoteSignerKey(TrailLog.Origin, Ed25519PrivateKey.Generate());
        var verdict = TrailVerifier.Verify(_log.Export(), other.Verifier);

        Assert.Equal(TrailResult.Failed, verdict[TrailProperty.Checkpoint].Result);
        Assert.All(verdict.Findings.Where(finding => finding.Property > TrailProperty.Checkpoint), finding => Assert.Equal(TrailResult.NotChecked, finding.Result));
    }

    [Fact]
    public void A_file_that_names_another_log_key_than_the_trusted_one_fails_though_the_checkpoint_is_genuine()
    {
        Fill();
        var other = new NoteSignerKey(TrailLog.Origin, Ed25519PrivateKey.Generate());
        AssertFails(_log.Export(file => file with { Header = file.Header with { LogKey = other.Verifier.ToString() } }), TrailProperty.Checkpoint);
    }

    [Fact]
    public void A_policy_that_asks_for_a_witness_is_met_by_its_cosignature_and_the_verdict_names_it()
    {
        Fill();
        var witness = new CosignerKey("witness.example/w1", Ed25519PrivateKey.Generate());
        var text = $"log {_log.LogKey}\nwitness w1 {witness.Verifier}\nquorum w1\n";
        Assert.True(TlogPolicy.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out var policy, out _, out _));

        var alone = TrailVerifier.Verify(_log.Export(), policy);
        var cosigned = TrailVerifier.Verify(_log.Export(file => file with { Header = file.Header with { Checkpoint = Cosigned(file.Header.Checkpoint, witness) } }), policy);

        Assert.Equal(TrailResult.Failed, alone[TrailProperty.Checkpoint].Result);
        Assert.True(cosigned.IsProven);
        Assert.Contains("cosigned by w1", cosigned[TrailProperty.Checkpoint].Words, StringComparison.Ordinal);
        Assert.Contains(cosigned.RestsOn, words => words.Contains("All of them together", StringComparison.Ordinal));
    }

    private static string Cosigned(string text, CosignerKey witness)
    {
        Assert.True(SignedNote.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out var note, out _));
        Assert.True(Checkpoint.TryParse(note.Text.Span, out var checkpoint, out _));
        return System.Text.Encoding.UTF8.GetString(note.With(witness.Sign(checkpoint, DateTimeOffset.UnixEpoch.AddDays(20_000))).ToArray());
    }

    private void Fill()
    {
        _log.Record();
        _log.Issue();
        _log.Record();
        _log.Stop();
        _log.Record(quarantined: true);
        _log.Append(new PrivateDataRead("/x", "y", 1), TrailLog.Agent);
        _log.Record(quarantined: true);
    }

    // The first of two statements, erased.
    private static byte[] Erased(Func<ErasedStub, ErasedStub>? lie = null, Func<ErasedStub, ErasedStub>? liesBoth = null)
    {
        var log = new TrailLog();
        log.Record();
        log.Record();
        log.Erase(2, lie, liesBoth, 1, 2);
        return log.Export();
    }

    private void Accuse(ulong held, byte[] statement, PrivateKey? signer = null) => _log.Append(
        new Fork(new LeafIndex(held), Sha256.Hash(_log.Statement(0, default, "done")), statement, KeyAlgorithm.Ed25519, (signer ?? _log.Key).Sign(statement)), TrailLog.Agent);

    private TrailVerdict Verify(byte[] file) => TrailVerifier.Verify(file, _log.LogKey);

    private void AssertProven(byte[] file) =>
        Assert.All(Verify(file).Findings, finding => Assert.Equal((finding.Property, TrailResult.Passed, ""), (finding.Property, finding.Result, string.Join("; ", finding.Problems))));

    private void AssertPasses(byte[] file, TrailProperty property, string words)
    {
        var finding = Verify(file)[property];
        Assert.Equal((TrailResult.Passed, ""), (finding.Result, string.Join("; ", finding.Problems)));
        Assert.Contains(words, finding.Words, StringComparison.Ordinal);
    }

    private void AssertFails(byte[] file, params TrailProperty[] expected)
    {
        var failed = Verify(file).Findings.Where(finding => finding.Result == TrailResult.Failed).Select(finding => finding.Property).ToArray();
        Assert.NotEmpty(failed);
        Assert.Superset(expected.ToHashSet(), failed.ToHashSet());
    }

    private static IReadOnlyList<AgentEntry> Without(IReadOnlyList<AgentEntry> entries, int at) => [.. entries.Take(at), .. entries.Skip(at + 1)];

    private static AgentEntry[] Swapped(IReadOnlyList<AgentEntry> entries, int one, int other)
    {
        var swapped = entries.ToArray();
        (swapped[one], swapped[other]) = (swapped[other], swapped[one]);
        return swapped;
    }

    private static TrailFile With(TrailFile file, Func<AgentEntry, AgentEntry> change) => file with { Entries = [.. file.Entries.SkipLast(1), change(file.Entries[^1])] };
}
