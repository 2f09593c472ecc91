using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Hash = AgentIdentity.Ledger.Hash;

namespace AgentIdentity.Client.Tests;

/// <summary>A client that remembers a checkpoint follows the rotations of the log's key that the key itself announced, and nothing else.</summary>
public sealed class SuccessionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
    private readonly SucceededLog _log = new(7);

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Rotations_are_followed_link_by_link_and_the_memory_moves_to_the_new_key(int rotations)
    {
        Learn(_log.Answer(0));
        for (var i = 0; i < rotations; i++)
            _log.Rotate();

        Learn(_log.Answer(7));

        Assert.Equal((_log.Key.Verifier, (ulong)_log.Size), (Memory().Read()!.Key, Memory().Read()!.Checkpoint.Size.Value));
        Assert.Equal(_log.Key.Verifier, new FollowedSuccessions(_folder).Lead(_log.KeyOf(1).Verifier));
        _log.Grow(3);
        Learn(_log.Answer((int)Memory().Read()!.Checkpoint.Size.Value, firstLink: rotations));
    }

    [Fact]
    public void Rotations_that_come_one_after_the_other_are_followed_as_they_come()
    {
        Learn(_log.Answer(0));
        _log.Rotate();
        Learn(_log.Answer(7));
        var between = _log.Size;
        _log.Rotate();

        Learn(_log.Answer(between, firstLink: 1));

        Assert.Equal(_log.KeyOf(3).Verifier, Memory().Read()!.Key);
        Assert.Equal(_log.KeyOf(3).Verifier, new FollowedSuccessions(_folder).Lead(_log.KeyOf(1).Verifier));
    }

    [Fact]
    public void A_given_key_of_a_log_that_was_succeeded_before_leads_to_the_one_that_goes_on()
    {
        var given = _log.Key.Verifier;
        _log.Rotate();
        _log.Rotate();

        Memory(given).Learn(null, _log.Answer(0));
        Memory(given).Learn(Memory().Read(), _log.Answer(_log.Size, firstLink: 2));

        Assert.Equal(_log.KeyOf(3).Verifier, Memory().Read()!.Key);
    }

    [Fact]
    public void A_given_key_of_a_later_log_takes_the_place_of_a_note_when_the_tree_goes_on()
    {
        Learn(_log.Answer(0));
        _log.Rotate();
        var answer = _log.Answer(7, firstLink: 1);
        AssertRefused(answer, "no succession note by that key");

        Memory(_log.Key.Verifier).Learn(Memory().Read(), answer);

        Assert.Equal(_log.Key.Verifier, Memory().Read()!.Key);
    }

    [Fact]
    public void A_successor_that_no_note_announces_is_refused_and_the_sentence_says_what_to_do()
    {
        Learn(_log.Answer(0));
        _log.Rotate();
        var answer = _log.Answer(7, firstLink: 1);

        var refused = AssertRefused(answer, "recovered or its key replaced");

        Assert.Contains(Path.Combine(_folder, "checkpoint-localhost%3A5000"), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_note_that_the_old_key_has_not_signed_is_refused()
    {
        Learn(_log.Answer(0));
        using var stranger = Ed25519PrivateKey.Generate();
        _log.Rotate(signer: origin => new NoteSignerKey(origin, stranger));

        AssertRefused(_log.Answer(7), "do not lead from that key");
    }

    [Theory]
    [InlineData("localhost:5000/3")]
    [InlineData("localhost:5000/1")]
    [InlineData("other.example/2")]
    public void A_note_that_names_another_origin_than_the_next_is_refused(string origin)
    {
        Learn(_log.Answer(0));
        _log.Rotate(origin: origin);
        var answer = _log.Answer(7);
        var next = new NoteSignerKey(origin, _log.PrivateKey);
        answer.Checkpoint = System.Text.Encoding.UTF8.GetString(_log.CheckpointOf(next, _log.Size).Sign(next).ToArray());

        AssertRefused(answer, "do not lead from that key");
    }

    [Fact]
    public void A_note_with_another_root_is_refused()
    {
        Learn(_log.Answer(0));
        _log.Rotate(last: new Checkpoint("localhost:5000", new TreeSize(7), Sha256.Hash([1])));

        AssertRefused(_log.Answer(7), "does not go on from the 7");
    }

    [Fact]
    public void A_note_about_fewer_entries_than_were_seen_is_refused()
    {
        Learn(_log.Answer(0));
        _log.Rotate(last: _log.CheckpointOf(_log.Key, 5));

        AssertRefused(_log.Answer(7), "ended at 5 entries, and 7 of it were seen");
    }

    [Fact]
    public void A_second_link_about_fewer_entries_than_the_first_is_refused()
    {
        Learn(_log.Answer(0));
        _log.Rotate();
        _log.Rotate(last: _log.CheckpointOf(_log.Key, 6));

        AssertRefused(_log.Answer(7), "ended at 6 entries, and 7 of it were seen");
    }

    [Fact]
    public void A_log_that_does_not_hold_the_entry_which_the_note_announces_is_refused()
    {
        Learn(_log.Answer(0));
        _log.Rotate(entryNamesNote: false);

        AssertRefused(_log.Answer(7), "does not hold the entry");
    }

    [Fact]
    public void A_tree_that_does_not_go_on_from_what_was_seen_is_refused_whatever_the_note_says()
    {
        using var other = new SucceededLog(9);
        Learn(other.Answer(0));
        _log.Rotate();
        var answer = _log.Answer(7);

        var refused = Assert.Throws<CheckpointContradictedException>(() => Memory().Learn(Memory().Read(), answer));

        Assert.Contains(answer.Successions[0].Note, File.ReadAllText(refused.EvidenceFile), StringComparison.Ordinal);
        Assert.Equal(other.Key.Verifier, Memory().Read()!.Key);
    }

    [Fact]
    public void Each_part_of_a_link_counts()
    {
        Learn(_log.Answer(0));
        _log.Rotate();
        _log.Rotate();
        Action<LogSuccession>[] lies =
        [
            link => link.Path.Clear(), link => link.Path[0] = Flipped(link.Path[0]), link => link.Path[0] = ByteString.Empty, link => link.LeafPath[0] = Flipped(link.LeafPath[0]),
            link => link.LeafPath.Clear(), link => link.LedgerIndex--, link => link.Leaf = Flipped(link.Leaf), link => link.Leaf = ByteString.Empty,
            link => link.Entry = Flipped(link.Entry), link => link.Entry = ByteString.Empty, link => link.Salt = Flipped(link.Salt), link => link.Salt = ByteString.Empty,
        ];
        foreach (var lie in lies)
        {
            for (var place = 0; place < 2; place++)
            {
                var answer = _log.Answer(7);
                lie(answer.Successions[place]);
                AssertRefused(answer, "is not followed");
            }
        }
        Learn(_log.Answer(7));
    }

    [Fact]
    public void Whoever_has_followed_a_note_follows_no_second_one_by_the_same_key()
    {
        using var thief = new SucceededLog(_log, 7);
        Learn(_log.Answer(0));
        _log.Rotate();
        thief.Rotate();
        Learn(_log.Answer(7));
        var known = Memory().Read();

        Assert.Throws<CheckpointContradictedException>(() => Learn(thief.Answer(7)));

        Assert.Equal(known, Memory().Read());
        Assert.Equal(_log.Key.Verifier, new FollowedSuccessions(_folder).Lead(_log.KeyOf(1).Verifier));
    }

    private CheckpointContradictedException AssertRefused(GetConsistencyResponse answer, string words)
    {
        var known = Memory().Read();
        var refused = Assert.Throws<CheckpointContradictedException>(() => Learn(answer));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.Equal(known, Memory().Read());
        Assert.Empty(Directory.GetFiles(_folder, "succession-*"));
        return refused;
    }

    private void Learn(GetConsistencyResponse answer) => Memory().Learn(Memory().Read(), answer);

    private CheckpointMemory Memory(NoteVerifierKey? given = null) => new(_folder, "localhost:5000", given);

    private static ByteString Flipped(ByteString bytes)
    {
        var flipped = bytes.ToByteArray();
        flipped[^1] ^= 1;
        return ByteString.CopyFrom(flipped);
    }
}
