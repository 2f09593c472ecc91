using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Tests.Tokens;

namespace AgentIdentity.Credentials.Tests.Entries;

public sealed class MalformedEntryTests
{
    private const string AgentId = "500192f0c17a007def8123456789abcdef";
    private const string Operator = "500192f0c1000070008000000000000002";

    // The example of docs/formats.md, key by key: a stop.
    private static readonly string Stop = Vectors.Section("entries")[6].Text("entry");

    public static TheoryData<string, string, string> Changes => new()
    {
        { "version 2", "a600010107", "a600020107" },
        { "version 0", "a600010107", "a600000107" },
        { "kind 0", "a600010107", "a600010100" },
        { "kind 11", "a600010107", "a60001010b" },
        { "the kind of another body", "a600010107", "a600010109" },
        { "a version in two bytes", "a600010107", "a60018010107" },
        { "a version in three bytes", "a600010107", "a6001900010107" },
        { "a key in two bytes", "a600010107", "a618000101 07" },
        { "a map with its length in two bytes", "a600010107", "b80600010107" },
        { "a negative version", "a600010107", "a600200107" },
        { "a version that is a float", "a600010107", "a600f93c000107" },
        { "a version that is null", "a600010107", "a600f60107" },
        { "a version that is undefined", "a600010107", "a600f70107" },
        { "a version that is true", "a600010107", "a600f50107" },
        { "a version that is a text", "a600010107", "a60061310107" },
        { "a version with a tag", "a600010107", "a600c1010107" },
        { "keys in another order", "a600010107", "a601070001" },
        { "a key twice", "a600010107", "a600010001" },
        { "a text for a key", "a600010107", "a6613001 0107" },
        { "a time with a tag", "021b00000192f0c17a06", "02c11b00000192f0c17a06" },
        { "a time that is negative", "021b00000192f0c17a06", "023b00000192f0c17a06" },
        { "a time that is a float", "021b00000192f0c17a06", "02fb00000192f0c17a06" },
        { "a time above 63 bits", "021b00000192f0c17a06", "021b80000192f0c17a06" },
        { "a small time in eight bytes", "021b00000192f0c17a06", "021b0000000000000001" },
        { "a time that is a bignum", "021b00000192f0c17a06", "02c2480000 0192f0c17a06" },
        { "no subjects", $"038182{AgentId}03", "0380" },
        { "subjects without a length", $"038182{AgentId}03", $"039f82{AgentId}03ff" },
        { "a subject without a length", $"038182{AgentId}03", $"03819f{AgentId}03ff" },
        { "a subject twice", $"038182{AgentId}03", $"038282{AgentId}0382{AgentId}03" },
        { "subjects that descend", $"038182{AgentId}03", $"038282{AgentId}0382{Operator}03" },
        { "a first subject without a label", $"038182{AgentId}03", $"038182{AgentId}00" },
        { "a later subject with a label", $"038182{AgentId}03", $"038183{AgentId}035820{new string('0', 64)}" },
        { "a first subject with a short label", $"038182{AgentId}03", $"038183{AgentId}00581f{new string('0', 62)}" },
        { "a subject of one value", $"038182{AgentId}03", $"038181{AgentId}" },
        { "a subject of four values", $"038182{AgentId}03", $"038184{AgentId}005820{new string('0', 64)}00" },
        { "more subjects than follow", $"038182{AgentId}03", $"039b7fffffffffffffff82{AgentId}03" },
        { "a subject id of 15 bytes", $"038182{AgentId}03", "0381824f0192f0c17a007def8123456789abcd03" },
        { "a subject id that is a text", $"038182{AgentId}03", "03818270" + "30303030303030303030303030303030" + "03" },
        { "a subject id in pieces", $"038182{AgentId}03", "0381825f480192f0c17a007def488123456789abcdefff03" },
        { "a sequence in two bytes", $"038182{AgentId}03", $"038182{AgentId}1803" },
        { "an actor of 17 bytes", $"04{Operator}", "04510192f0c100007000800000000000000200" },
        { "no actor", $"04{Operator}", "" },
        { "an actor that is null", $"04{Operator}", "04f6" },
        { "a body that is an array", "05a601010250", "058601010250" },
        { "a body without a length", "05a601010250", "05bf01010250" },
        { "a body of one field less than it says", "05a601010250", "05a701010250" },
        { "a body of one field more than it says", "05a601010250", "05a501010250" },
        { "a body that starts at key 2", "05a601010250", "05a602010250" },
        { "an unknown scope", "05a601010250", "05a6010d0250" },
        { "a scope that does not fit its type", "05a601010250", "05a60119010102 50" },
        { "an unknown state", "030304", "030504" },
        { "a stop that stops nothing", "030304", "030104" },
        { "a stop that leaves the agent active", "030304", "030104" },
        { "a reason that is bytes", "047818", "045818" },
        { "a reason that is not UTF-8", "0478187265616473", "047818c0af6473" },
        { "an incident with its length in two bytes", "056a", "05780a" },
        { "an incident in pieces", "056a696e636964656e742d37", "057f65696e63696465 6e742d37ff" },
        { "an epoch that is negative", "742d370605", "742d370625" },
        { "a body with a field more", "05a601010250", "05a701010250" },
    };

