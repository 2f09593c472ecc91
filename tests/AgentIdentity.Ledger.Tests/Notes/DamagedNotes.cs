using System.Text;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Notes;

/// <summary>Whatever the bytes: no parser throws, and what a parser accepts is written back as the same bytes, so that there is one spelling.</summary>
public sealed class DamagedNotes(ITestOutputHelper output)
{
    private static readonly string[] Texts = ["\n", "\n\n", "— ", " ", "+", "=", "A", "0", "\u0085", "\u00a0", "\ud83d\ude00", "\t", "\r\n", "\0"];

    private static readonly byte[][] Tokens = [.. Texts.Select(Encoding.UTF8.GetBytes), [0xff], [0xe2, 0x80]];

    private readonly NoteSignerKey _log = SignedNotes.Signer("localhost:5000", 1);
    private readonly NoteSignerKey _witness = SignedNotes.Signer("localhost:6000/2", 2);

    [Fact]
    public void A_damaged_note_is_refused_or_read_and_never_throws()
    {
        var text = new Checkpoint("localhost:5000", new TreeSize(70_000), MerkleHash.Leaf([1])).ToText();
        byte[][] originals = [Encoding.UTF8.GetBytes(KnownNotes.Note), SignedNote.Sign(text, _log, _witness).ToArray()];
        var accepted = 0;
        new Mutation(output, originals, Tokens).Run(bytes =>
        {
            if (!SignedNote.TryParse(bytes, out var note, out var refusal))
            {
                Assert.NotEqual(NoteRefusal.None, refusal);
                return;
            }
            accepted++;
            Assert.Equal(bytes, note.ToArray());
            if (note.Verify(_log.Verifier, _witness.Verifier) == NoteRefusal.None)
                Assert.Equal(text, note.Text.ToArray());
        });
        Assert.True(accepted > 100, "the damage leaves too little to read");
    }

    [Fact]
    public void A_damaged_checkpoint_is_refused_or_read_and_never_throws()
    {
        byte[][] originals =
        [
            new Checkpoint("localhost:5000", new TreeSize(70_000), MerkleHash.Leaf([1])).ToText(),
            new Checkpoint("o", new TreeSize(0), MerkleHash.Empty).ToText(),
            [.. new Checkpoint("o", new TreeSize(1), MerkleHash.Empty).ToText(), .. "extension\n"u8],
        ];
        var accepted = 0;
        new Mutation(output, originals, Tokens).Run(bytes =>
        {
            if (Checkpoint.TryParse(bytes, out var checkpoint, out var refusal))
            {
                accepted++;
                Assert.Equal(bytes, checkpoint.ToText());
            }
            Assert.Equal(checkpoint is null, refusal != NoteRefusal.None);
        });
        Assert.True(accepted > 100, "the damage leaves too little to read");
    }

    [Fact]
    public void A_damaged_verifier_key_is_refused_or_read_and_never_throws()
    {
        byte[][] originals = [Encoding.UTF8.GetBytes(KnownNotes.Vkey), Encoding.UTF8.GetBytes(_log.Verifier.ToString())];
        new Mutation(output, originals, Tokens).Run(bytes =>
        {
            var text = Encoding.Latin1.GetString(bytes);
            if (NoteVerifierKey.TryParse(text, out var key, out var refusal))
                Assert.Equal(text, key.ToString());
            Assert.Equal(key is null, refusal != NoteRefusal.None);
        });
    }

    [Fact]
    public void A_damaged_tile_path_is_refused_or_read_and_never_throws()
    {
        byte[][] originals = ["tile/0/x001/x234/067.p/112"u8.ToArray(), "tile/63/000"u8.ToArray(), "tile/entries/x001/000.p/1"u8.ToArray()];
        new Mutation(output, originals, [.. Tokens, "/"u8.ToArray(), ".p/"u8.ToArray(), "x000/"u8.ToArray()]).Run(bytes =>
        {
            var path = Encoding.Latin1.GetString(bytes);
            if (Tile.TryParsePath(path, out var tile, out var width))
                Assert.Equal(path, Tile.Path(tile, width));
            if (Tile.TryParseEntriesPath(path, out var index, out width))
                Assert.Equal(path, Tile.EntriesPath(index, width));
        });
    }
}
