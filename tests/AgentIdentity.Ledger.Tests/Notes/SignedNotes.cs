using System.Text;

namespace AgentIdentity.Ledger.Tests.Notes;

public sealed class SignedNotes
{
    private const string Text = "First line.\n\nAfter an empty line: ü.\n";

    private readonly NoteSignerKey _log = Signer("example.com/log", 1);
    private readonly NoteSignerKey _witness = Signer("example.com/witness", 2);
    private readonly NoteSignerKey _stranger = Signer("example.com/stranger", 3);

    [Fact]
    public void A_text_with_empty_lines_ends_at_the_last_one()
    {
        var note = Parse(Note(_log, _witness));
        Assert.Equal(Text, Encoding.UTF8.GetString(note.Text.Span));
        Assert.Equal(["example.com/log", "example.com/witness"], note.Signatures.Select(signature => signature.Name));
        Assert.Equal(NoteRefusal.None, note.Verify(_log.Verifier, _witness.Verifier));
    }

    [Fact]
    public void Signatures_of_unknown_keys_are_ignored_even_when_name_or_id_is_known()
    {
        var sameName = Signer("example.com/log", 9);
        var note = Parse(Note(_log, _stranger, sameName))
            .With(new NoteSignature("example.com/other", _log.Verifier.KeyId, new byte[] { 1 }), new NoteSignature("post.quantum", 6, new byte[2428]));
        Assert.Equal(NoteRefusal.None, Parse(note.ToArray()).Verify(_log.Verifier));
    }

    [Fact]
    public void A_bad_signature_of_a_known_key_refuses_the_note_though_another_is_good()
    {
        var forged = new NoteSignature(_witness.Verifier.Name, _witness.Verifier.KeyId, _log.Sign(Encoding.UTF8.GetBytes(Text)).Bytes);
        var note = Parse(Note(_log)).With(forged);
        Assert.Equal(NoteRefusal.BadSignature, note.Verify(_log.Verifier, _witness.Verifier));
        Assert.Equal(NoteRefusal.None, note.Verify(_log.Verifier));
    }

    [Fact]
    public void A_second_signature_of_a_known_key_is_verified_too()
    {
        var note = Parse(Note(_log));
        Assert.Equal(NoteRefusal.None, note.With(_log.Sign(note.Text.Span)).Verify(_log.Verifier));
        Assert.Equal(NoteRefusal.BadSignature, note.With(_log.Sign([1])).Verify(_log.Verifier));
    }

    [Fact]
    public void A_note_that_no_known_key_has_signed_is_refused()
    {
        Assert.Equal(NoteRefusal.NoKnownSignature, Parse(Note(_stranger)).Verify(_log.Verifier, _witness.Verifier));
        Assert.Equal(NoteRefusal.NoKnownSignature, Parse(Note(_log)).Verify());
    }

    [Fact]
    public void One_wrong_bit_in_the_text_or_in_the_signature_refuses_the_note()
    {
        var note = Parse(Note(_log));
        for (var bit = 0; bit < note.Text.Length * 8; bit++)
        {
            var bytes = note.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(SignedNote.TryParse(bytes, out var wrong, out _) && wrong.Verify(_log.Verifier) == NoteRefusal.None, $"bit {bit} of the text");
        }
        var signature = note.Signatures[0];
        for (var bit = 0; bit < signature.Bytes.Length * 8; bit++)
        {
            var bytes = signature.Bytes.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            var wrong = SignedNoteOf(note.Text.Span, signature with { Bytes = bytes });
            Assert.Equal(NoteRefusal.BadSignature, wrong.Verify(_log.Verifier));
        }
    }

    [Fact]
    public void Two_known_keys_that_share_name_and_id_are_refused_and_the_same_key_twice_is_not()
    {
        // An id is four bytes: counting seeds upwards found this pair after 11,657 keys.
        var one = Signer("example.com/log", 1430);
        var other = Signer("example.com/log", 11657);
        Assert.Equal(one.Verifier.KeyId, other.Verifier.KeyId);
        var note = Parse(Note(one));
        Assert.Equal(NoteRefusal.AmbiguousKey, note.Verify(one.Verifier, other.Verifier));
        Assert.Equal(NoteRefusal.BadSignature, note.Verify(other.Verifier));
        Assert.Equal(NoteRefusal.None, note.Verify(one.Verifier, Signer("example.com/log", 1430).Verifier));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(SignedNote.SignaturesMax)]
    public void As_many_signatures_as_are_promised_are_read(int count) =>
        Assert.Equal(count, Parse(ManySignatures(count)).Signatures.Count);

