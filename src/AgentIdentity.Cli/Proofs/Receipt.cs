using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Proofs;

/// <summary>
/// A receipt that can be checked alone. As files: a tlog-proof that carries its leaf, and where there is an anchor that one beside it, under the same name with <c>.anchor</c> behind
/// (docs/formats.md, "Receipt" and "Anchor").
/// </summary>
internal sealed class Receipt
{
    private const string AnchorEnding = ".anchor";
    private const int AnchorBytesMax = 64 * 1024;

    private readonly TlogProof _proof;
    private readonly Leaf _leaf;
    private readonly ReadOnlyMemory<byte> _anchor;

    private Receipt(TlogProof proof, Leaf leaf, ReadOnlyMemory<byte> anchor) => (_proof, _leaf, _anchor) = (proof, leaf, anchor);

    /// <summary>Which log it is of, as it says.</summary>
    public string Origin => _proof.Checkpoint.Origin;

    private Hash LeafHash => MerkleHash.Leaf(_proof.Extra.Span);

    /// <summary>What the registry has sent for an entry, whose leaf it has shown before.</summary>
    public static Receipt Of(GetReceiptResponse received, CheckedProof shown)
    {
        if (!TlogProof.TryParse(received.Receipt.Span, out var sent, out var refusal) || sent.Index.Value != shown.Index)
            throw Failure.Refused($"That is no receipt of entry {shown.Index}: {refusal}.");
        return MerkleHash.Leaf(received.Leaf.Span) == shown.LeafHash
            ? new Receipt(new TlogProof(sent.Index, sent.Path, sent.Note, received.Leaf.ToByteArray()), shown.Leaf, received.Anchor.Memory)
            : throw Failure.Refused($"The receipt of entry {shown.Index} is of another leaf than the proof.");
    }

    public static Receipt Read(string file)
    {
        if (!TlogProof.TryParse(InputText.ReadBytes(file, TlogProof.BytesMax), out var proof, out var refusal))
            throw Failure.Usage($"{file} is no receipt: {refusal}.", "agentid prove INDEX --out FILE writes one.");
        if (!Leaf.TryDecode(proof.Extra.Span, out var leaf))
            throw Failure.Usage($"{file} is a receipt without its leaf: it shows that something is in the log, and not what.");
        return new Receipt(proof, leaf, File.Exists(file + AnchorEnding) ? InputText.ReadBytes(file + AnchorEnding, AnchorBytesMax) : default);
    }

    public void WriteTo(string file)
    {
        PrivateFiles.Replace(file, _proof.ToArray());
        // One that is left from before would be of another receipt.
        if (_anchor.IsEmpty)
            File.Delete(file + AnchorEnding);
        else
            PrivateFiles.Replace(file + AnchorEnding, _anchor.Span);
    }

    /// <summary>On whose word it holds; one that does not is a refusal.</summary>
    public CosignedCheckpoint Under(TlogPolicy policy)
    {
        var refusal = _proof.Verify(LeafHash, policy, out var cosigned, out var why);
        return refusal == TlogProofRefusal.None
            ? cosigned!
            : throw Failure.Refused($"The receipt of entry {_proof.Index} does not hold under that policy: {refusal}{(why == NoteRefusal.None ? "" : $", {why}")}.");
    }

    /// <summary>What it shows, once it holds.</summary>
    public CheckedProof Proven(CosignedCheckpoint under) => new(_proof.Index.Value, _leaf, LeafHash, _proof.Path.Length, under.Checkpoint);

    /// <summary>The anchor, which agrees with the receipt's checkpoint and covers the entry; null where there is none.</summary>
    public AnchorNote? AnchorUnder(NoteVerifierKey logKey)
    {
        if (_anchor.IsEmpty)
            return null;
        if (!ShownAnchor.TryRead(_anchor, out var shown, out var problem))
            throw Failure.Refused($"What came with the receipt of entry {_proof.Index} is no anchor: {problem}.");
        if (shown.Check(Under(TlogPolicy.LogAlone(logKey)).Checkpoint, logKey, out problem) is not { } anchor)
            throw Failure.Refused($"The anchor of entry {_proof.Index} does not hold: {problem}.");
        return anchor.Size.Contains(_proof.Index) ? anchor : throw Failure.Refused($"The anchor is of {anchor.Size} entries, and does not cover entry {_proof.Index}.");
    }
}
