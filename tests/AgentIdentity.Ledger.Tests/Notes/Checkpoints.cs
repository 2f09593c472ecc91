using System.Text;

namespace AgentIdentity.Ledger.Tests.Notes;

public sealed class Checkpoints
{
    private const string Root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    private const string EmptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    private readonly NoteSignerKey _log = SignedNotes.Signer("localhost:5000", 1);

    [Theory]
    [InlineData("example.com/behind-the-sofa\n20852163\n" + Root + "\n", "example.com/behind-the-sofa", 20852163, Root)]
    [InlineData("localhost:5000\n0\n" + EmptyRoot + "\n", "localhost:5000", 0, EmptyRoot)]
    [InlineData("an old name with spaces - 1\n1\n" + Root + "\n", "an old name with spaces - 1", 1, Root)]
    [InlineData("largest\n9223372036854775807\n" + Root + "\n", "largest", long.MaxValue, Root)]
    public void Three_lines_are_a_checkpoint_and_are_written_as_they_were(string text, string origin, ulong size, string root)
    {
        Assert.True(Checkpoint.TryParse(Encoding.UTF8.GetBytes(text), out var checkpoint, out var refusal), refusal.ToString());
        Assert.Equal(new Checkpoint(origin, new TreeSize(size), Hash.Read(Convert.FromBase64String(root))), checkpoint);
        Assert.Equal(text, Encoding.UTF8.GetString(checkpoint.ToText()));
    }

    [Theory]
    [InlineData("an extension\n")]
    [InlineData("one\n— two c3BhY2Vz\n \n")]
    public void Extension_lines_of_other_logs_are_kept_and_signed_with_the_rest(string extensions)
    {
        var text = $"localhost:5000\n1\n{Root}\n{extensions}";
        Assert.True(Checkpoint.TryParse(Encoding.UTF8.GetBytes(text), out var checkpoint, out _));
        Assert.Equal(extensions, checkpoint.Extensions);
        Assert.Equal(text, Encoding.UTF8.GetString(checkpoint.ToText()));
        Assert.NotEqual(new Checkpoint(checkpoint.Origin, checkpoint.Size, checkpoint.Root), checkpoint);
        Assert.True(Checkpoint.TryOpen(checkpoint.Sign(_log).ToArray(), _log.Verifier, out var opened, out _));
        Assert.Equal(checkpoint, opened);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("log.example\n7")]
    [InlineData("log\texample")]
    public void A_checkpoint_whose_origin_would_be_read_back_as_more_than_that_is_not_made(string origin) =>
        Assert.Throws<ArgumentException>(() => new Checkpoint(origin, new TreeSize(0), MerkleHash.Empty));

