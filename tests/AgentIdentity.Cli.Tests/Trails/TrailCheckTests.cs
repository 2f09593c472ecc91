using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;

namespace AgentIdentity.Cli.Tests.Trails;

public sealed class TrailCheckTests
{
    private readonly TrailOfAnAgent _trail = new();

    [Fact]
    public void A_true_trail_has_no_problems_and_reads_as_words()
    {
        var lines = Check(_trail.Enrolled(), _trail.Issued(), _trail.Recorded(), _trail.Recorded(), _trail.Stopped());

        Assert.All(lines, line => Assert.Empty(line.Problems));
        Assert.Equal(
            [
                "enrolled for sponsor 'Research desk' as summariser/2.1",
                "2 credentials issued in this entry",
                "activity statement 0, 1 hash",
                "activity statement 1, 1 hash",
                "frozen: reads too much; opens epoch 3",
            ],
            lines.Select(line => EntryText.Describe(line.Entry!.Body)));
        Assert.Single(lines[1].Items);
    }

    [Fact]
    public void An_entry_that_was_left_out_is_noticed()
    {
        var enrolled = _trail.Enrolled();
        _ = _trail.Stopped();

        Assert.Contains("entry 1 about the agent was expected", Check(enrolled, _trail.Issued())[1].Problems);
    }

    [Fact]
    public void A_statement_that_was_left_out_is_noticed_even_where_the_numbers_were_closed_up()
    {
        var enrolled = _trail.Enrolled();
        var left = _trail.Recorded();
        var next = _trail.Recorded();
        next.SubjectSequence = left.SubjectSequence;

        Assert.Contains("statement 0 was expected, naming the one before it", Check(enrolled, next)[1].Problems);
    }

    [Fact]
    public void A_statement_of_another_key_is_noticed()
    {
        using var thief = PrivateKey.Generate(KeyAlgorithm.ES256);

        Assert.Contains("the statement is not signed by the agent's key", Check(_trail.Enrolled(), _trail.Recorded(thief))[1].Problems);
    }

    [Fact]
    public void Another_salt_does_not_open_the_leaf()
    {
        var entry = _trail.Enrolled();
        entry.Salt = Flip(entry.Salt, 7);

        Assert.Contains("the leaf commits to another entry", Check(entry)[0].Problems);
    }

    [Fact]
    public void A_credential_that_does_not_stand_under_the_root_is_noticed()
    {
        var (enrolled, issued) = (_trail.Enrolled(), _trail.Issued());
        issued.Items[0].LedgerPosition = 0;

        Assert.Contains("does not stand under the entry's root", Assert.Single(Check(enrolled, issued)[1].Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_changed_bit_of_an_entry_or_its_leaf_but_the_nullifier_is_noticed()
    {
        // Whose nullifier it is only the holder of the label can tell; it stands in the leaf from its fifth byte on.
        const int nullifierStart = 4, nullifierEnd = 36;
        var entry = _trail.Stopped();
        for (var bit = 0; bit < 8 * entry.Entry.Length; bit++)
            Assert.NotEmpty(Changed(entry, changed => changed.Entry = Flip(changed.Entry, bit)));
        for (var bit = 0; bit < 8 * entry.Leaf.Length; bit++)
        {
            if (bit / 8 is < nullifierStart or >= nullifierEnd)
                Assert.NotEmpty(Changed(entry, changed => changed.Leaf = Flip(changed.Leaf, bit)));
        }
    }

    [Fact]
    public void A_trail_from_its_middle_is_checked_for_what_it_shows_itself()
    {
        _ = (_trail.Enrolled(), _trail.Recorded());
        var check = new TrailCheck(_trail.Agent, firstSequence: 2);

        Assert.All([check.Read(_trail.Recorded()), check.Read(_trail.Recorded())], line => Assert.Empty(line.Problems));
    }

    private TrailLine[] Check(params TrailEntry[] entries)
    {
        var check = new TrailCheck(_trail.Agent, firstSequence: 0);
        return [.. entries.Select(check.Read)];
    }

    private IReadOnlyList<string> Changed(TrailEntry entry, System.Action<TrailEntry> change)
    {
        var changed = entry.Clone();
        change(changed);
        return Check(changed)[0].Problems;
    }

    private static ByteString Flip(ByteString bytes, int bit)
    {
        var flipped = bytes.ToByteArray();
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        return ByteString.CopyFrom(flipped);
    }
}
