using AgentIdentity.Client.Enforcing;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Passkeys;
using AgentIdentity.Tests.Watch;
using Google.Protobuf;
using static AgentIdentity.Client.Enforcing.EnforcerAlarmKind;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Client.Tests.Enforcing;

/// <summary>The rules of the watch, each with whoever would break it. docs/formats.md, "Watch".</summary>
public sealed class WatchedTests
{
    private static readonly Scope Agent = Scope.Agent(Watching.Agent);

    private readonly ManualTime _clock = new();
    private readonly ScriptedRegistry _registry;

    public WatchedTests() => _registry = new ScriptedRegistry(_clock);

    private Watching Live(EnforcerState? state = null) => Watching.Live(_registry, _clock, state);

    [Fact]
    public void A_stop_is_refused_and_acknowledged_as_soon_as_its_delta_comes()
    {
        var watching = Live();
        Assert.False(watching.Refuses(Agent));
        Assert.Equal(WatchStep.Acknowledge, watching.Watched.Take(_registry.Stop(Agent).Delta));
        Assert.True(watching.Refuses(Agent));
        Assert.Equal(_registry.Epoch, watching.Watched.Epoch);
        Assert.Equal(_registry.Denials.Digest, watching.Watched.Acknowledge(3, default).Digest);
        Assert.Single(watching.Denied);
    }

    [Fact]
    public void An_epoch_that_concerns_others_is_acknowledged_too()
    {
        var watching = Live();
        Assert.Equal(WatchStep.Acknowledge, watching.Watched.Take(_registry.Nothing()));
        Assert.Equal(_registry.Epoch, watching.Watched.Acknowledge(0, default).Epoch);
    }

    [Fact]
    public void A_delta_that_comes_twice_ends_the_stream_by_name()
    {
        var watching = Live();
        var delta = _registry.Stop(Agent).Delta;
        watching.Watched.Take(delta);
        Assert.Equal(WatchStep.End, watching.Watched.Take(delta));
        Assert.Equal([EpochWentBack], watching.AlarmKinds);
    }

