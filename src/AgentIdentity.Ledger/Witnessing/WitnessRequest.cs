using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>What a log asks of a witness (C2SP tlog-witness, add-checkpoint): cosign this checkpoint, which goes on from the one of this size that you have cosigned.</summary>
/// <remarks>Lines <c>old &lt;size&gt;</c>, the consistency path (one base64 hash a line), an empty line, and the checkpoint. One request has one spelling.</remarks>
public sealed class WitnessRequest
{
    /// <summary>Hashes of a path at most: 63.</summary>
    public const int PathMax = 63;

    /// <summary>Bytes of a request that is still read.</summary>
    public const int BytesMax = 64 + (PathMax * 45) + SignedNote.BytesMax;

    private const string OldWord = "old ";

    private readonly Hash[] _path;

    /// <summary>A request for a signed checkpoint.</summary>
    /// <param name="oldSize">The size that the witness has cosigned last; 0 if it has none.</param>
    /// <param name="path">What <see cref="ConsistencyProof.Build"/> gives between the sizes.</param>
    /// <param name="note">The checkpoint, which its log has signed.</param>
    /// <exception cref="ArgumentException">The note is no checkpoint, or the path is longer than any that is read.</exception>
    public WitnessRequest(TreeSize oldSize, ReadOnlySpan<Hash> path, SignedNote note)
        : this(oldSize, path.ToArray(), note, Checkpoint.TryParse(note.Text.Span, out var checkpoint, out var refusal) ? checkpoint : throw new ArgumentException($"That is no checkpoint: {refusal}.", nameof(note)))
    {
        if (path.Length > PathMax)
            throw new ArgumentException($"A path has at most {PathMax} hashes; {path.Length} were given.", nameof(path));
    }

    private WitnessRequest(TreeSize oldSize, Hash[] path, SignedNote note, Checkpoint checkpoint) =>
        (OldSize, _path, Note, Checkpoint) = (oldSize, path, note, checkpoint);

    /// <summary>What the log believes that the witness has cosigned last.</summary>
    public TreeSize OldSize { get; }

    /// <summary>The consistency path between the sizes.</summary>
    public ReadOnlySpan<Hash> Path => _path;

    /// <summary>The checkpoint with its signatures, not verified yet.</summary>
    public SignedNote Note { get; }

    /// <summary>What the note says, whoever has signed it.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>Reads a request; nothing is verified yet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out WitnessRequest? request, out WitnessRefusal refusal)
    {
        refusal = Parse(bytes, out request);
        return request is not null;
    }

    /// <summary>The bytes of the request, as they are posted.</summary>
    public byte[] ToArray()
    {
        var text = new StringBuilder(OldWord).Append(OldSize).Append('\n');
        foreach (var hash in _path)
            text.Append(hash).Append('\n');
        text.Append('\n');
        return [.. Encoding.ASCII.GetBytes(text.ToString()), .. Note.ToArray()];
    }

    private static WitnessRefusal Parse(ReadOnlySpan<byte> bytes, out WitnessRequest? request)
    {
        request = null;
        if (bytes.Length > BytesMax || !HashLines.TryTakeLine(ref bytes, out var line) || !line.StartsWith("old "u8)
            || !NoteText.TryParseDecimal(Encoding.Latin1.GetString(line[OldWord.Length..]), out var oldSize)
            || HashLines.Take(ref bytes, PathMax, out var path) != HashLines.Outcome.Read
            || !SignedNote.TryParse(bytes, out var note, out _))
            return WitnessRefusal.Malformed;
        if (!Checkpoint.TryParse(note.Text.Span, out var checkpoint, out var refusal))
            return refusal == NoteRefusal.WrongEmptyRoot ? WitnessRefusal.Inconsistent : WitnessRefusal.Malformed;
        request = new WitnessRequest(new TreeSize(oldSize), path, note, checkpoint);
        return WitnessRefusal.None;
    }
}
