using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Trails;

/// <summary>Files that another implementation made, and files that accident and chance make of them.</summary>
public sealed class TrailFileTests
{
    public static TheoryData<string> Names => ["all opened", "no activity opened", "an activity erased", "an activity erased by a passkey", "the key rotated and replaced", "anchored", "anchored whole"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_of_the_vectors_passes_every_check(string name)
    {
        var verdict = TrailVerifier.Verify(Bytes(name), LogKey(name));

        Assert.All(verdict.Findings, finding => Assert.Equal((finding.Property, TrailResult.Passed, ""), (finding.Property, finding.Result, finding.Result == TrailResult.Passed ? "" : finding.Words)));
        Assert.Equal(Vector(name).GetProperty("about").GetInt32(), verdict.Entries.Count);
        Assert.Equal(Enum.GetValues<TrailProperty>(), verdict.Findings.Select(finding => finding.Property));
        Assert.True(verdict.IsProven);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_is_read_and_written_the_same_again(string name)
    {
        Assert.True(TrailFile.TryRead(Bytes(name), out var file, out _));
        Assert.Equal(Bytes(name), TrailLog.Write(file));
        Assert.Equal(Vector(name).GetProperty("items").GetUInt64(), file.ItemCount + 1);
    }

    [Fact]
    public void Activities_stay_closed_and_authority_and_what_a_fork_names_does_not()
    {
        Assert.True(TrailFile.TryRead(Bytes("all opened"), out var open, out _));
        Assert.True(TrailFile.TryRead(Bytes("no activity opened"), out var closed, out _));

        Assert.DoesNotContain(open.Entries, entry => entry.Opened is null);
        Assert.Equal(1, closed.Entries.Count(entry => entry.Opened is null));
        Assert.Equal(open.Entries.Select(entry => entry.Sequence), closed.Entries.Select(entry => entry.Sequence));
    }

    [Fact]
    public void What_the_words_tell_is_what_the_log_holds()
    {
        var verdict = TrailVerifier.Verify(Bytes("all opened"), LogKey("all opened"));

        Assert.Contains("frozen at entry 7 (reads what it should not)", verdict[TrailProperty.Stops].Words, StringComparison.Ordinal);
        Assert.Contains("entry 4 and entry 6", verdict[TrailProperty.Forks].Words, StringComparison.Ordinal);
        Assert.Contains("1 activity recorded after a stop", verdict[TrailProperty.Quarantine].Words, StringComparison.Ordinal);
        Assert.Contains("2 statements with 2 hashes", verdict[TrailProperty.Statements].Words, StringComparison.Ordinal);
        Assert.Contains("3 credentials", verdict[TrailProperty.Credentials].Words, StringComparison.Ordinal);
        Assert.Contains("1 rotation", verdict[TrailProperty.RegistryKeys].Words, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_erased_is_proven_with_the_date_and_the_entry_and_what_it_no_longer_shows_is_said()
    {
        var verdict = TrailVerifier.Verify(Bytes("an activity erased"), LogKey("an activity erased"));

        Assert.Equal("1 activity erased on 2024-11-03T06:41:04Z by entry 10 (a person has asked for it)", verdict[TrailProperty.Erasures].Words);
        Assert.Contains(verdict.NotChecked, words => words.StartsWith("what erased activities said", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_trusted_key_a_file_only_agrees_with_itself()
    {
        var verdict = TrailVerifier.Verify(Bytes("all opened"), trusted: null);

        Assert.Equal(TrailResult.NotChecked, verdict[TrailProperty.Checkpoint].Result);
        Assert.All(verdict.Findings.Where(finding => finding.Property != TrailProperty.Checkpoint), finding => Assert.Equal(TrailResult.Passed, finding.Result));
        Assert.Equal((false, true), (verdict.IsProven, verdict.IsConsistent));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_byte_of_a_file_matters(string name)
    {
        var (bytes, logKey) = (Bytes(name), LogKey(name));
        // One bit of each byte, by turns another: all eight would take eight times as long.
        Parallel.For(0, bytes.Length, at =>
        {
            var flipped = bytes.ToArray();
            flipped[at] ^= (byte)(1 << (at % 8));
            var verdict = TrailVerifier.Verify(flipped, logKey);
            Assert.False(verdict.IsProven || verdict.IsConsistent, $"byte {at}");
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_end_cut_off_and_nothing_added_passes(string name)
    {
        var (bytes, logKey) = (Bytes(name), LogKey(name));
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(TrailResult.Failed, TrailVerifier.Verify(bytes.AsMemory(0, length), logKey)[TrailProperty.File].Result);
        foreach (var more in (byte[][])[[0], [0xff], bytes])
            Assert.Equal(TrailResult.Failed, TrailVerifier.Verify((byte[])[.. bytes, .. more], logKey)[TrailProperty.File].Result);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_chance_makes_of_a_file_is_a_finding_and_never_an_exception(int seed)
    {
        var random = new Random(seed);
        var (bytes, logKey) = (Bytes("all opened"), LogKey("all opened"));
        for (var round = 0; round < 1000; round++)
        {
            var mutated = Mutation.Of(bytes, random);
            Assert.Equal(mutated.AsSpan().SequenceEqual(bytes), TrailVerifier.Verify(mutated, logKey).IsProven);
            _ = TrailVerifier.Verify(mutated, trusted: null);
        }
    }

    private static System.Text.Json.JsonElement Vector(string name) => Vectors.Section("trails").GetProperty(name);

    private static byte[] Bytes(string name) => Vector(name).Hex("file");

    private static NoteVerifierKey LogKey(string name) => NoteVerifierKey.TryParse(Vector(name).Text("vkey"), out var key, out _) ? key : throw new InvalidOperationException();
}
