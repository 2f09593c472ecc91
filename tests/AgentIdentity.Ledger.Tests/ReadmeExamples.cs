using System.Text.RegularExpressions;
using AgentIdentity.Ledger.Tests.Notes;

namespace AgentIdentity.Ledger.Tests;

/// <summary>The examples of the library's README run here, and a test holds the two texts against each other.</summary>
public sealed partial class ReadmeExamples
{
    private readonly NoteSignerKey _signer = SignedNotes.Signer("log.example", 1);
    private readonly byte[][] _entries = [[1], [2, 2], [3, 3, 3]];

    [Fact]
    public void A_log_is_kept_and_the_receipt_that_it_gives_out_is_checked_offline()
    {
        var policyFile = System.Text.Encoding.UTF8.GetBytes($"log {_signer.Verifier}\nquorum none\n");
        Assert.Equal(TlogProofRefusal.None, Check(policyFile, Receipt(_entries, _signer), _entries[1]));
        Assert.Equal(TlogProofRefusal.PathRefused, Check(policyFile, Receipt(_entries, _signer), _entries[2]));
    }

    [Fact]
    public void A_witness_signs_what_grows_from_the_last_it_saw_and_nothing_else()
    {
        var (one, two, three) = (Note(1), Note(2), Note(3));
        Hash[] hashes = [.. _entries.Select(entry => MerkleHash.Leaf(entry))];
        Checkpoint? saved = null;
        Assert.True(Checkpoint.TryOpen(one, _signer.Verifier, out var last, out _));
        var cosignature = Cosign(two, last, [hashes[1]], checkpoint => saved = checkpoint);
        Assert.Equal(2UL, saved!.Size.Value);
        Assert.True(Cosignatures.Witness("witness.example", 7).Verifier.Verify(saved.ToText(), cosignature));
        Assert.Throws<InvalidDataException>(() => Cosign(three, saved, [hashes[1]], checkpoint => saved = checkpoint));
        Assert.Equal(2UL, saved.Size.Value);
    }

    [Theory]
    [InlineData("receipt")]
    [InlineData("check")]
    [InlineData("witness")]
    public void The_readme_shows_the_code_that_runs_here(string name)
    {
        var shown = Example(Text("README.md"), $@"<!-- example {name} -->\n```csharp\n(.*?)```\n");
        var run = Example(Text("ReadmeExamples.cs"), $@" +// example {name}\n(.*?) +// end\n");
        Assert.Equal(shown, Indentation().Replace(run, ""));
    }

    private static byte[] Receipt(byte[][] entries, NoteSignerKey logKey)
    {
        // example receipt
        var writer = new TileWriter();
        foreach (var entry in entries)
            writer.Append(MerkleHash.Leaf(entry));

        // Store the tiles before you sign what they add up to.
        var tiles = writer.TakeChanged().ToDictionary(tile => tile.Id, tile => tile.Bytes);
        SignedNote note = new Checkpoint("log.example", writer.Size, writer.Root()).Sign(logKey);

        var index = new LeafIndex(1);
        Hash[] path = InclusionProof.Build(index, writer.Size, new TileNodeReader(id => tiles[id]).Read);
        byte[] receipt = new TlogProof(index, path, note).ToArray();
        // end
        return receipt;
    }

    private static TlogProofRefusal Check(byte[] policyFile, byte[] receiptFile, byte[] entry)
    {
        // example check
        if (!TlogPolicy.TryParse(policyFile, out var policy, out var wrong, out var line))
            throw new InvalidDataException($"policy, line {line}: {wrong}");
        if (!TlogProof.TryParse(receiptFile, out var receipt, out var malformed))
            throw new InvalidDataException($"receipt: {malformed}");

        // The entry is what you believe was logged; the receipt only says where.
        TlogProofRefusal refusal = receipt.Verify(MerkleHash.Leaf(entry), policy, out var checkpoint, out var noteRefusal);
        // end
        Assert.Equal(refusal == TlogProofRefusal.None, checkpoint is not null);
        Assert.Equal(NoteRefusal.None, noteRefusal);
        return refusal;
    }

    private NoteSignature Cosign(byte[] note, Checkpoint last, Hash[] path, Action<Checkpoint> save)
    {
        var (logKey, witness, clock) = (_signer.Verifier, Cosignatures.Witness("witness.example", 7), TimeProvider.System);
        // example witness
        if (!Checkpoint.TryOpen(note, logKey, out var next, out var refusal))
            throw new InvalidDataException($"checkpoint: {refusal}");
        if (!ConsistencyProof.Verify(last.Size, next.Size, last.Root, next.Root, path))
            throw new InvalidDataException("This log does not grow from the one that was seen last.");

        // On disk before the signature leaves, or a restart makes a liar of you.
        save(next);
        NoteSignature cosignature = witness.Sign(next, clock.GetUtcNow());
        // end
        return cosignature;
    }

    private byte[] Note(int size) =>
        new Checkpoint("log.example", new TreeSize((ulong)size), MerkleHash.Root([.. _entries[..size].Select(entry => MerkleHash.Leaf(entry))])).Sign(_signer).ToArray();

    private static string Text(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "readme", name));

    private static string Example(string text, string pattern)
    {
        var found = Regex.Match(text, pattern, RegexOptions.Singleline);
        Assert.True(found.Success, pattern);
        return found.Groups[1].Value;
    }

    [GeneratedRegex("^ {8}", RegexOptions.Multiline)]
    private static partial Regex Indentation();
}
