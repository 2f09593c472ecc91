using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Entries;

public sealed class EntryVectorTests
{
    public static TheoryData<int> Indexes => [.. Enumerable.Range(0, Vectors.Section("entries").GetArrayLength())];

    private static SubjectId Registry => Id("registry_id");

    private static SubjectId Operator1 => Id("operator_1_id");

    private static SubjectId Operator2 => Id("operator_2_id");

    private static SubjectId Enforcer => Id("enforcer_id");

    private static SubjectId Token => Id("token_id");

    private static SubjectId Agent => Vectors.AgentId;

    private static Grant Grant => new(
        Vectors.Claims().Sponsor, Vectors.Claims().Blueprint, Vectors.Claims().Labels, Vectors.Claims().Envelope.Canonical, Vectors.Claims().Audience);

    [Fact]
    public void There_is_an_entry_of_each_kind() =>
        Assert.Equal(Enum.GetValues<EntryKind>(), Vectors.Section("entries").EnumerateArray().Select(entry => (EntryKind)entry.GetProperty("kind").GetInt32()).Distinct());

    [Theory]
    [MemberData(nameof(Indexes))]
    public void An_entry_made_by_hand_has_the_bytes_of_the_vectors(int index) =>
        Assert.Equal(Vectors.Section("entries")[index].Text("entry"), Convert.ToHexStringLower(ByHand(index).Encode()));

