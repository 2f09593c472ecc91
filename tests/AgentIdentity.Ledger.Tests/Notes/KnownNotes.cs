using System.Text;

namespace AgentIdentity.Ledger.Tests.Notes;

public sealed class KnownNotes
{
    // The example of the signed-note specification.
    internal const string Vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    internal const string Note =
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    [Fact]
    public void The_example_key_verifies_the_example_note()
    {
        Assert.True(NoteVerifierKey.TryParse(Vkey, out var key, out _));
        Assert.Equal(0x530d903au, key.KeyId);
        Assert.Equal(Vkey, key.ToString());
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(Note), out var note, out _));
        Assert.Equal("This is an example message.\n", Encoding.UTF8.GetString(note.Text.Span));
        Assert.Equal(NoteRefusal.None, note.Verify(key));
        Assert.Equal(Note, Encoding.UTF8.GetString(note.ToArray()));
    }

    [Fact]
    public void A_checkpoint_of_gos_checksum_database_opens_under_its_origin_which_is_not_the_name_of_its_key()
    {
        var note = "go.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n\n"u8.ToArray()
            .Concat("— sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ=\n"u8.ToArray()).ToArray();
        Assert.True(NoteVerifierKey.TryParse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", out var key, out _));
        Assert.True(Checkpoint.TryOpen(note, key, "go.sum database tree", out var checkpoint, out var refusal), refusal.ToString());
        Assert.Equal(35_225_469UL, checkpoint.Size.Value);
        Assert.False(Checkpoint.TryOpen(note, key, out _, out refusal));
        Assert.Equal(NoteRefusal.WrongOrigin, refusal);
    }

    [Fact]
    public void A_signed_checkpoint_opens_with_the_key_of_its_log()
    {
        using var privateKey = Ed25519PrivateKey.Generate();
        var logKey = new NoteSignerKey("localhost:5000", privateKey);
        var checkpoint = new Checkpoint("localhost:5000", new TreeSize(7), MerkleHash.Leaf([1, 2, 3]));
        Assert.True(Checkpoint.TryOpen(checkpoint.Sign(logKey).ToArray(), logKey.Verifier, out var opened, out var refusal), refusal.ToString());
        Assert.Equal(checkpoint, opened);
    }
}
