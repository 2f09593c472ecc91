using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>
/// A receipt (C2SP tlog-proof): where a leaf stands in a log, the inclusion path, and the checkpoint that it leads to with all its
/// signatures. Enough to check it offline, for ever, with the keys of log and witnesses.
/// </summary>
/// <remarks>
/// Lines <c>c2sp.org/tlog-proof@v1</c>, perhaps <c>extra &lt;base64&gt;</c>, <c>index &lt;n&gt;</c>, the path from the leaf's sibling upwards (one
/// base64 hash a line; none in a tree of one leaf), an empty line, and the checkpoint verbatim. One receipt has one spelling.
/// </remarks>
public sealed class TlogProof
{
    /// <summary>Hashes of a path at most: 63, that of the largest tree.</summary>
    public const int PathMax = 63;

    /// <summary>Bytes of <see cref="Extra"/> that are still read: 786,432. A statement with 1,000 commitments and its openings fits many times over.</summary>
    public const int ExtraBytesMax = 768 * 1024;

    /// <summary>Bytes of a receipt that is still read: all of these at their largest.</summary>
    public const int BytesMax = (ExtraBytesMax / 3 * 4) + (PathMax * 45) + 64 + SignedNote.BytesMax;

    private const string ExtraWord = "extra ";
    private const string IndexWord = "index ";

    private readonly Hash[] _path;

    /// <summary>A receipt for the leaf at an index of the tree that the note is a checkpoint of.</summary>
    /// <param name="index">The index of the leaf.</param>
    /// <param name="path">What <see cref="InclusionProof.Build"/> gives for that size.</param>
    /// <param name="note">The checkpoint, with the signatures of the log and of as many witnesses as have cosigned.</param>
    /// <param name="extra">What the application adds; nothing vouches for it.</param>
    /// <exception cref="ArgumentException">The note is no checkpoint, or path or extra are longer than any that is read.</exception>
    public TlogProof(LeafIndex index, ReadOnlySpan<Hash> path, SignedNote note, ReadOnlyMemory<byte> extra = default)
        : this(index, path.ToArray(), note, CheckpointOf(note), extra)
    {
        if (path.Length > PathMax)
            throw new ArgumentException($"A path has at most {PathMax} hashes; {path.Length} were given.", nameof(path));
        if (extra.Length > ExtraBytesMax)
            throw new ArgumentException($"At most {ExtraBytesMax} bytes go with a receipt; {extra.Length} were given.", nameof(extra));
    }

    private TlogProof(LeafIndex index, Hash[] path, SignedNote note, Checkpoint checkpoint, ReadOnlyMemory<byte> extra)
    {
        Index = index;
        _path = path;
        Note = note;
        Checkpoint = checkpoint;
        Extra = extra;
    }

    /// <summary>Where the leaf stands, as the receipt claims.</summary>
    public LeafIndex Index { get; }

    /// <summary>The sibling hashes on the way to the root, leaf side first.</summary>
    public ReadOnlySpan<Hash> Path => _path;

    /// <summary>The checkpoint with its signatures, which <see cref="Verify"/> checks.</summary>
    public SignedNote Note { get; }

    /// <summary>What the note says, whoever has signed it.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>What the application has added; empty if nothing. Not authenticated: use it only to recompute the leaf that is then verified.</summary>
    public ReadOnlyMemory<byte> Extra { get; }

    /// <summary>Reads a receipt; nothing is verified yet. The bytes are copied.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out TlogProof? proof, out TlogProofRefusal refusal)
    {
        refusal = Parse(bytes, out proof);
        return proof is not null;
    }