    [Fact]
    public void One_signature_or_one_byte_too_many_refuses_the_note()
    {
        byte[] oneMore = [.. ManySignatures(SignedNote.SignaturesMax), .. "— n AAAAAAE=\n"u8];
        Assert.Equal(NoteRefusal.TooManySignatures, RefusalOf(oneMore));
        Assert.Throws<ArgumentException>(() => ManySignatures(SignedNote.SignaturesMax + 1));
        Assert.Null(RefusalOf(OfLength(SignedNote.BytesMax)));
        Assert.Equal(NoteRefusal.TooLong, RefusalOf(OfLength(SignedNote.BytesMax + 1)));
    }

    public static TheoryData<string, NoteRefusal> Malformed => new()
    {
        { "", NoteRefusal.NoSignatures },
        { "\n", NoteRefusal.NoSignatures },
        { "\n\n", NoteRefusal.NoSignatures },
        { "text\n", NoteRefusal.NoSignatures },
        { "text\n\n", NoteRefusal.NoSignatures },
        { "text\n— n AAAAAAE=\n", NoteRefusal.NoSignatures },
        { "\n— n AAAAAAE=\n", NoteRefusal.NoSignatures },
        { "text\n\n— n AAAAAAE=", NoteRefusal.MalformedSignature },
        { "text\n\n— n AAAAAAE=\nmore\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n AAAAAAE=\n\n", NoteRefusal.NoSignatures },
        { "text\n\n- n AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n– n AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n—n AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n—  AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n \n", NoteRefusal.MalformedSignature },
        { "text\n\n— n+m AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n\u00a0m AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n\u2003m AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n\u0085m AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n  AAAAAAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n AAAAAAE= \n", NoteRefusal.MalformedSignature },
        { "text\n\n— n AAAAAAE\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n AAAAAAF=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n AAAA AAE=\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n AAAAAA==\n", NoteRefusal.MalformedSignature },
        { "text\n\n— n _-AAAAE=\n", NoteRefusal.MalformedSignature },
        { "te\txt\n\n— n AAAAAAE=\n", NoteRefusal.NotText },
        { "text\r\n\r\n— n AAAAAAE=\r\n", NoteRefusal.NotText },
        { "te\0xt\n\n— n AAAAAAE=\n", NoteRefusal.NotText },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_note_is_refused_by_name(string note, NoteRefusal refusal) => Assert.Equal(refusal, RefusalOf(Encoding.UTF8.GetBytes(note)));

    [Theory]
    [InlineData(0xff)]
    [InlineData(0xc0)]
    [InlineData(0xed)]
    public void Bytes_that_are_not_utf8_are_refused(byte value) =>
        Assert.Equal(NoteRefusal.NotText, RefusalOf([value, .. "\n\n— n AAAAAAE=\n"u8]));

    [Fact]
    public void A_text_that_could_not_be_read_back_is_not_signed()
    {
        Assert.Throws<ArgumentException>(() => SignedNote.Sign([], _log));
        Assert.Throws<ArgumentException>(() => SignedNote.Sign("no line feed"u8, _log));
        Assert.Throws<ArgumentException>(() => SignedNote.Sign("tab\t\n"u8, _log));
        Assert.Throws<ArgumentException>(() => SignedNote.Sign("x\n"u8));
    }

    internal static NoteSignerKey Signer(string name, int seed)
    {
        var bytes = new byte[Ed25519.SeedSize];
        BitConverter.TryWriteBytes(bytes, seed);
        return new NoteSignerKey(name, Ed25519PrivateKey.FromSeed(bytes));
    }

    private static byte[] Note(params ReadOnlySpan<NoteSignerKey> signers) => SignedNote.Sign(Encoding.UTF8.GetBytes(Text), signers).ToArray();

    private static SignedNote SignedNoteOf(ReadOnlySpan<byte> text, NoteSignature signature) =>
        Parse([.. text, .. Encoding.UTF8.GetBytes($"\n{signature}\n")]);

    private static SignedNote Parse(byte[] bytes)
    {
        Assert.True(SignedNote.TryParse(bytes, out var note, out var refusal), refusal.ToString());
        Assert.Equal(bytes, note.ToArray());
        return note;
    }

    private static NoteRefusal? RefusalOf(byte[] bytes) => SignedNote.TryParse(bytes, out _, out var refusal) ? null : refusal;

    private byte[] ManySignatures(int count) =>
        Parse(Note(_log)).With(Enumerable.Range(1, count - 1).Select(i => new NoteSignature($"witness-{i}", (uint)i, new byte[64]))).ToArray();

    private static byte[] OfLength(int length)
    {
        var rest = "\n\n— n AAAAAAE=\n"u8;
        return [.. Enumerable.Repeat((byte)'x', length - rest.Length), .. rest];
    }
}
