using System.Text;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Tests.Trails;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Anchors;

/// <summary>Where a chain is said to hold the log: the form by the vector of another implementation, and what does not agree with the checkpoint that it is shown with.</summary>
public sealed class AnchorTests
{
    private readonly TrailLog _log = new();

    private static System.Text.Json.JsonElement Vector => Vectors.Section("anchor");

    private static NoteVerifierKey OurKey => LogKey(Vectors.Section("checkpoint"));

    [Fact]
    public void The_anchor_of_the_vectors_is_opened_holds_under_its_tree_and_is_written_the_same_again()
    {
        var tree = new Checkpoint(OurKey.Name, new TreeSize(Vector.GetProperty("tree_size").GetUInt64()), Vector.Hash("tree_root"));

        Assert.True(ShownAnchor.TryRead(Vector.Hex("item"), out var shown, out _));
        var anchor = shown.Check(tree, OurKey, out var problem);

        Assert.Equal((Vector.Text("note"), Vector.Text("path")), (shown.Note, Convert.ToHexStringLower(shown.Path.Span)));
        Assert.Equal((OurKey.Name, 31337UL, Vector.GetProperty("size").GetUInt64(), 4711UL, 3UL, ""), (anchor!.Origin, anchor.ChainId, anchor.Size.Value, anchor.Block, anchor.EventIndex, problem));
        Assert.Equal(Vector.Hex("item"), shown.ToBytes());
    }