    /// <summary>Checks that the leaf is in the log, by the steps of the specification.</summary>
    /// <param name="leafHash">The hash of the leaf (<see cref="MerkleHash.Leaf"/>), which the caller has computed from what it believes was logged.</param>
    /// <param name="policy">The keys of logs and witnesses that are trusted: <see cref="TlogPolicy.LogAlone"/> if it is one log's.</param>
    /// <param name="checkpoint">On whose word, if the receipt was not refused.</param>
    /// <param name="noteRefusal">Why the checkpoint was refused, if it is <see cref="TlogProofRefusal.CheckpointRefused"/>.</param>
    public TlogProofRefusal Verify(in Hash leafHash, TlogPolicy policy, out CosignedCheckpoint? checkpoint, out NoteRefusal noteRefusal)
    {
        // 1. The leaf hash is the application's. 2. and 3. Origin, the log's signature, the cosignatures and their quorum.
        if (!policy.TryOpen(Note, out checkpoint, out noteRefusal))
            return TlogProofRefusal.CheckpointRefused;

        // 4. The path binds the leaf to the root. An empty one does so in a tree of one leaf only.
        var refusal = CheckPath(in leafHash);
        if (refusal != TlogProofRefusal.None)
            checkpoint = null;
        return refusal;
    }

    /// <summary>The bytes of the receipt, as they are stored in a <c>.tlog-proof</c> file.</summary>
    public byte[] ToArray()
    {
        var text = new StringBuilder("c2sp.org/tlog-proof@v1\n");
        if (!Extra.IsEmpty)
            text.Append(ExtraWord).Append(Convert.ToBase64String(Extra.Span)).Append('\n');
        text.Append(IndexWord).Append(Index).Append('\n');
        foreach (var hash in _path)
            text.Append(hash).Append('\n');
        text.Append('\n');
        return [.. Encoding.ASCII.GetBytes(text.ToString()), .. Note.ToArray()];
    }

    private TlogProofRefusal CheckPath(in Hash leafHash)
    {
        if (!Checkpoint.Size.Contains(Index))
            return TlogProofRefusal.IndexOutsideTree;
        return InclusionProof.Verify(Index, Checkpoint.Size, in leafHash, _path, Checkpoint.Root) ? TlogProofRefusal.None : TlogProofRefusal.PathRefused;
    }

    private static TlogProofRefusal Parse(ReadOnlySpan<byte> bytes, out TlogProof? proof)
    {
        proof = null;
        if (bytes.Length > BytesMax)
            return TlogProofRefusal.TooLong;
        if (!HashLines.TryTakeLine(ref bytes, out var line) || !line.SequenceEqual("c2sp.org/tlog-proof@v1"u8))
            return TlogProofRefusal.UnknownVersion;

        byte[]? extra = [];
        var hasIndex = HashLines.TryTakeLine(ref bytes, out line);
        if (hasIndex && line.StartsWith("extra "u8))
        {
            if (!NoteText.TryDecodeBase64(line[ExtraWord.Length..], out extra) || extra.Length is 0 or > ExtraBytesMax)
                return TlogProofRefusal.MalformedExtra;
            hasIndex = HashLines.TryTakeLine(ref bytes, out line);
        }
        if (!hasIndex || !TryReadIndex(line, out var index))
            return TlogProofRefusal.MalformedIndex;
        var lines = HashLines.Take(ref bytes, PathMax, out var path);
        if (lines != HashLines.Outcome.Read)
            return lines == HashLines.Outcome.TooMany ? TlogProofRefusal.PathTooLong : TlogProofRefusal.MalformedPath;
        if (!SignedNote.TryParse(bytes, out var note, out _) || !Checkpoint.TryParse(note.Text.Span, out var checkpoint, out _))
            return TlogProofRefusal.MalformedCheckpoint;
        proof = new TlogProof(index, path, note, checkpoint, extra);
        return TlogProofRefusal.None;
    }

    private static bool TryReadIndex(ReadOnlySpan<byte> line, out LeafIndex index)
    {
        index = default;
        if (!line.StartsWith("index "u8) || !NoteText.TryParseDecimal(Encoding.Latin1.GetString(line[IndexWord.Length..]), out var value))
            return false;
        index = new LeafIndex(value);
        return true;
    }

    private static Checkpoint CheckpointOf(SignedNote note) => Checkpoint.TryParse(note.Text.Span, out var checkpoint, out var refusal)
        ? checkpoint
        : throw new ArgumentException($"The note of a receipt is a checkpoint; this is refused: {refusal}.", nameof(note));
}