    [Fact]
    public void A_gap_ends_the_stream_and_what_came_after_it_is_refused_all_the_same()
    {
        var watching = Live();
        var lost = _registry.Stop(Scope.Agent(ScriptedRegistry.Id(7)));
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Stop(Agent).Delta));
        Assert.True(watching.Refuses(Agent));
        Assert.False(watching.Refuses(lost.Denial.Scope));
        watching.Connect(_registry);
        Assert.True(watching.Refuses(lost.Denial.Scope));
        Assert.Equal(WatchStep.Acknowledge, watching.Beat(_registry));
        Assert.Empty(watching.Alarms);
    }

    [Fact]
    public void Deltas_in_another_order_end_the_stream()
    {
        var watching = Live();
        var first = _registry.Stop(Agent).Delta;
        var second = _registry.Stop(Scope.Agent(ScriptedRegistry.Id(7))).Delta;
        Assert.Equal(WatchStep.End, watching.Watched.Take(second));
        // Were it to come all the same, the digest would not be the one that was signed.
        Assert.Equal(WatchStep.End, watching.Watched.Take(first));
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void A_delta_that_another_key_has_signed_changes_nothing()
    {
        var watching = Live();
        var genuine = _registry.WatchKey;
        using var stolen = Ed25519PrivateKey.Generate();
        _registry.WatchKey = new NoteSignerKey(genuine.Verifier.Name, stolen);
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Stop(Agent).Delta));
        Assert.False(watching.Refuses(Agent));
        Assert.Equal([NoteForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_delta_for_another_view_ends_the_stream()
    {
        var watching = Live();
        _registry.View = ViewId.Of(["https://other.example"]);
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Stop(Agent).Delta));
        Assert.Equal([NoteForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_delta_with_another_payload_than_its_note_names_ends_the_stream()
    {
        var watching = Live();
        var delta = _registry.Stop(Agent).Delta;
        delta.Delta.Payload = ByteString.CopyFrom(DenialFormat.Encode(new Denial(new LeafIndex(9), 2, StandingState.Restricted, Scope.Agent(ScriptedRegistry.Id(7)))));
        Assert.Equal(WatchStep.End, watching.Watched.Take(delta));
        Assert.False(watching.Refuses(Scope.Agent(ScriptedRegistry.Id(7))));
    }

    [Fact]
    public void A_delta_in_parts_is_one()
    {
        var watching = Live();
        var whole = _registry.Stop(Agent).Delta.Delta;
        var first = new WatchDelta { Note = whole.Note, Payload = ByteString.CopyFrom(whole.Payload.Span[..10]), HasMore = true };
        Assert.Equal(WatchStep.Next, watching.Watched.Take(new RegistryMessage { Delta = first }));
        Assert.Equal(WatchStep.Acknowledge, watching.Watched.Take(new RegistryMessage { Delta = new WatchDelta { Payload = ByteString.CopyFrom(whole.Payload.Span[10..]) } }));
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void Another_digest_ends_the_stream_and_the_denial_stays()
    {
        var watching = Live();
        _registry.Denials.Add(new Denial(new LeafIndex(0), 1, StandingState.Frozen, Scope.Agent(ScriptedRegistry.Id(7))));
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Stop(Agent).Delta));
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void A_stop_that_is_not_proven_within_five_seconds_is_an_alarm_and_refused_all_the_same()
    {
        var watching = Live();
        watching.Watched.Take(_registry.Stop(Agent).Delta);
        watching.TickAfter(TimeSpan.FromSeconds(4.9));
        Assert.Empty(watching.Alarms);
        watching.TickAfter(TimeSpan.FromSeconds(0.1));
        watching.TickAfter(TimeSpan.FromSeconds(10));
        Assert.Equal([DeltaUnproven], watching.AlarmKinds);
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void A_stop_that_is_proven_is_no_alarm()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        Assert.Equal(WatchStep.Next, watching.Watched.Take(_registry.Proof(denial.Index)));
        watching.TickAfter(TimeSpan.FromSeconds(6));
        Assert.Empty(watching.Alarms);
    }

    public static TheoryData<string, System.Action<WatchProof>> BrokenProofs => new()
    {
        { "salt", proof => proof.Salt = Flip(proof.Salt) },
        { "entry", proof => proof.Entry = Flip(proof.Entry) },
        { "index", proof => proof.LedgerIndex-- },
        { "receipt", proof => proof.Receipt = proof.Receipt.Replace("index 1", "index 0", StringComparison.Ordinal) },
        { "no receipt", proof => proof.Receipt = "" },
        { "no salt", proof => proof.Salt = ByteString.Empty },
    };

    [Theory]
    [MemberData(nameof(BrokenProofs))]
    public void A_proof_that_does_not_open_its_entry_is_refused_by_name(string what, System.Action<WatchProof> lie)
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        Assert.True(watching.Watched.Take(_registry.Proof(denial.Index, lie)) == WatchStep.End, what);
        Assert.Equal([ProofForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_proof_of_another_entry_than_the_stop_is_refused_by_name()
    {
        var watching = Live();
        var (_, delta) = _registry.Stop(Agent);
        var other = new Stop(Scope.Agent(ScriptedRegistry.Id(7)), StandingState.Restricted, "another", "", _registry.Epoch);
        watching.Watched.Take(delta);
        _registry.Forget(1);
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Proof(_registry.Append(other, ScriptedRegistry.Id(7)))));
        Assert.Equal([ProofForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_restore_lifts_when_it_is_proven_and_not_before()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        watching.Watched.Take(_registry.Proof(denial.Index));
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        Assert.Equal(WatchStep.Acknowledge, watching.Watched.Take(lift));
        Assert.True(watching.Refuses(Agent));
        Assert.Equal(WatchStep.Acknowledge, watching.Beat(_registry));
        Assert.Equal(WatchStep.Next, watching.Watched.Take(_registry.Proof(index)));
        Assert.False(watching.Refuses(Agent));
        watching.TickAfter(TimeSpan.FromSeconds(6));
        Assert.Empty(watching.Alarms);
    }

    [Fact]
    public void A_restore_that_is_proven_before_its_delta_lifts_with_the_delta()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        watching.Watched.Take(_registry.Proof(index));
        Assert.True(watching.Refuses(Agent));
        watching.Watched.Take(lift);
        Assert.False(watching.Refuses(Agent));
    }

    [Fact]
    public void A_restore_that_is_announced_and_not_proven_lifts_nothing_and_is_an_alarm()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        watching.Watched.Take(_registry.Proof(denial.Index));
        watching.Watched.Take(_registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders)).Delta);
        watching.TickAfter(TimeSpan.FromSeconds(5));
        Assert.Equal([DeltaUnproven], watching.AlarmKinds);
        Assert.True(watching.Refuses(Agent));
    }

    public static TheoryData<string> ForgedRestores => ["nobody", "one operator", "the same operator twice", "a stranger", "other stops", "another reason", "different nonces", "stale"];

    [Theory]
    [MemberData(nameof(ForgedRestores))]
    public void A_forged_restore_lifts_nothing_and_is_an_alarm(string approvedBy)
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], Approvals(approvedBy, denial));
        watching.Watched.Take(lift);
        Assert.Equal(WatchStep.Next, watching.Watched.Take(_registry.Proof(index)));
        Assert.True(watching.Refuses(Agent));
        Assert.Equal([RestoreForged], watching.AlarmKinds);
    }

    private IReadOnlyList<string> Approvals(string approvedBy, Denial denial)
    {
        var (anna, bela) = (_registry.Founders[0], _registry.Founders[1]);
        switch (approvedBy)
        {
            case "nobody":
                return [];
            case "one operator":
                return _registry.ApproveRestore([denial], anna);
            case "the same operator twice":
                return _registry.ApproveRestore([denial], anna, anna);
            case "a stranger":
                return _registry.ApproveRestore([denial], anna, ScriptedRegistry.NewOperator("Nobody"));
            case "other stops":
                return _registry.ApproveRestore([denial with { Index = new LeafIndex(0) }], anna, bela);
            case "another reason":
                return _registry.Approve(Credentials.Proofs.ApprovedAction.Restore([denial.Index], "for another reason"), anna, bela);
            case "different nonces":
                var first = _registry.ApproveRestore([denial], anna);
                _registry.Append(new HoldPlaced(Watching.Agent, "moves the nonce on"), Watching.Agent);
                return [.. first, .. _registry.ApproveRestore([denial], bela)];
            default:
                var old = _registry.ApproveRestore([denial], anna, bela);
                _clock.Advance(TimeSpan.FromHours(2));
                return old;
        }
    }

    [Fact]
    public void Approvals_serve_once()
    {
        var watching = Live();
        var newcomer = ScriptedRegistry.NewOperator("Cora");
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.AddOperator(newcomer.Key.PublicKey.KeyId, "Cora"), _registry.Founders);
        Take(watching, new OperatorAdded("Cora", newcomer.Key.PublicKey, "", approvals, _registry.Epoch + 1), newcomer.Caller);
        Take(watching, new CallerRemoved(newcomer.Caller, "gone", _registry.Approve(Credentials.Proofs.ApprovedAction.RemoveCaller(newcomer.Caller, "gone"), _registry.Founders), _registry.Epoch + 1), newcomer.Caller);
        Assert.Empty(watching.Alarms);
        Take(watching, new OperatorAdded("Cora", newcomer.Key.PublicKey, "", approvals, _registry.Epoch + 1), newcomer.Caller);
        Assert.Equal([RestoreForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_new_operator_cannot_approve_for_a_day_and_then_what_waited_is_lifted()
    {
        var watching = Live();
        var newcomer = ScriptedRegistry.NewOperator("Cora");
        Add(watching, newcomer);
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        _clock.Advance(TimeSpan.FromHours(23));
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders[0], newcomer));
        watching.Watched.Take(lift);
        watching.Watched.Take(_registry.Proof(index));
        watching.Watched.Tick();
        Assert.True(watching.Refuses(Agent));
        _clock.Advance(TimeSpan.FromHours(1));
        watching.Watched.Tick();
        Assert.False(watching.Refuses(Agent));
        Assert.Empty(watching.Alarms);
    }

    [Fact]
    public void What_an_operator_approved_who_was_removed_before_a_day_was_over_is_not_lifted_and_says_so()
    {
        var watching = Live();
        var newcomer = ScriptedRegistry.NewOperator("Cora");
        Add(watching, newcomer);
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders[0], newcomer));
        watching.Watched.Take(lift);
        watching.Watched.Take(_registry.Proof(index));
        Assert.Empty(watching.Alarms);
        Take(watching, new CallerRemoved(newcomer.Caller, "left", _registry.Approve(Credentials.Proofs.ApprovedAction.RemoveCaller(newcomer.Caller, "left"), _registry.Founders), _registry.Epoch + 1), newcomer.Caller);
        _clock.Advance(TimeSpan.FromHours(25));
        watching.Watched.Tick();
        Assert.True(watching.Refuses(Agent));
        var alarm = Assert.Single(watching.Alarms);
        Assert.Equal(RestoreForged, alarm.Kind);
        Assert.Contains("that operator was removed", alarm.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_passkey_that_two_have_added_approves_after_a_day_over_a_restart_on_its_own_page_only()
    {
        var watching = Live();
        var passkey = new SoftPasskey();
        Add(watching, passkey, "Cora", ScriptedRegistry.NewOperator("Cora").Caller);
        _clock.Advance(TimeSpan.FromHours(24));
        watching = Live(watching.Watched.Capture());
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);

        Lift(watching, denial, passkey.At("http://localhost:3000"));
        Lift(watching, denial, passkey.With(0x01));
        Assert.True(watching.Refuses(Agent));
        Assert.Equal([RestoreForged, RestoreForged], watching.AlarmKinds);
        Lift(watching, denial, passkey);
        Assert.False(watching.Refuses(Agent));
    }

    [Fact]
    public void A_passkey_makes_nobody_two_people_whatever_the_entry_names_as_its_owner()
    {
        var watching = Live();
        var passkey = new SoftPasskey();
        Add(watching, passkey, _registry.Founders[0].Name, ScriptedRegistry.Id(77));
        _clock.Advance(TimeSpan.FromHours(24));
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        Lift(watching, denial, passkey);
        Assert.True(watching.Refuses(Agent));
        Assert.Equal([RestoreForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_passkey_that_the_entry_moves_to_another_page_than_was_approved_is_not_pinned()
    {
        var watching = Live();
        var passkey = new SoftPasskey();
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.AddOperator(passkey.Key.KeyId, "Cora", passkey.Origin), _registry.Founders);
        Take(watching, new OperatorAdded("Cora", passkey.Key, "", approvals, _registry.Epoch + 1, passkey.At("http://localhost:3000").Origin), ScriptedRegistry.Id(77));
        Assert.Equal([RestoreForged], watching.AlarmKinds);
    }

    [Fact]
    public void Whose_entry_was_not_proven_when_the_stream_broke_is_asked_for_again()
    {
        var watching = Live();
        var before = watching.Watched.Begin().LastNote;
        watching.Connect(_registry);
        var newcomer = ScriptedRegistry.NewOperator("Cora");
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.AddOperator(newcomer.Key.PublicKey.KeyId, "Cora"), _registry.Founders);
        var (index, delta) = _registry.Other(new OperatorAdded("Cora", newcomer.Key.PublicKey, "", approvals, _registry.Epoch + 1), newcomer.Caller);
        watching.Watched.Take(delta);
        Assert.Equal(before, watching.Watched.Begin().LastNote);

        watching.Watched.Take(_registry.Greeting());
        watching.Watched.Take(_registry.Proof(index));
        watching.Watched.Take(_registry.Snapshot());
        Assert.NotEqual(before, watching.Watched.Begin().LastNote);
        watching.TickAfter(TimeSpan.FromSeconds(6));
        Assert.Empty(watching.Alarms);
    }

    [Fact]
    public void A_log_that_its_own_key_hands_on_is_followed_and_remembered()
    {
        using var log = new SucceededLog(5);
        var pinned = log.Key.Verifier;
        var watching = new Watching(_clock, change: options => options with { Registry = options.Registry with { LogKey = pinned } });
        watching.Watched.Begin();
        log.Rotate();
        Assert.Equal(WatchStep.Next, watching.Watched.Take(Greeting(log, log.Answer(0))));
        Assert.Equal(WatchStep.Next, watching.Watched.Take(_registry.Snapshot()));
        Assert.Empty(watching.Alarms);

        var again = new Watching(_clock, watching.Watched.Capture(), options => options with { Registry = options.Registry with { LogKey = pinned } });
        Assert.Equal(log.CheckpointOf(log.Key, log.Size).Size, again.Watched.Acknowledge(0, default).Size);
        again.Watched.Begin();
        Assert.Equal(WatchStep.Next, again.Watched.Take(Greeting(log, null)));
    }

    [Fact]
    public void A_log_that_another_key_hands_on_or_nobody_is_not_followed()
    {
        using var log = new SucceededLog(5);
        using var thief = Ed25519PrivateKey.Generate();
        var pinned = log.Key.Verifier;
        log.Rotate(signer: origin => new NoteSignerKey(origin, thief));
        foreach (var answer in new[] { log.Answer(0), null })
        {
            var watching = new Watching(_clock, change: options => options with { Registry = options.Registry with { LogKey = pinned } });
            watching.Watched.Begin();
            Assert.Equal(WatchStep.End, watching.Watched.Take(Greeting(log, answer)));
            Assert.Equal([LogChanged], watching.AlarmKinds);
        }
    }

    [Fact]
    public void A_log_that_was_handed_on_and_does_not_hold_what_was_seen_is_not_followed()
    {
        using var log = new SucceededLog(5);
        var seen = System.Text.Encoding.UTF8.GetString(log.CheckpointOf(log.Key, 5).Sign(log.Key).ToArray());
        using var other = new SucceededLog(log, 3);
        other.Rotate();
        var watching = new Watching(_clock, new EnforcerState { LogKey = log.Key.Verifier.ToString(), Checkpoint = seen });
        watching.Watched.Begin();
        Assert.Equal(WatchStep.End, watching.Watched.Take(Greeting(other, other.Answer(0))));
        Assert.Equal([LogChanged], watching.AlarmKinds);
    }

    private RegistryMessage Greeting(SucceededLog log, GetConsistencyResponse? succession)
    {
        var origin = log.Key.Verifier.Name;
        _registry.WatchKey = new NoteSignerKey(WatchNotes.KeyName(origin), Ed25519PrivateKey.Generate());
        return _registry.Greeting(size: new TreeSize((ulong)log.Size), liesBeside: greeting =>
        {
            greeting.WatchKeyNote = new WatchKeyNote(origin, _registry.WatchKey.Verifier).Sign(log.Key);
            (greeting.LogKey, greeting.Origin, greeting.Succession) = (log.Key.Verifier.ToString(), origin, succession);
        });
    }

    [Fact]
    public void Terms_that_the_watch_key_has_not_signed_or_that_are_old_are_refused_by_name()
    {
        using var mine = PrivateKey.Generate(KeyAlgorithm.ES256);
        var mineToo = new WatchTerms { IssuerKeys = { new IssuerKeyPeriod { Key = ScriptedRegistry.Wire(mine.PublicKey) } } }.ToByteString();
        RegistryMessage[] forged =
        [
            _registry.Greeting(liesBeside: greeting => greeting.Terms = mineToo),
            _registry.Greeting(liesBeside: greeting => (greeting.Terms, greeting.TermsNote) = (mineToo, "")),
            _registry.Greeting(liesBeside: greeting => (greeting.Terms, greeting.TermsNote) = (mineToo, new TermsNote(new TreeSize(9), Sha256.Hash(mineToo.Span)).Sign(new NoteSignerKey(_registry.WatchKey.Verifier.Name, Ed25519PrivateKey.Generate())))),
        ];
        foreach (var greeting in forged)
        {
            var watching = Live();
            watching.Watched.Begin();
            Assert.Equal(WatchStep.End, watching.Watched.Take(greeting));
            Assert.Equal([NoteForged], watching.AlarmKinds);
            Assert.Null(watching.Watched.IssuerKeys.Find(mine.PublicKey.KeyId));
        }
    }

    [Fact]
    public void Terms_of_a_smaller_log_than_was_seen_are_refused_as_a_registry_that_was_put_back()
    {
        var watching = Live();
        watching.Watched.Begin();
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Greeting(size: new TreeSize(0))));
        Assert.Equal([RegistryRolledBack], watching.AlarmKinds);
    }

    [Fact]
    public void A_lift_that_waits_for_a_new_operator_over_a_reconnect_is_no_shrunk_deny_state()
    {
        var watching = Live();
        var newcomer = ScriptedRegistry.NewOperator("Cora");
        Add(watching, newcomer);
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        watching.Watched.Take(_registry.Proof(denial.Index));
        var (index, _) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders[0], newcomer));
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting());
        watching.Watched.Take(_registry.Proof(index));
        watching.Watched.Take(_registry.Snapshot());
        for (var beat = 0; beat < 4; beat++)
        {
            watching.TickAfter(TimeSpan.FromSeconds(3));
            watching.Beat(_registry);
        }
        Assert.True(watching.Refuses(Agent));
        Assert.True(watching.HasLease);
        Assert.Empty(watching.Alarms);
    }

    [Fact]
    public void An_operator_whom_no_two_others_have_added_cannot_approve()
    {
        var watching = Live();
        var slipped = ScriptedRegistry.NewOperator("Cora");
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.AddOperator(slipped.Key.PublicKey.KeyId, "Cora"), _registry.Founders[0], slipped);
        Take(watching, new OperatorAdded("Cora", slipped.Key.PublicKey, "", approvals, _registry.Epoch + 1), slipped.Caller);
        Assert.Equal([RestoreForged], watching.AlarmKinds);
        _clock.Advance(TimeSpan.FromHours(25));
        AssertCannotRestore(watching, slipped);
    }

    [Fact]
    public void A_removed_operator_cannot_approve()
    {
        var watching = Live();
        var bela = _registry.Founders[1];
        Take(watching, new CallerRemoved(bela.Caller, "left", _registry.Approve(Credentials.Proofs.ApprovedAction.RemoveCaller(bela.Caller, "left"), _registry.Founders), _registry.Epoch + 1), bela.Caller);
        AssertCannotRestore(watching, bela);
    }

    [Fact]
    public void An_operator_in_the_greeting_whom_no_entry_has_brought_cannot_approve_and_is_an_alarm()
    {
        var watching = Live();
        var slipped = ScriptedRegistry.NewOperator("Cora");
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting(greeting => greeting.Operators.Add(ScriptedRegistry.Named(slipped, isOfGenesis: true))));
        watching.Watched.Take(_registry.Snapshot());
        watching.TickAfter(TimeSpan.FromSeconds(5));
        Assert.Equal([OperatorsChanged], watching.AlarmKinds);
        AssertCannotRestore(watching, slipped);
    }

    [Fact]
    public void A_registry_that_becomes_one_of_a_single_operator_is_not_believed()
    {
        var watching = Live();
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting(greeting => greeting.SingleOperator = true));
        watching.Watched.Take(_registry.Snapshot());
        watching.TickAfter(TimeSpan.FromSeconds(5));
        Assert.Equal([OperatorsChanged], watching.AlarmKinds);
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders[0]));
        watching.Watched.Take(lift);
        watching.Watched.Take(_registry.Proof(index));
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void In_a_registry_of_a_single_operator_one_restores_and_it_is_said_aloud()
    {
        var watching = new Watching(_clock);
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting(greeting => greeting.SingleOperator = true));
        watching.Watched.Take(_registry.Snapshot());
        Assert.Equal([SingleOperator], watching.AlarmKinds);
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders[0]));
        watching.Watched.Take(lift);
        watching.Watched.Take(_registry.Proof(index));
        Assert.False(watching.Refuses(Agent));
    }

    [Fact]
    public void Operators_that_options_name_are_the_only_ones()
    {
        var trusted = new[] { _registry.Founders[0].Key.PublicKey };
        var watching = Watching.Live(_registry, _clock, change: options => options with { OperatorKeys = trusted });
        AssertCannotRestore(watching, _registry.Founders[1]);
    }

    [Fact]
    public void A_registry_with_none_of_the_trusted_operators_is_not_watched()
    {
        var watching = new Watching(_clock, change: options => options with { OperatorKeys = [ScriptedRegistry.NewOperator("Cora").Key.PublicKey] });
        watching.Watched.Begin();
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Greeting()));
        Assert.Equal([OperatorsChanged], watching.AlarmKinds);
    }

    [Fact]
    public void A_cut_is_moved_later_by_two_people_and_not_otherwise()
    {
        var watching = Live();
        var cut = _registry.Stop(Agent, after: new LeafIndex(0));
        watching.Watched.Take(cut.Delta);
        watching.Watched.Take(_registry.Proof(cut.Denial.Index));
        var (index, moved) = MoveCut(new LeafIndex(1), _registry.Approve(Credentials.Proofs.ApprovedAction.Cut(Agent, new LeafIndex(1), "odd calls"), _registry.Founders[0]));
        Assert.Equal(WatchStep.End, watching.Watched.Take(moved));
        watching.Connect(_registry);
        watching.Watched.Take(_registry.Proof(index));
        Assert.True(Covers(watching, 1));
        Assert.Equal([RestoreForged], watching.AlarmKinds);

        var (again, movedAgain) = MoveCut(new LeafIndex(2), _registry.Approve(Credentials.Proofs.ApprovedAction.Cut(Agent, new LeafIndex(2), "odd calls"), _registry.Founders));
        watching.Watched.Take(movedAgain);
        watching.Connect(_registry);
        Assert.True(Covers(watching, 2));
        watching.Watched.Take(_registry.Proof(again));
        Assert.False(Covers(watching, 2));
        Assert.True(Covers(watching, 3));
    }

    [Fact]
    public void A_snapshot_that_lacks_a_denial_is_refused_until_the_lift_is_proven()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        watching.Watched.Take(_registry.Proof(denial.Index));
        watching.Beat(_registry);
        watching.Boot.Advance(TimeSpan.FromSeconds(9));
        var (index, _) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        watching.Connect(_registry);
        watching.Beat(_registry);
        Assert.True(watching.Refuses(Agent));
        watching.TickAfter(TimeSpan.FromSeconds(1));
        Assert.False(watching.HasLease);
        watching.Watched.Take(_registry.Proof(index));
        watching.Beat(_registry);
        Assert.False(watching.Refuses(Agent));
        Assert.True(watching.HasLease);
        watching.TickAfter(TimeSpan.FromSeconds(6));
        Assert.Empty(watching.Alarms);
    }

    [Fact]
    public void A_shrunk_deny_state_is_refused_and_an_alarm_and_the_lease_runs_out()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        watching.Watched.Take(_registry.Proof(denial.Index));
        _registry.Forget(denial);
        _registry.Epoch++;
        watching.Connect(_registry);
        for (var beat = 0; beat < 4; beat++)
        {
            watching.Beat(_registry);
            watching.TickAfter(TimeSpan.FromSeconds(3));
        }
        Assert.True(watching.Refuses(Agent));
        Assert.False(watching.HasLease);
        Assert.Equal([DenyStateShrunk], watching.AlarmKinds);
    }

    [Fact]
    public void A_denial_that_is_hidden_stays_missing_in_the_next_process_until_its_lift_is_proven()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        watching.Watched.Take(_registry.Proof(denial.Index));
        _registry.Forget(denial);
        _registry.Epoch++;
        watching.Connect(_registry);

        var restarted = Live(watching.Watched.Capture());
        Assert.True(restarted.Refuses(Agent));
        Assert.False(restarted.HasLease);
        restarted.TickAfter(TimeSpan.FromSeconds(6));
        Assert.Equal([DenyStateShrunk], restarted.AlarmKinds);

        var (index, _) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        restarted.Connect(_registry);
        restarted.Watched.Take(_registry.Proof(index));
        restarted.Beat(_registry);
        Assert.False(restarted.Refuses(Agent));
        Assert.True(restarted.HasLease);
    }

    [Fact]
    public void A_snapshot_of_a_lower_epoch_is_refused_by_name()
    {
        var watching = Live();
        watching.Watched.Take(_registry.Stop(Agent).Delta);
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting());
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Snapshot(new DenyList(), 1)));
        Assert.Equal([EpochWentBack], watching.AlarmKinds);
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void Another_deny_state_for_the_same_epoch_is_refused_by_name()
    {
        var watching = Live();
        watching.Watched.Take(_registry.Stop(Agent).Delta);
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting());
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Snapshot(new DenyList(), _registry.Epoch)));
        Assert.Equal([DenyStateForked], watching.AlarmKinds);
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void A_denial_that_has_become_another_is_refused_by_name()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting());
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Snapshot(ScriptedRegistry.Listed(denial with { State = StandingState.Restricted }), _registry.Epoch + 1)));
        Assert.Equal([DenyStateForked], watching.AlarmKinds);
    }

    [Fact]
    public void A_snapshot_that_does_not_hold_what_its_note_names_is_refused()
    {
        var watching = new Watching(_clock);
        _registry.Stop(Agent);
        var snapshot = _registry.Snapshot();
        snapshot.Snapshot.Denials.Clear();
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting());
        Assert.Equal(WatchStep.End, watching.Watched.Take(snapshot));
        Assert.Equal([NoteForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_snapshot_in_parts_is_one()
    {
        var watching = new Watching(_clock);
        _registry.Stop(Scope.Agent(ScriptedRegistry.Id(7)));
        _registry.Stop(Agent);
        var whole = _registry.Snapshot().Snapshot;
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting());
        Assert.Equal(WatchStep.Next, watching.Watched.Take(new RegistryMessage { Snapshot = new WatchSnapshot { Note = whole.Note, Denials = { whole.Denials[0] }, HasMore = true } }));
        Assert.False(watching.Watched.IsLive);
        Assert.Equal(WatchStep.Next, watching.Watched.Take(new RegistryMessage { Snapshot = new WatchSnapshot { Denials = { whole.Denials[1] } } }));
        Assert.True(watching.Watched.IsLive);
        Assert.True(watching.Refuses(Agent));
    }

    [Fact]
    public void The_lease_runs_from_when_the_nonce_was_sent_less_a_margin_for_drift()
    {
        var watching = new Watching(_clock);
        watching.Connect(_registry);
        var nonce = watching.Watched.NextNonce();
        watching.Boot.Advance(TimeSpan.FromSeconds(4));
        watching.Watched.Take(_registry.Heartbeat(nonce));
        Assert.Equal(5800, watching.Lease.Remaining(10_000));
        Assert.Equal(5800, watching.Lease.Remaining(60_000));
        Assert.Equal(900, watching.Lease.Remaining(5_000));
        watching.Boot.Advance(TimeSpan.FromSeconds(5.8));
        Assert.False(watching.HasLease);
    }

    [Fact]
    public void A_heartbeat_serves_once_and_for_its_own_nonce()
    {
        var watching = Live();
        var heartbeat = _registry.Heartbeat(watching.Watched.NextNonce());
        Assert.Equal(WatchStep.Acknowledge, watching.Watched.Take(heartbeat));
        Assert.Equal(WatchStep.End, watching.Watched.Take(heartbeat));
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Heartbeat(new WatchNonce { Nonce = ByteString.CopyFrom(new byte[24]) })));
        Assert.Equal([NoteForged, NoteForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_heartbeat_of_a_lower_epoch_is_refused_by_name()
    {
        var watching = Live();
        watching.Watched.Take(_registry.Stop(Agent).Delta);
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Heartbeat(watching.Watched.NextNonce(), note => note with { Epoch = note.Epoch - 1 })));
        Assert.Equal([EpochWentBack], watching.AlarmKinds);
    }

    [Fact]
    public void A_heartbeat_of_a_higher_epoch_is_a_gap()
    {
        var watching = Live();
        _registry.Nothing();
        Assert.Equal(WatchStep.End, watching.Beat(_registry));
        Assert.Empty(watching.Alarms);
    }

    [Fact]
    public void A_heartbeat_with_another_digest_is_refused_by_name_and_extends_no_lease()
    {
        var watching = Live();
        watching.Boot.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Heartbeat(watching.Watched.NextNonce(), note => note with { Digest = Sha256.Hash([1]) })));
        Assert.Equal([DenyStateForked], watching.AlarmKinds);
        watching.Boot.Advance(TimeSpan.FromSeconds(1));
        Assert.False(watching.HasLease);
    }

    [Fact]
    public void A_registry_that_was_rolled_back_is_refused_by_name()
    {
        var watching = Live();
        _registry.Append(new HoldPlaced(Watching.Agent, "one more entry"), Watching.Agent);
        watching.Beat(_registry);
        _registry.Forget(1);
        Assert.Equal(WatchStep.End, watching.Beat(_registry));
        Assert.Equal([RegistryRolledBack], watching.AlarmKinds);
    }

    [Fact]
    public void A_log_that_was_rewritten_is_refused_by_name()
    {
        var watching = Live();
        _registry.Append(new HoldPlaced(Watching.Agent, "what was"), Watching.Agent);
        watching.Beat(_registry);
        _registry.Forget(1);
        _registry.Append(new HoldPlaced(Watching.Agent, "what is said to have been"), Watching.Agent);
        _registry.Append(new HoldPlaced(Watching.Agent, "and more"), Watching.Agent);
        Assert.Equal(WatchStep.End, watching.Beat(_registry));
        Assert.Equal([RegistryRolledBack], watching.AlarmKinds);
    }

    [Fact]
    public void Two_trees_of_one_size_for_nonces_that_were_on_their_way_together_are_refused_by_name()
    {
        var watching = Live();
        var (first, second) = (watching.Watched.NextNonce(), watching.Watched.NextNonce());
        _registry.Append(new HoldPlaced(Watching.Agent, "what was"), Watching.Agent);
        Assert.Equal(WatchStep.Acknowledge, watching.Watched.Take(_registry.Heartbeat(first)));
        _registry.Forget(1);
        _registry.Append(new HoldPlaced(Watching.Agent, "what is said to have been"), Watching.Agent);
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Heartbeat(second)));
        Assert.Equal([RegistryRolledBack], watching.AlarmKinds);
    }

    [Fact]
    public void A_heartbeat_with_another_checkpoint_than_it_names_is_refused_by_name()
    {
        var watching = Live();
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Heartbeat(watching.Watched.NextNonce(), note => note with { Size = new TreeSize(99) })));
        Assert.Equal([LogChanged], watching.AlarmKinds);
    }

    [Fact]
    public void Another_log_key_is_refused_by_name_also_after_a_restart()
    {
        var state = Live().Watched.Capture();
        var watching = new Watching(_clock, state);
        watching.Watched.Begin();
        Assert.Equal(WatchStep.End, watching.Watched.Take(new ScriptedRegistry(_clock).Greeting()));
        Assert.Equal([LogChanged], watching.AlarmKinds);
    }

    [Fact]
    public void A_watch_key_that_the_log_has_not_signed_is_refused_by_name()
    {
        var watching = new Watching(_clock);
        watching.Watched.Begin();
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Greeting(liesBeside: greeting => greeting.WatchKeyNote = new ScriptedRegistry(_clock).Greeting().Greeting.WatchKeyNote)));
        Assert.Equal([WatchKeyForged], watching.AlarmKinds);
    }

    [Fact]
    public void Nothing_is_taken_before_greeting_and_snapshot()
    {
        var watching = new Watching(_clock);
        watching.Watched.Begin();
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Snapshot()));
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting());
        Assert.Equal(WatchStep.End, watching.Watched.Take(_registry.Stop(Agent).Delta));
        Assert.Equal(WatchStep.End, watching.Watched.Take(new RegistryMessage()));
    }

    [Fact]
    public void A_blueprint_whose_reads_have_become_others_keeps_those_that_were_known()
    {
        var watching = Live();
        watching.Watched.Begin();
        watching.Watched.Take(_registry.Greeting(greeting => greeting.Blueprints[0].Reads.Add(new ReadAction { Type = "tool", Action = "write" })));
        Assert.Equal([NoteForged], watching.AlarmKinds);
    }

    [Fact]
    public void A_restart_remembers_denials_epoch_checkpoint_and_operators()
    {
        var before = Live();
        var (denial, delta) = _registry.Stop(Agent);
        before.Watched.Take(delta);
        _registry.Append(new HoldPlaced(Watching.Agent, "one more entry"), Watching.Agent);
        before.Beat(_registry);

        var after = new Watching(_clock, before.Watched.Capture());
        Assert.True(after.Refuses(Agent));
        Assert.False(after.HasLease);
        Assert.Equal(_registry.Epoch, after.Watched.Epoch);
        var begin = after.Watched.Begin();
        Assert.Equal(delta.Delta.Note, begin.LastNote);
        Assert.Equal(delta.Delta.Payload, begin.LastPayload);
        Assert.NotEmpty(begin.KnownCheckpoint);

        after.Watched.Take(_registry.Greeting());
        Assert.Equal(WatchStep.End, after.Watched.Take(_registry.Snapshot(new DenyList(), _registry.Epoch)));
        after.Connect(_registry);
        _registry.Forget(1);
        Assert.Equal(WatchStep.End, after.Beat(_registry));
        Assert.Equal([DenyStateForked, RegistryRolledBack], after.AlarmKinds);
        AssertCannotRestore(after, ScriptedRegistry.NewOperator("Nobody"));
        Assert.Equal(Agent, denial.Scope);
    }

    [Fact]
    public void A_restart_in_the_middle_of_a_restore_goes_on_refusing()
    {
        var before = Live();
        var (denial, delta) = _registry.Stop(Agent);
        before.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        before.Watched.Take(lift);

        var after = new Watching(_clock, before.Watched.Capture());
        after.Connect(_registry);
        Assert.True(after.Refuses(Agent));
        after.Watched.Take(_registry.Proof(index));
        Assert.False(after.Refuses(Agent));
    }

    [Fact]
    public void What_was_lifted_and_not_proven_when_the_stream_ended_is_asked_for_again()
    {
        var watching = Live();
        var (denial, delta) = _registry.Stop(Agent);
        watching.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        watching.Watched.Take(lift);
        // The registry proves what was lifted after the note that it is presented.
        Assert.Equal(delta.Delta.Note, watching.Watched.Begin().LastNote);
        watching.Watched.Take(_registry.Greeting());
        watching.Watched.Take(_registry.Proof(index));
        watching.Watched.Take(_registry.Snapshot());
        Assert.False(watching.Refuses(Agent));
        Assert.Equal(_registry.Snapshot().Snapshot.Note, watching.Watched.Begin().LastNote);
    }

    [Fact]
    public void A_restart_between_the_proof_of_a_restore_and_its_delta_loses_nothing()
    {
        var before = Live();
        var (denial, delta) = _registry.Stop(Agent);
        before.Watched.Take(delta);
        var (index, _) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        before.Watched.Take(_registry.Proof(index));

        var after = new Watching(_clock, before.Watched.Capture());
        after.Watched.Begin();
        after.Watched.Take(_registry.Greeting());
        after.Watched.Take(_registry.Proof(index));
        Assert.True(after.Refuses(Agent));
        after.Watched.Take(_registry.Snapshot());
        Assert.False(after.Refuses(Agent));
        Assert.Empty(after.Alarms);
    }

    [Fact]
    public void A_delta_before_the_first_heartbeat_of_a_stream_is_signed_with_that_heartbeat()
    {
        var watching = new Watching(_clock);
        watching.Connect(_registry);
        Assert.Equal(WatchStep.Next, watching.Watched.Take(_registry.Stop(Agent).Delta));
        Assert.True(watching.Refuses(Agent));
        Assert.Equal(WatchStep.Acknowledge, watching.Beat(_registry));
    }

    [Fact]
    public void A_credential_that_the_ledger_does_not_hold_is_refused_from_then_on_and_after_a_restart()
    {
        var watching = Live();
        var jti = ScriptedRegistry.Id(55);
        watching.Accepted.Add((Sha256.Hash([5]), jti, _clock.GetUtcNow().ToUnixTimeSeconds() + 600));
        watching.Watched.Take(new RegistryMessage { Unlogged = new UnloggedCredentials { Items = { ByteString.CopyFrom(Sha256.Hash([5]).ToArray()), ByteString.CopyFrom(Sha256.Hash([6]).ToArray()) } } });
        Assert.Equal([CredentialUnlogged], watching.AlarmKinds);
        Assert.Equal(jti, watching.Stops.Unlogged.Single().Key);
        Assert.Equal(jti, new Watching(_clock, watching.Watched.Capture()).Stops.Unlogged.Single().Key);
        _clock.Advance(TimeSpan.FromMinutes(10));
        watching.TickAfter(TimeSpan.FromMinutes(10));
        Assert.Empty(watching.Stops.Unlogged);
    }

    [Fact]
    public void A_credential_that_the_ledger_does_not_hold_is_still_refused_after_a_clock_that_was_ahead_for_a_moment()
    {
        var watching = Live();
        watching.Accepted.Add((Sha256.Hash([5]), ScriptedRegistry.Id(55), _clock.GetUtcNow().ToUnixTimeSeconds() + 600));
        watching.Watched.Take(new RegistryMessage { Unlogged = new UnloggedCredentials { Items = { ByteString.CopyFrom(Sha256.Hash([5]).ToArray()) } } });
        _clock.Advance(TimeSpan.FromHours(1));
        watching.TickAfter(TimeSpan.FromSeconds(1));
        _clock.Advance(TimeSpan.FromHours(-1));
        Assert.NotEmpty(watching.Stops.Unlogged);
        watching.TickAfter(TimeSpan.FromMinutes(10));
        Assert.NotEmpty(watching.Stops.Unlogged);
    }

    [Fact]
    public void A_break_glass_order_freezes_without_the_registry_until_two_operators_lift_what_it_became()
    {
        var watching = Live();
        var token = new StopOrder(ScriptedRegistry.Id(77), Agent, "nobody answers", 1).Sign(_registry.BreakGlass, FakeRegistry.PublicUrl);
        Assert.True(watching.Watched.Obey(token));
        Assert.False(watching.Watched.Obey(token));
        Assert.True(watching.Refuses(Agent));
        Assert.Equal([OrderObeyed], watching.AlarmKinds);

        var restarted = new Watching(_clock, watching.Watched.Capture());
        Assert.True(restarted.Refuses(Agent));
        Assert.Equal([token], restarted.Watched.Begin().Orders);
        restarted.Watched.Take(_registry.Greeting());
        restarted.Watched.Take(_registry.Snapshot());
        var (denial, delta) = _registry.Stop(Agent, order: token);
        restarted.Watched.Take(delta);
        restarted.Watched.Take(_registry.Proof(denial.Index));
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders));
        restarted.Watched.Take(lift);
        Assert.True(restarted.Refuses(Agent));
        restarted.Watched.Take(_registry.Proof(index));
        Assert.False(restarted.Refuses(Agent));
        Assert.Empty(restarted.Watched.Begin().Orders);

        // The file may still lie there.
        var again = new Watching(_clock, restarted.Watched.Capture());
        Assert.False(again.Watched.Obey(token));
        Assert.False(again.Refuses(Agent));
    }

    [Fact]
    public void A_break_glass_order_that_was_obeyed_freezes_after_a_restart_too_when_the_key_was_replaced()
    {
        var watching = Live();
        var token = new StopOrder(ScriptedRegistry.Id(77), Agent, "nobody answers", 1).Sign(_registry.BreakGlass, FakeRegistry.PublicUrl);
        Assert.True(watching.Watched.Obey(token));
        SetBreakGlassKey(watching, _registry.Founders);

        var restarted = new Watching(_clock, watching.Watched.Capture());
        Assert.True(restarted.Refuses(Agent));
        Assert.Equal([token], restarted.Watched.Begin().Orders);
        Assert.Empty(restarted.Alarms);
    }

    [Fact]
    public void An_operator_who_was_removed_before_the_coming_was_a_day_old_is_not_pinned_then()
    {
        var watching = Live();
        var young = ScriptedRegistry.NewOperator("Cora");
        Add(watching, young);
        var removed = ScriptedRegistry.NewOperator("Dora");
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.AddOperator(removed.Key.PublicKey.KeyId, removed.Name), _registry.Founders[0], young);
        Take(watching, new OperatorAdded(removed.Name, removed.Key.PublicKey, "", approvals, _registry.Epoch + 1), removed.Caller);
        Take(watching, new CallerRemoved(removed.Caller, "stolen", _registry.Approve(Credentials.Proofs.ApprovedAction.RemoveCaller(removed.Caller, "stolen"), _registry.Founders), _registry.Epoch + 1), removed.Caller);
        Assert.Empty(watching.Alarms);
        _clock.Advance(TimeSpan.FromHours(25));
        watching.Watched.Tick();
        _clock.Advance(TimeSpan.FromHours(25));
        AssertCannotRestore(watching, removed);
    }

    [Fact]
    public void A_break_glass_key_that_was_replaced_before_its_coming_was_a_day_old_does_not_come_back()
    {
        var watching = Live();
        var young = ScriptedRegistry.NewOperator("Cora");
        Add(watching, young);
        SetBreakGlassKey(watching, _registry.Founders[0], young);
        using var newest = SetBreakGlassKey(watching, _registry.Founders);
        Assert.Empty(watching.Alarms);
        _clock.Advance(TimeSpan.FromHours(25));
        watching.Watched.Tick();
        Assert.True(watching.Watched.Obey(new StopOrder(ScriptedRegistry.Id(77), Agent, "nobody answers", 1).Sign(newest, FakeRegistry.PublicUrl)));
    }

    [Fact]
    public void An_order_of_another_key_is_refused_by_name()
    {
        var watching = Live();
        Assert.False(watching.Watched.Obey(new StopOrder(ScriptedRegistry.Id(77), Agent, "nobody answers", 1).Sign(_registry.Founders[0].Key, FakeRegistry.PublicUrl)));
        Assert.False(watching.Watched.Obey("nonsense"));
        Assert.Equal([OrderRefused, OrderRefused], watching.AlarmKinds);
        Assert.False(watching.Refuses(Agent));
    }

    [Fact]
    public void A_state_of_another_log_does_not_start() =>
        Assert.Throws<InvalidDataException>(() => new Watching(_clock, Live().Watched.Capture() with { LogKey = new ScriptedRegistry(_clock).LogKey.Verifier.ToString() }));

    private (LeafIndex Index, RegistryMessage Delta) MoveCut(LeafIndex after, IReadOnlyList<string> approvals)
    {
        foreach (var older in _registry.Denials.Denials.ToArray())
            _registry.Denials.Remove(older.Index);
        var (index, _) = _registry.Other(new CompromiseCut(Agent, after, "odd calls", "", _registry.Epoch + 1, approvals), Watching.Agent);
        _registry.Denials.Add(new Denial(index, _registry.Epoch, StandingState.Frozen, Agent, after, [], [], []));
        return (index, _registry.Delta(DeltaKind.Other, _registry.Proof(index).Proof.Entry.ToByteArray()));
    }

    private static bool Covers(Watching watching, ulong index) =>
        watching.Stops.DenyState.Of(Watching.ActorOf(Agent), new Presentation(default, new LeafIndex(index), default, [], "")).State > StandingState.Active;

    private void Add(Watching watching, Operator newcomer)
    {
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.AddOperator(newcomer.Key.PublicKey.KeyId, newcomer.Name), _registry.Founders);
        Take(watching, new OperatorAdded(newcomer.Name, newcomer.Key.PublicKey, "", approvals, _registry.Epoch + 1), newcomer.Caller);
    }

    private PrivateKey SetBreakGlassKey(Watching watching, params IEnumerable<Operator> approvers)
    {
        var next = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.SetBreakGlassKey(next.PublicKey.KeyId), approvers);
        Take(watching, new BreakGlassKeySet(next.PublicKey, approvals, _registry.Epoch + 1), ScriptedRegistry.Id(1));
        return next;
    }

    private void Add(Watching watching, SoftPasskey passkey, string name, Credentials.Identifiers.SubjectId owner)
    {
        var approvals = _registry.Approve(Credentials.Proofs.ApprovedAction.AddOperator(passkey.Key.KeyId, name, passkey.Origin), _registry.Founders);
        Take(watching, new OperatorAdded(name, passkey.Key, "", approvals, _registry.Epoch + 1, passkey.Origin), owner);
    }

    // By the first founder and the passkey.
    private void Lift(Watching watching, Denial denial, SoftPasskey passkey)
    {
        var action = Credentials.Proofs.ApprovedAction.Restore([denial.Index], "looked at");
        var approvals = _registry.Approve(action, _registry.Founders[0]);
        var (index, lift) = _registry.Restore([denial], [.. approvals, passkey.Approve(ScriptedRegistry.PublicUrl, action, _registry.LastApprovalNonce, _clock.GetUtcNow())]);
        watching.Watched.Take(lift);
        watching.Watched.Take(_registry.Proof(index));
    }

    private void Take(Watching watching, EntryBody body, Credentials.Identifiers.SubjectId about)
    {
        var (index, delta) = _registry.Other(body, about);
        Assert.Equal(WatchStep.Acknowledge, watching.Watched.Take(delta));
        Assert.Equal(WatchStep.Next, watching.Watched.Take(_registry.Proof(index)));
    }

    private void AssertCannotRestore(Watching watching, Operator second)
    {
        var scope = Scope.Agent(ScriptedRegistry.Id(500));
        if (!watching.Watched.IsLive)
            watching.Connect(_registry);
        var (denial, delta) = _registry.Stop(scope);
        watching.Watched.Take(delta);
        var (index, lift) = _registry.Restore([denial], _registry.ApproveRestore([denial], _registry.Founders[0], second));
        watching.Watched.Take(lift);
        watching.Watched.Take(_registry.Proof(index));
        Assert.True(watching.Refuses(scope));
        Assert.Contains(RestoreForged, watching.AlarmKinds);
    }

    private static ByteString Flip(ByteString bytes)
    {
        var flipped = bytes.ToByteArray();
        flipped[^1] ^= 1;
        return ByteString.CopyFrom(flipped);
    }
}