    [Fact]
    public void A_checkpoint_that_is_made_here_has_no_extension_lines() =>
        Assert.Empty(new Checkpoint("localhost:5000", new TreeSize(0), MerkleHash.Empty).Extensions);

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("o\n1\n")]
    [InlineData("o\n1\n" + Root)]
    [InlineData("\n1\n" + Root + "\n")]
    [InlineData("o\n\n" + Root + "\n")]
    [InlineData("o\n1\n\n")]
    [InlineData("o\n1\n" + Root + "\n\n")]
    [InlineData("o\n1\n" + Root + "\n\nafter an empty line\n")]
    [InlineData("o\n1\n" + Root + "\nextension without a line feed")]
    [InlineData("o\n1\n" + Root + "\nextension\n\n")]
    [InlineData("o\n1\n" + Root + "\nextension\n\nafter an empty line\n")]
    [InlineData("o\n01\n" + Root + "\n")]
    [InlineData("o\n00\n" + EmptyRoot + "\n")]
    [InlineData("o\n+1\n" + Root + "\n")]
    [InlineData("o\n-1\n" + Root + "\n")]
    [InlineData("o\n 1\n" + Root + "\n")]
    [InlineData("o\n1 \n" + Root + "\n")]
    [InlineData("o\n1,000\n" + Root + "\n")]
    [InlineData("o\n0x1\n" + Root + "\n")]
    [InlineData("o\n1e3\n" + Root + "\n")]
    [InlineData("o\n١\n" + Root + "\n")]
    [InlineData("o\n9223372036854775808\n" + Root + "\n")]
    [InlineData("o\n18446744073709551616\n" + Root + "\n")]
    [InlineData("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n")]
    [InlineData("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n")]
    [InlineData("o\n1\n CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")]
    [InlineData("o\n1\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n")]
    [InlineData("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n")]
    [InlineData("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA\n")]
    public void Any_other_text_is_refused(string text) => AssertRefused(NoteRefusal.MalformedCheckpoint, Encoding.UTF8.GetBytes(text));

    [Fact]
    public void A_wrong_root_of_nothing_and_what_is_no_text_are_refused_by_name()
    {
        AssertRefused(NoteRefusal.WrongEmptyRoot, Encoding.UTF8.GetBytes($"o\n0\n{Root}\n"));
        AssertRefused(NoteRefusal.NotText, Encoding.UTF8.GetBytes($"o\r\n1\r\n{Root}\r\n"));
        AssertRefused(NoteRefusal.NotText, [0xff, .. Encoding.UTF8.GetBytes($"\n1\n{Root}\n")]);
    }

    [Fact]
    public void A_checkpoint_opens_under_the_key_of_its_log_alone()
    {
        var checkpoint = new Checkpoint("localhost:5000", new TreeSize(1), Hash.Read(Convert.FromBase64String(Root)));
        var note = checkpoint.Sign(_log).ToArray();
        Assert.True(Checkpoint.TryOpen(note, _log.Verifier, out var opened, out _));
        Assert.Equal(checkpoint, opened);
        AssertNotOpened(NoteRefusal.NoKnownSignature, note, SignedNotes.Signer("localhost:5000", 2).Verifier);
        AssertNotOpened(NoteRefusal.NoKnownSignature, note, SignedNotes.Signer("localhost:5001", 1).Verifier);
        AssertNotOpened(NoteRefusal.NoSignatures, checkpoint.ToText(), _log.Verifier);
    }

    [Fact]
    public void A_checkpoint_of_another_log_is_refused_though_this_logs_key_has_signed_it()
    {
        var other = new Checkpoint("localhost:6000", new TreeSize(1), Hash.Read(Convert.FromBase64String(Root)));
        Assert.Throws<ArgumentException>(() => other.Sign(_log));
        AssertNotOpened(NoteRefusal.WrongOrigin, SignedNote.Sign(other.ToText(), _log).ToArray(), _log.Verifier);
    }

    [Fact]
    public void A_signed_text_that_is_no_checkpoint_is_refused() =>
        AssertNotOpened(NoteRefusal.MalformedCheckpoint, SignedNote.Sign("localhost:5000\n1\n"u8, _log).ToArray(), _log.Verifier);

    [Fact]
    public void A_cosignature_is_no_signature_of_a_log()
    {
        var witness = Cosignatures.Witness(_log.Verifier.Name, 100);
        var checkpoint = new Checkpoint(_log.Verifier.Name, new TreeSize(1), Hash.Read(Convert.FromBase64String(Root)));
        var note = checkpoint.Sign(_log).With(witness.Sign(checkpoint, DateTimeOffset.UnixEpoch.AddDays(20_000)));
        Assert.Equal(NoteRefusal.None, note.Verify(witness.Verifier));

        AssertNotOpened(NoteRefusal.WrongKeyType, note.ToArray(), witness.Verifier);
        Assert.False(TlogPolicy.LogAlone(witness.Verifier).TryOpen(note, out _, out var refusal));
        Assert.Equal(NoteRefusal.WrongKeyType, refusal);
    }

    private static void AssertRefused(NoteRefusal refusal, byte[] text)
    {
        Assert.False(Checkpoint.TryParse(text, out _, out var found));
        Assert.Equal(refusal, found);
    }

    private static void AssertNotOpened(NoteRefusal refusal, byte[] note, NoteVerifierKey key)
    {
        Assert.False(Checkpoint.TryOpen(note, key, out _, out var found));
        Assert.Equal(refusal, found);
    }
}