    [Theory]
    [MemberData(nameof(Indexes))]
    public void An_entry_is_read_and_written_the_same_again(int index)
    {
        var bytes = Vectors.Section("entries")[index].Hex("entry");
        Assert.True(Entry.TryDecode(bytes, out var entry));
        Assert.Equal(bytes, entry.Encode());
        Assert.Equal(ByHand(index).Body.Kind, entry.Body.Kind);
        Assert.Equal(ByHand(index).Subjects, entry.Subjects);
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void An_opening_is_read_written_the_same_again_and_opens_its_leaf(int index)
    {
        var expected = Vectors.Section("entries")[index];
        Assert.True(Opening.TryDecode(expected.Hex("opening"), out var opening));
        Assert.Equal(expected.Hex("opening"), opening.Encode());

        Assert.True(Leaf.TryDecode(expected.Hex("leaf"), out var leaf));
        Assert.Equal((byte)ByHand(index).Body.Class, leaf.Class);
        Assert.Equal(expected.GetProperty("nullifiers").EnumerateArray().Select(one => one.GetString()), leaf.Nullifiers.Select(one => Convert.ToHexStringLower(one.ToArray())));
        Assert.Equal(Leaf.Commit(opening.Salt.ToArray(), expected.Hex("entry")), leaf.Commitment);
        Assert.Equal(expected.Hex("leaf"), Leaf.Encode((byte)ByHand(index).Body.Class, leaf.Nullifiers, opening.Salt.ToArray(), ByHand(index).Encode()));
        Assert.Equal(expected.Hash("leaf_hash"), MerkleHash.Leaf(expected.Hex("leaf")));
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void The_labels_of_an_opening_are_those_that_the_entry_commits_to_and_give_the_nullifiers_of_its_leaf(int index)
    {
        var expected = Vectors.Section("entries")[index];
        Opening.TryDecode(expected.Hex("opening"), out var opening);
        var first = ByHand(index).Subjects.Where(subject => subject.Sequence == 0);
        Assert.Equal(first.Select(subject => (subject.Id, subject.LabelCommitment)), opening.Labels.Select(label => (label.Id, (Hash?)SubjectLabel.Commit(label.Label))));
        Leaf.TryDecode(expected.Hex("leaf"), out var leaf);
        Assert.All(opening.Labels, label => Assert.Contains(Leaf.Nullifier(label.Label.ToArray(), 0), leaf!.Nullifiers));
    }

    [Fact]
    public void The_label_commitment_and_the_nullifiers_are_those_of_the_vectors()
    {
        var expected = Vectors.Section("label");
        Assert.Equal(expected.Hash("commitment"), SubjectLabel.Commit(expected.Hash("label")));
        var nullifiers = Enumerable.Range(0, 3).Select(sequence => Convert.ToHexStringLower(Leaf.Nullifier(expected.Hex("label"), (ulong)sequence).ToArray()));
        Assert.Equal(expected.GetProperty("nullifiers").EnumerateArray().Select(one => one.GetString()), nullifiers);
    }

    [Fact]
    public void The_issuance_items_are_those_of_the_vectors_and_lead_to_their_root()
    {
        var issuance = Vectors.Section("issuance");
        var authority = Vectors.Section("envelopes").GetProperty("authority")[0].Hash("hash");
        var position = 0UL;
        var leaves = new List<Hash>();
        foreach (var (jti, expected) in issuance.GetProperty("jtis").EnumerateArray().Zip(issuance.GetProperty("items").EnumerateArray()))
        {
            var item = new IssuanceItem(
                Vectors.Id(jti.GetString()!), Agent, Vectors.Key("agent").PublicKey.KeyId, Vectors.Claims().Audience, Vectors.Seconds, Vectors.Seconds + 600, position++, authority);
            Assert.Equal(expected.GetString(), Convert.ToHexStringLower(item.Encode()));
            Assert.True(IssuanceItem.TryDecode(item.Encode(), out var read));
            Assert.Equal(item.Encode(), read.Encode());
            Assert.Equal(item with { Audience = read.Audience }, read);
            leaves.Add(MerkleHash.Leaf(item.Encode()));
        }
        Assert.Equal(issuance.Hash("root"), MerkleHash.Root(leaves.ToArray()));
    }

    [Fact]
    public void The_checkpoint_covers_the_entries_and_is_signed_by_the_log_key()
    {
        var expected = Vectors.Section("checkpoint");
        var leaves = Vectors.Section("entries").EnumerateArray().Select(entry => MerkleHash.Leaf(entry.Hex("leaf"))).ToArray();
        Assert.Equal(expected.Hash("root"), MerkleHash.Root(leaves));
        var note = expected.Text("note");
        var end = note.LastIndexOf("\n\n", StringComparison.Ordinal) + 1;
        Assert.Equal($"localhost:5000\n{leaves.Length}\n{MerkleHash.Root(leaves)}\n", note[..end]);
        var signature = Convert.FromBase64String(note[(end + "\n— localhost:5000 ".Length)..].TrimEnd('\n'));
        Assert.True(Vectors.Key("log").PublicKey.Verifies(Vectors.Utf8(note[..end]), signature.AsSpan(4)));
        Assert.Equal(Convert.ToHexStringLower(signature.AsSpan(0, 4)), expected.Text("vkey").Split('+')[1]);
    }

    [Fact]
    public void The_head_of_a_subject_is_the_chain_over_its_leaf_hashes()
    {
        var leaves = Vectors.Section("entries").EnumerateArray().Select(entry => MerkleHash.Leaf(entry.Hex("leaf"))).ToArray();
        var head = default(Head);
        foreach (var (expected, at) in Vectors.Section("subject_heads").EnumerateArray().Zip(Enumerable.Range(3, 4)))
        {
            head = head.Then(leaves[at], new LeafIndex((ulong)at));
            Assert.Equal(expected.GetString(), Convert.ToHexStringLower(head.Hash.ToArray()));
        }
        Assert.Equal((4UL, new LeafIndex(6)), (head.Count, head.Index));
    }

    private static Entry ByHand(int index)
    {
        var (actor, subjects, body) = Parts(index);
        return new Entry(Vectors.Section("times").GetProperty("at").GetInt64() + index, subjects, actor, body);
    }

    private static (SubjectId Actor, EntrySubject[] Subjects, EntryBody Body) Parts(int index) => index switch
    {
        0 => (Registry, [First(Registry, 0)], new Genesis(
            "https://localhost:5000", "localhost:5000",
            [new(RegistryKeyUse.Credentials, Key("issuer")), new(RegistryKeyUse.Log, Key("log")), new(RegistryKeyUse.Did, Key("did"))],
            [new(Operator1, "first operator", Key("operator 1"), Proof(0)), new(Operator2, "second operator", Key("operator 2"), Proof(1))],
            SingleOperator: false,
            Vectors.Section("dids").Text("registry_log").TrimEnd('\n'))),
        1 => (Operator1, [First(Enforcer, 1)], new CallerRegistered(CallerRole.Enforcer, "documents gateway", Key("enforcer"), [Grant.Audiences[0]])),
        2 => (Operator1, [First(Token, 2)], new TokenCreated(
            Sha256.Hash(Vectors.Utf8(Vectors.Section("enrolment_proof").Text("enrolment_token"))), Grant, 1, Vectors.Section("times").GetProperty("at").GetInt64() + 3_600_000)),
        3 => (Agent, [new(Token, 1), First(Agent, 3)], new AgentEnrolled(
            Agent, Token, Key("agent"), Grant, Vectors.Section("enrolment_proof").GetProperty("token").Text("token"), AgentLines()[0])),
        4 => (Registry, [new(Agent, 1)], new CredentialsIssued(Vectors.Section("issuance").Hash("root"), 3)),
        5 => (Agent, [new(Agent, 2)], new Activity(
            Vectors.Section("statements")[0].Hex("statement"), KeyAlgorithm.Ed25519, Vectors.Section("statements")[0].Hex("signature"), Quarantined: false)),
        6 => (Operator1, [new(Agent, 3)], new Stop(Scope.Agent(Agent), StandingState.Frozen, "reads what it should not", "incident-7", 5)),
        7 => (Operator2, [new(Registry, 1)], new RegistryKeyRotated(RegistryKeyUse.Credentials, Key("next issuer"), Key("issuer").KeyId)),
        8 => (Enforcer, [new(Agent, 4)], new PrivateDataRead("/agentidentity.v1.Registry/GetAgent", Vectors.Registry.AgentDid(Agent), 1)),
        9 => (Registry, [new(Registry, 2)], new CallsRefused(
            [new("/agentidentity.v1.Control/Stop", "CALLER_UNKNOWN", Key("agent").KeyId, 2), new("/agentidentity.v1.Control/Stop", "PROOF_MISSING", null, 3)])),
        10 => (Registry, [new(Registry, 3)], new Heads(Sha256.Hash(Vectors.Utf8("agentidentity vectors: heads root")), 6, new LeafIndex(0))),
        11 => (Agent, [new(Agent, 5)], new Fork(
            new LeafIndex(5), Vectors.Section("fork").Hash("identity"), Vectors.Section("fork").Hex("statement"), KeyAlgorithm.Ed25519, Vectors.Section("fork").Hex("signature"))),
        12 => (Operator1, [new(Agent, 6)], new ActivitiesErased(Agent, [new LeafIndex(5)], "a person has asked for it", Approvals, [Vectors.Section("erased_stub").Hash("hash")])),
        13 => (Operator2, [new(Agent, 7)], new HoldPlaced(Agent, "a court has asked for the records")),
        14 => (Operator1, [new(Agent, 8)], new HoldLifted(Agent, new LeafIndex(13), "the case is closed", Approvals)),
        15 => (Registry, [new(Registry, 4)], new LogSucceeded(
            "localhost:5000", Note(12, "last root"), "localhost:5000/2", Key("next log"), SuccessionReason.Recovered, [Note(15, "lost root")])),
        16 => (Operator1, [new(Agent, 9)], new Restored([new LeafIndex(6)], "it was a false alarm", Written(16, 3), 6)),
        17 => (Agent, [new(Agent, 10), First(Id("delegate_id"), 17)], new Delegated(
            Agent, Jti(0), Id("delegate_id"), Jti(2), PassedOn, [Grant.Audiences[0]], Vectors.Seconds + 300, 1, [new("calls", 100), new("eur-cent", 2500)])),
        18 => (Id("delegate_id"), [new(Id("delegate_id"), 1)], new BudgetSpent(Jti(2), [new("calls", 1)])),
        19 => (Operator1, [new(Registry, 5)], new BlueprintDefined(Grant.Blueprint, "model-x/5", [new("documents", "list"), new("documents", "read")], 7)),
        20 => (Operator1, [new(Agent, 11)], new CompromiseCut(Scope.Key(Key("agent").KeyId), new LeafIndex(4), "the key was copied", "incident-7", 8, [])),
        21 => (Operator1, [First(Id("operator_3_id"), 21)], new OperatorAdded("third operator", Key("operator 3"), Written(21, 4).Single(), Written(21, 5), 9)),
        22 => (Operator1, [new(Enforcer, 1)], new CallerRemoved(Enforcer, "the gateway is gone", Written(22, 3), 10)),
        23 => (Registry, [new(Enforcer, 2)], new EnforcersAcknowledged(Sha256.Hash(Vectors.Utf8("agentidentity vectors: acknowledgements root")), 1)),
        24 => (Operator1, [new(Registry, 6)], new BreakGlassKeySet(Key("break-glass"), Written(24, 3), 11)),
        25 => (Enforcer, [new(Enforcer, 3)], new CredentialsUnlogged(Enforcer, [Sha256.Hash(Vectors.Utf8("agentidentity vectors: an item that is not there"))])),
        26 => (Operator1, [new(Id("operator_3_id"), 1)], new OperatorAdded(
            "third operator", Key("passkey"), Written(26, 4).Single(), Written(26, 5), 12, PasskeyOrigin.TryParse("http://localhost:5003", out var origin) ? origin : null)),
        27 => (Vectors.Id(Vectors.Section("stating").Text("agent_id")), [new(Token, 2), First(Vectors.Id(Vectors.Section("stating").Text("agent_id")), 27)], new AgentEnrolled(
            Vectors.Id(Vectors.Section("stating").Text("agent_id")), Token, Key("stating agent"), Grant with { StatedLabels = Vectors.StatedLabels }, Vectors.Section("stating").Text("enrolment_proof"))),
        28 => (Registry, [new(Agent, 12)], new DidVersion(AgentLines()[1], new LeafIndex(3), Deactivates: false)),
        29 => (Agent, [new(Agent, 13)], new AgentKeyRotated(Agent, Key("agent").KeyId, Key("next agent"), RotationProof("new_key"), RotationProof("old_key"), null)),
        30 => (Operator1, [new(Agent, 14)], new KeyReplacementOrdered(
            Agent, Sha256.Hash(Vectors.Utf8(Vectors.Section("rotation_proofs").Text("replacement_token"))), Vectors.Section("times").GetProperty("at").GetInt64() + 3_600_000, "the key was copied")),
        31 => (Agent, [new(Agent, 15)], new AgentKeyRotated(Agent, Key("agent").KeyId, Key("next agent"), RotationProof("ordered"), null, new LeafIndex(30))),
        32 => (Operator1, [new(Token, 3)], new DidKeysHeld(Token, Written(32, 2).Single())),
        33 => (Operator1, [First(Vectors.Id(Vectors.Section("evidence").Text("token_id")), 33)], new TokenCreated(
            Sha256.Hash(Vectors.Utf8("another token")), Grant, 1000, Vectors.Section("times").GetProperty("at").GetInt64() + 3_600_000)
        {
            Evidence = Vectors.Section("evidence").Text("policy"),
            SessionSeconds = 86_400,
        }),
        34 => (Agent, [new(Agent, 16)], new EvidenceAccepted(
            Agent, EvidenceSource.Oidc, "https://issuer.example", "system:serviceaccount:research:summariser", Vectors.Section("evidence").Hash("hash"), Vectors.Seconds + 3600,
            Vectors.AttestedLabels, Vectors.Section("evidence").Text("enrolment_proof"))),
        35 => (Enforcer, [new(Enforcer, 4)], new EnforcerAlarmed(Enforcer, "DENY_STATE_SHRUNK", "1 denial is gone without proof.", (Vectors.Seconds * 1000) + 7)),
        36 => (Registry, [new(Registry, 7)], new LeasesGranted([new("reads", 60_000), new("reports", 300_000)])),
        37 => (Registry, [new(Registry, 8)], new LogCosigned(Vectors.Section("cosigned").Text("note"))),
        38 => (Operator1, [new(Registry, 9)], new RulesSet(
            [new(RuleTrigger.Fork, 1, 60, StandingState.Frozen), new(RuleTrigger.ProofReplayed, 5, 60, StandingState.Restricted)], "nobody is awake at night", Written(38, 3))),
        39 => (Registry, [new(Agent, 17)], new Stop(
            Scope.Agent(Agent), StandingState.Frozen, "rule fork:1/60:frozen of entry 38: once within 60 s (entry 11)", "rule-fork-39", 13) { Rule = new StoppingRule(new LeafIndex(38), RuleTrigger.Fork) }),
        40 => (Operator1, [new(Token, 4)], new TokenWithdrawn(Token, "it was in a public file")),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    private static string[] AgentLines() => Vectors.Section("dids").GetProperty("agent_log").Text("log").Split('\n');

    private static SubjectId Jti(int number) => Vectors.Id(Vectors.Section("issuance").GetProperty("jtis")[number].GetString()!);

    private static string PassedOn => $"[{{\"actions\":[\"read\"],\"locations\":[\"https://tools.example/documents/a/*\"],\"notAfter\":{Vectors.Seconds + 300},\"type\":\"documents\"}}]";

    // The signed texts of a body, as the vectors have them under a key: what they say is tested where approvals are.
    private static string[] Written(int index, int key)
    {
        var cbor = new System.Formats.Cbor.CborReader(Vectors.Section("entries")[index].Hex("entry"));
        return TextsUnder(cbor, key);
    }

    private static string[] TextsUnder(System.Formats.Cbor.CborReader cbor, int key)
    {
        cbor.ReadStartMap();
        while (cbor.ReadInt32() != 5)
            cbor.SkipValue();
        cbor.ReadStartMap();
        while (cbor.ReadInt32() != key)
            cbor.SkipValue();
        if (cbor.PeekState() == System.Formats.Cbor.CborReaderState.TextString)
            return [cbor.ReadTextString()];
        var texts = new string[cbor.ReadStartArray()!.Value];
        for (var i = 0; i < texts.Length; i++)
            texts[i] = cbor.ReadTextString();
        return texts;
    }

    private static string[] Approvals => [.. Vectors.Section("approvals").EnumerateArray().Select(one => one.GetProperty("token").Text("token"))];

    // A checkpoint that the log's key has signed over some root.
    private static string Note(ulong size, string root)
    {
        var checkpoint = new Checkpoint("localhost:5000", new TreeSize(size), Sha256.Hash(Vectors.Utf8($"agentidentity vectors: {root}")));
        return System.Text.Encoding.UTF8.GetString(checkpoint.Sign(new NoteSignerKey("localhost:5000", Vectors.Key("log").Ed25519!)).ToArray());
    }

    // The commitment is to a label that only the opening shows.
    private static EntrySubject First(SubjectId id, int index)
    {
        Assert.True(Opening.TryDecode(Vectors.Section("entries")[index].Hex("opening"), out var opening));
        return new EntrySubject(id, 0, SubjectLabel.Commit(opening.Labels.Single(label => label.Id == id).Label));
    }

    private static SubjectId Id(string name) => SubjectId.Read(Vectors.Section("names").Hex(name));

    private static PublicKey Key(string name) => Vectors.Key(name).PublicKey;

    private static string RotationProof(string name) => Vectors.Section("rotation_proofs").GetProperty(name).Text("token");

    private static string Proof(int number) => Vectors.Section("bootstrap_proofs")[number].GetProperty("token").Text("token");
}