    [Theory]
    [InlineData(CallerRole.Auditor, 0, true)]
    [InlineData(CallerRole.Enforcer, 1, true)]
    [InlineData(CallerRole.Sponsor, 0, true)]
    [InlineData(CallerRole.Operator, 0, false)]
    [InlineData(CallerRole.Auditor, 1, false)]
    public void Nobody_becomes_an_operator_by_a_registration_and_only_enforcers_have_audiences(CallerRole role, int audiences, bool isEntry)
    {
        string[] some = ["https://tools.example/a"];
        AssertReads(isEntry, new CallerRegistered(role, "somebody", Vectors.Key("agent").PublicKey, some[..audiences]));
    }

    [Theory]
    [InlineData("agent", true)]
    [InlineData("enforcer", false)]
    public void The_key_of_a_log_that_goes_on_is_Ed25519(string key, bool isEntry) =>
        AssertReads(isEntry, new LogSucceeded("localhost:5000", "a note", "localhost:5000/2", Vectors.Key(key).PublicKey, SuccessionReason.KeyRotated, []));

    private static void AssertReads(bool isEntry, EntryBody body)
    {
        var id = SubjectId.New(DateTimeOffset.UnixEpoch);
        Assert.Equal(isEntry, Entry.TryDecode(new Entry(1, [new EntrySubject(id, 1)], id, body).Encode(), out _));
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void An_entry_with_one_thing_wrong_is_refused(string what, string piece, string replacement)
    {
        var changed = Convert.FromHexString(Stop.With(piece, replacement.Replace(" ", "", StringComparison.Ordinal)));
        Assert.False(Entry.TryDecode(changed, out _), what);
    }

    [Fact]
    public void What_is_not_one_map_of_six_is_refused()
    {
        foreach (var hex in new[] { "", "f6", "80", "a0", "60", "00", Stop + "00", Stop + "f6", "d9d9f7" + Stop, "82" + Stop + Stop, "bf" + Stop[2..] + "ff", "a7" + Stop[2..] + "0600", "a7" + Stop[2..] + "2000" })
            Assert.False(Entry.TryDecode(Convert.FromHexString(hex), out _), hex);
    }

    [Fact]
    public void Each_truncation_of_each_kind_is_refused()
    {
        foreach (var entry in Vectors.Section("entries").EnumerateArray())
        {
            var (bytes, opening) = (entry.Hex("entry"), entry.Hex("opening"));
            for (var length = 0; length < bytes.Length; length++)
                Assert.False(Entry.TryDecode(bytes.AsMemory(0, length), out _), $"{entry.Text("name")}, {length} bytes");
            for (var length = 0; length < opening.Length; length++)
                Assert.False(Opening.TryDecode(opening.AsMemory(0, length), out _), $"opening of {entry.Text("name")}, {length} bytes");
        }
        var item = Vectors.Section("issuance").GetProperty("items")[0].GetString()!;
        for (var length = 0; length < item.Length; length += 2)
            Assert.False(IssuanceItem.TryDecode(Convert.FromHexString(item[..length]), out _), $"item, {length / 2} bytes");
    }

    [Fact]
    public void Random_mutations_are_refused_or_are_the_one_spelling_of_another_entry()
    {
        const int seed = 20272;
        var random = new Random(seed);
        var entries = Vectors.Section("entries").EnumerateArray().Select(entry => entry.Hex("entry")).ToArray();
        for (var round = 0; round < 50_000; round++)
        {
            var mutated = Mutation.Of(entries[random.Next(entries.Length)], random);
            if (Entry.TryDecode(mutated, out var entry))
                Assert.True(entry.Encode().AsSpan().SequenceEqual(mutated), $"seed {seed}, round {round}: {Convert.ToHexString(mutated)}");
        }
    }

    [Fact]
    public void Random_mutations_of_openings_are_refused_or_are_the_one_spelling_of_another()
    {
        const int seed = 20273;
        var random = new Random(seed);
        var openings = Vectors.Section("entries").EnumerateArray().Select(entry => entry.Hex("opening")).ToArray();
        for (var round = 0; round < 50_000; round++)
        {
            var mutated = Mutation.Of(openings[random.Next(openings.Length)], random);
            if (Opening.TryDecode(mutated, out var opening))
                Assert.True(opening.Encode().AsSpan().SequenceEqual(mutated), $"seed {seed}, round {round}: {Convert.ToHexString(mutated)}");
        }
    }

    [Fact]
    public void Random_mutations_of_items_are_refused_or_are_the_one_spelling_of_another()
    {
        const int seed = 20274;
        var random = new Random(seed);
        var bytes = Convert.FromHexString(Vectors.Section("issuance").GetProperty("items")[0].GetString()!);
        for (var round = 0; round < 50_000; round++)
        {
            var mutated = Mutation.Of(bytes, random);
            if (IssuanceItem.TryDecode(mutated, out var item))
                Assert.True(item.Encode().AsSpan().SequenceEqual(mutated), $"seed {seed}, round {round}: {Convert.ToHexString(mutated)}");
        }
    }

    [Theory]
    [InlineData("a40001015820$0280")]
    [InlineData("a30001015820$0280")]
    [InlineData("a30001015820$0380")]
    [InlineData("a30001015820$0380 02")]
    [InlineData("a30001015820$0400")]
    [InlineData("a30001015820$0481f6")]
    [InlineData("a20002015820$")]
    [InlineData("a20101005820$")]
    [InlineData("a2015820$0001")]
    [InlineData("a20001015820$00")]
    [InlineData("a2000101581f00")]
    [InlineData("a30001015820$028182500192f0c17a007def8123456789abcdef5820")]
    [InlineData("a30001015820$028282500192f0c17a007def8123456789abcdef5820$82500192f0c17a007def8123456789abcdef5820$")]
    [InlineData("a30001015820$028282500192f0c17a007def8123456789abcdef5820$82500192f0c1000070008000000000000002 5820$")]
    [InlineData("a30001015820$039b7fffffffffffffff40")]
    [InlineData("a30001015820$038100")]
    public void An_opening_with_one_thing_wrong_is_refused(string template)
    {
        var hex = template.Replace("$", new string('7', 64), StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
        Assert.False(Opening.TryDecode(Convert.FromHexString(hex), out _));
    }

    [Theory]
    [InlineData("1a67271b001a67271d58", "2067271b001a67271d58")]
    [InlineData("1a67271b001a67271d5800", "1a67271b003867271d5800")]
    [InlineData("1a67271b001a67271d5800", "1a67271b001a67271d5820")]
    [InlineData("1a67271b001a67271d5800", "1a67271b001b000000006727 1d5800")]
    [InlineData("1a67271b001a67271d5800", "1a67271b00f95800 00")]
    [InlineData("1a67271b001a67271d5800", "1a67271b001bffffffffffffffff00")]
    [InlineData("1a67271b001a67271d5800", "1a67271b001a67271d58f6")]
    [InlineData("8850", "8750")]
    [InlineData("8850", "8950")]
    [InlineData("8850", "988850")]
    public void An_item_with_one_thing_wrong_is_refused(string piece, string replacement)
    {
        var item = Vectors.Section("issuance").GetProperty("items")[0].GetString()!;
        Assert.False(IssuanceItem.TryDecode(Convert.FromHexString(item.With(piece, replacement.Replace(" ", "", StringComparison.Ordinal))), out _));
    }
}
