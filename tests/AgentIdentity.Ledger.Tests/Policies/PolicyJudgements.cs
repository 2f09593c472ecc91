using AgentIdentity.Ledger.Tests.Notes;

namespace AgentIdentity.Ledger.Tests.Policies;

public sealed class PolicyJudgements
{
    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private readonly NoteSignerKey _log = SignedNotes.Signer("localhost:5000", 1);
    private readonly NoteSignerKey _otherLog = SignedNotes.Signer("localhost:6000", 2);
    private readonly CosignerKey _one = Cosignatures.Witness("one.example", 11);
    private readonly CosignerKey _two = Cosignatures.Witness("two.example", 12);
    private readonly CosignerKey _three = Cosignatures.Witness("three.example", 13);
    private readonly Checkpoint _checkpoint = new("localhost:5000", new TreeSize(7), MerkleHash.Leaf([1]));

    private TlogPolicy TwoOfThree => PolicyTexts.Parse(
        $"log {_log.Verifier}\nlog {_otherLog.Verifier}\nwitness one {_one.Verifier}\nwitness two {_two.Verifier}\nwitness three {_three.Verifier}\ngroup g 2 one two three\nquorum g\n");

    [Fact]
    public void A_checkpoint_with_a_quorum_is_accepted_on_the_word_of_those_who_signed_it()
    {
        var note = Note(_three, _one);
        Assert.True(TwoOfThree.TryOpen(note, out var opened, out var refusal), refusal.ToString());
        Assert.Equal(_checkpoint, opened.Checkpoint);
        Assert.Equal(_log.Verifier, opened.LogKey);
        Assert.Equal([("one", Time), ("three", Time)], opened.Cosignatures.Select(cosignature => (cosignature.Witness.Name, cosignature.Time)));
    }

    [Fact]
    public void Too_few_witnesses_are_no_quorum_however_often_one_signs()
    {
        AssertRefused(NoteRefusal.NoQuorum, TwoOfThree, Note());
        AssertRefused(NoteRefusal.NoQuorum, TwoOfThree, Note(_one));
        var twice = Note(_one).With(_one.Sign(_checkpoint, Time.AddSeconds(1)));
        AssertRefused(NoteRefusal.NoQuorum, TwoOfThree, twice);

        // The same key under another name is another signature line, of a key that nobody knows.
        AssertRefused(NoteRefusal.NoQuorum, TwoOfThree, Note(_one, Cosignatures.Witness("two.example/2", 11)));
    }

    [Fact]
    public void A_witness_that_has_signed_twice_counts_from_the_earlier_time()
    {
        var note = Note(_one).With(_two.Sign(_checkpoint, Time.AddSeconds(5)), _two.Sign(_checkpoint, Time.AddSeconds(3)), _two.Sign(_checkpoint, Time.AddSeconds(4)));
        Assert.True(TwoOfThree.TryOpen(note, out var opened, out _));
        Assert.Equal(Time.AddSeconds(3), opened.Cosignatures[1].Time);
    }

    [Fact]
    public void One_bad_signature_of_a_known_key_refuses_the_note_though_there_is_a_quorum()
    {
        var other = _checkpoint with { Size = new TreeSize(8) };
        AssertRefused(NoteRefusal.BadSignature, TwoOfThree, Note(_one, _two).With(_three.Sign(other, Time)));
        AssertRefused(NoteRefusal.BadSignature, TwoOfThree, Note(_one, _two).With(_log.Sign(other.ToText())));
        Assert.True(TwoOfThree.TryOpen(Note(_one, _two).With(Cosignatures.Witness("stranger", 9).Sign(other, Time)), out _, out _));
    }

    [Fact]
    public void Witnesses_do_not_stand_in_for_the_log()
    {
        var note = SignedNote.Sign(_checkpoint.ToText(), SignedNotes.Signer("stranger", 3)).With(_one.Sign(_checkpoint, Time), _two.Sign(_checkpoint, Time));
        AssertRefused(NoteRefusal.NoKnownSignature, TwoOfThree, note);
    }

    [Fact]
    public void A_log_speaks_for_its_own_origin_alone()
    {
        var note = SignedNote.Sign(_checkpoint.ToText(), _otherLog).With(_one.Sign(_checkpoint, Time), _two.Sign(_checkpoint, Time));
        AssertRefused(NoteRefusal.NoKnownSignature, TwoOfThree, note);
        AssertRefused(NoteRefusal.WrongOrigin, TlogPolicy.LogAlone(_otherLog.Verifier), Note());
        AssertRefused(NoteRefusal.WrongOrigin, PolicyTexts.Parse("quorum none\n"), Note());
    }

    [Fact]
    public void A_key_known_from_elsewhere_joins_the_logs_of_a_policy()
    {
        var policy = PolicyTexts.Parse($"witness one {_one.Verifier}\nquorum one\n").With(_log.Verifier);
        Assert.True(policy.TryOpen(Note(_one), out _, out _));
        AssertRefused(NoteRefusal.NoQuorum, policy, Note(_two));
        Assert.Same(policy, policy.With(_log.Verifier));
        Assert.True(TlogPolicy.LogAlone(_log.Verifier).TryOpen(Note(), out _, out _));
    }

    [Fact]
    public void A_witness_whose_signatures_cannot_be_verified_never_counts()
    {
        var key = $"pq.example+01020304+{Convert.ToBase64String([0x06, .. new byte[1312]])}";
        var note = Note().With(new NoteSignature("pq.example", 0x01020304, new byte[2428]));
        AssertRefused(NoteRefusal.NoQuorum, PolicyTexts.Parse($"log {_log.Verifier}\nwitness pq {key}\nquorum pq\n"), note);
        Assert.True(PolicyTexts.Parse($"log {_log.Verifier}\nwitness pq {key}\nquorum none\n").TryOpen(note, out var opened, out _));
        Assert.Empty(opened.Cosignatures);
    }

    [Fact]
    public void A_signed_text_that_is_no_checkpoint_is_refused() =>
        AssertRefused(NoteRefusal.MalformedCheckpoint, TwoOfThree, SignedNote.Sign("localhost:5000\n7\n"u8, _log));

    private SignedNote Note(params IEnumerable<CosignerKey> witnesses) =>
        _checkpoint.Sign(_log).With(witnesses.Select(witness => witness.Sign(_checkpoint, Time)));

    private static void AssertRefused(NoteRefusal refusal, TlogPolicy policy, SignedNote note)
    {
        Assert.False(policy.TryOpen(note, out _, out var found));
        Assert.Equal(refusal, found);
    }
}
