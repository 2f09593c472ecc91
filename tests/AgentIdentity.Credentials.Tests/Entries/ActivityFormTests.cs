using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tests.Entries;

/// <summary>The short way to read an activity says what the general reader says.</summary>
public sealed class ActivityFormTests
{
    private static readonly SubjectId Agent = new(new UInt128(0x0192_f0c1_7a00_7def, 0x8123_4567_89ab_cdef));

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(23, 23, 23)]
    [InlineData(24, 24, 24)]
    [InlineData(255, 255, 255)]
    [InlineData(256, 256, 256)]
    [InlineData(65_535, 65_535, 300)]
    [InlineData(65_536, 65_536, 65_535)]
    [InlineData(uint.MaxValue, uint.MaxValue, 65_536)]
    [InlineData(1L + uint.MaxValue, 1L + uint.MaxValue, 70_000)]
    [InlineData(long.MaxValue, long.MaxValue, 1)]
    public void Every_length_of_number_and_statement_is_read_the_short_way(long at, long sequence, int statementBytes)
    {
        var bytes = Encode(at, (ulong)sequence, new byte[statementBytes]);
        var entry = ActivityForm.TryRead(bytes);
        Assert.NotNull(entry);
        Assert.Equal(bytes, entry.Encode());
        Assert.True(Entry.TryDecodeAny(bytes, out var general));
        Assert.Equal(Describe(general), Describe(entry));
    }

    [Fact]
    public void What_has_one_byte_changed_is_read_as_the_general_reader_reads_it_or_not_at_all()
    {
        var bytes = Encode(1_730_616_064_518, 300, [1, 2, 3]);
        for (var place = 0; place < bytes.Length; place++)
        {
            var original = bytes[place];
            for (var value = 0; value <= byte.MaxValue; value++)
            {
                bytes[place] = (byte)value;
                RequireAgreement(bytes);
            }
            bytes[place] = original;
        }
    }

    [Fact]
    public void What_is_cut_short_or_goes_on_is_not_read()
    {
        var bytes = Encode(1_730_616_064_518, 300, [1, 2, 3]);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Null(ActivityForm.TryRead(bytes.AsSpan(..length)));
        Assert.Null(ActivityForm.TryRead([.. bytes, 0]));
    }

    [Fact]
    public void The_first_entry_of_a_subject_is_left_to_the_general_reader()
    {
        var first = new Entry(1, [new EntrySubject(Agent, 0, default(Ledger.Hash))], Agent, Body([])).Encode();
        Assert.Null(ActivityForm.TryRead(first));
        Assert.True(Entry.TryDecode(first, out _));
    }

    private static void RequireAgreement(byte[] bytes)
    {
        if (ActivityForm.TryRead(bytes) is not { } entry)
            return;
        Assert.True(Entry.TryDecodeAny(bytes, out var general), Convert.ToHexString(bytes));
        Assert.Equal(Describe(general), Describe(entry));
    }

    private static byte[] Encode(long at, ulong sequence, byte[] statement) => new Entry(at, [new EntrySubject(Agent, sequence)], Agent, Body(statement)).Encode();

    private static Activity Body(byte[] statement) => new(statement, KeyAlgorithm.Ed25519, [.. Enumerable.Range(0, 64).Select(i => (byte)i)], Quarantined: true);

    private static string Describe(Entry entry)
    {
        var body = Assert.IsType<Activity>(entry.Body);
        var subject = Assert.Single(entry.Subjects);
        return $"{entry.At} {subject} {entry.Actor} {Convert.ToHexString(body.Statement)} {body.Algorithm} {Convert.ToHexString(body.Signature)} {body.Quarantined}";
    }
}