    [Fact]
    public void An_item_or_a_note_with_a_byte_changed_or_cut_off_is_refused()
    {
        var tree = new Checkpoint(OurKey.Name, new TreeSize(Vector.GetProperty("tree_size").GetUInt64()), Vector.Hash("tree_root"));
        var item = Vector.Hex("item");
        for (var i = 0; i < item.Length; i++)
        {
            byte[] changed = [.. item];
            changed[i] ^= 1;
            Assert.False(ShownAnchor.TryRead(changed, out var shown, out _) && shown.Check(tree, OurKey, out _) is not null, $"Byte {i}.");
            Assert.False(ShownAnchor.TryRead(item.AsMemory(0, i), out _, out _), $"{i} bytes.");
        }
        Assert.False(ShownAnchor.TryRead((byte[])[.. item, 0], out _, out var problem));
        Assert.Contains("behind", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("31337", "031337")]
    [InlineData("4711", "+4711")]
    [InlineData("4711", "4711 ")]
    [InlineData("agentidentity.v1/anchor", "agentidentity.v1/seal")]
    [InlineData("0x", "0X")]
    [InlineData("localhost:5000\n31337", "localhost:6000\n31337")]
    public void A_second_spelling_is_refused_though_the_key_has_signed_it(string spelled, string otherwise)
    {
        var log = new TrailLog();
        var text = Vector.Text("note").Split("\n\n")[0] + "\n";
        string Signed(string words) => Encoding.UTF8.GetString(SignedNote.Sign(Encoding.UTF8.GetBytes(words.Replace("localhost:5000", log.LogKey.Name, StringComparison.Ordinal)), log.Signer).ToArray());

        Assert.True(AnchorNote.TryOpen(Signed(text), log.LogKey, out _));
        Assert.False(AnchorNote.TryOpen(Signed(text.Replace(spelled, otherwise, StringComparison.Ordinal)), log.LogKey, out _));
    }

    [Fact]
    public void A_trail_says_that_it_is_anchored_and_that_nobody_has_asked_the_chain()
    {
        var verdict = VerifyVector("anchored");

        Assert.StartsWith("anchored, not asked of the chain: the first 7 of 11 entries", verdict[TrailProperty.Anchor].Words, StringComparison.Ordinal);
        Assert.Contains(ChainAnswer.NotAsked, verdict.NotChecked);
        Assert.Equal(7UL, verdict.Anchor!.Size.Value);
        Assert.Equal("none is shown", VerifyVector("all opened")[TrailProperty.Anchor].Words);
    }

    [Theory]
    [InlineData(TrailResult.Passed, true)]
    [InlineData(TrailResult.Failed, false)]
    [InlineData(TrailResult.NotChecked, false)]
    public void What_the_chain_answers_stands_in_the_verdict(TrailResult result, bool isProven)
    {
        var asked = VerifyVector("anchored").Asked(new ChainAnswer(result, "the words"));

        Assert.Equal((result, "the words", isProven), (asked[TrailProperty.Anchor].Result, asked[TrailProperty.Anchor].Words, asked.IsProven));
        Assert.DoesNotContain(ChainAnswer.NotAsked, asked.NotChecked);
    }

    [Fact]
    public void An_anchor_of_another_history_of_a_larger_tree_of_nothing_or_of_another_key_fails_and_nothing_else_does()
    {
        _log.Record();
        var other = new NoteSignerKey(TrailLog.Origin, Ed25519PrivateKey.FromSeed(Sha256.Hash("thief"u8).ToArray()));

        Assert.Empty(Failed(3, anchor => anchor));
        Assert.Equal([TrailProperty.Anchor], Failed(3, anchor => anchor with { Root = Sha256.Hash("another"u8) }));
        Assert.Equal([TrailProperty.Anchor], Failed(3, anchor => anchor with { Size = new TreeSize(2) }));
        Assert.Equal([TrailProperty.Anchor], Failed(3, anchor => anchor with { Size = new TreeSize(4000) }));
        Assert.Equal([TrailProperty.Anchor], Failed(3, anchor => anchor with { Size = default }));
        Assert.Equal([TrailProperty.Anchor], Failed(3, anchor => anchor, other));
    }

    [Fact]
    public void No_answer_of_a_chain_makes_an_anchor_good_that_does_not_agree_with_the_checkpoint()
    {
        _log.Record();
        var asked = Verify(3, anchor => anchor with { Root = Sha256.Hash("another"u8) }, _log.Signer).Asked(new ChainAnswer(TrailResult.Passed, "it is there"));

        Assert.Equal(TrailResult.Failed, asked[TrailProperty.Anchor].Result);
    }

    [Fact]
    public void A_certificate_carries_an_anchor_under_its_seal()
    {
        var made = Vectors.Section("certificates").GetProperty("enforced and anchored");
        var file = made.Hex("file");
        Assert.True(CertificateFile.TryRead(file, out var read, out _));

        var verdict = CertificateVerifier.Verify(file, TlogPolicy.LogAlone(LogKey(made)));
        var without = CertificateVerifier.Verify(Without(file, read!), TlogPolicy.LogAlone(LogKey(made)));

        Assert.Equal((true, 6UL), (verdict.IsProven, verdict.Anchor!.Size.Value));
        Assert.Equal(TrailResult.Failed, without[CertificateProperty.Seal].Result);
    }

    private static TrailVerdict VerifyVector(string name) => TrailVerifier.Verify(Vectors.Section("trails").GetProperty(name).Hex("file"), LogKey(Vectors.Section("trails").GetProperty(name)));

    private static NoteVerifierKey LogKey(System.Text.Json.JsonElement made) => NoteVerifierKey.TryParse(made.Text("vkey"), out var key, out var refusal) ? key : throw new InvalidOperationException($"{refusal}");

    private TrailProperty[] Failed(ulong size, Func<AnchorNote, AnchorNote> lie, NoteSignerKey? signer = null) =>
        [.. Verify(size, lie, signer ?? _log.Signer).Findings.Where(finding => finding.Result == TrailResult.Failed).Select(finding => finding.Property)];

    private TrailVerdict Verify(ulong size, Func<AnchorNote, AnchorNote> lie, NoteSignerKey signer) => TrailVerifier.Verify(_log.Export(file =>
    {
        var anchor = lie(new AnchorNote(TrailLog.Origin, 31337, "0x" + new string('a', 40), new TreeSize(size), _log.Root(size), Sha256.Hash("transaction"u8), 7, Sha256.Hash("block"u8), 0));
        return file with { Anchor = new ShownAnchor(anchor.Sign(signer), _log.Consistency(size)) };
    }), _log.LogKey);

    // The item cut out, and the count at the end made right.
    private static byte[] Without(byte[] file, CertificateFile read)
    {
        var item = read.Anchor!.ToBytes();
        var at = file.AsSpan().IndexOf(item);
        byte[] cut = [.. file.AsSpan(0, at), .. file.AsSpan(at + item.Length)];
        cut[^1]--;
        return cut;
    }
}
