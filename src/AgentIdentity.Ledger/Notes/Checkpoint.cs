using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>
/// What a log states when it signs (C2SP tlog-checkpoint): three lines, the origin, the size in decimal, the root in base64, and
/// whatever extension lines the log has added, which nothing audits but <see cref="SuccessionNote"/>.
/// </summary>
/// <param name="Origin">Which log: one non-empty line. For ours also the name of its key.</param>
/// <param name="Size">Leaves in the tree.</param>
/// <param name="Root">Root of the tree of that size.</param>
/// <exception cref="ArgumentException">The origin is not one non-empty line, and would be read back as something else.</exception>
public sealed record Checkpoint(string Origin, TreeSize Size, Hash Root)
{
    /// <summary>Which log: one non-empty line. For ours also the name of its key.</summary>
    public string Origin { get; } = NoteText.IsLine(Origin)
        ? Origin
        : throw new ArgumentException($"An origin is one non-empty line without control characters; '{Origin}' was given.", nameof(Origin));

    /// <summary>
    /// The lines after the root, each with its line feed: what other logs may write there; ours are written without, but for a <see cref="SuccessionNote"/>. They are signed and
    /// cosigned with the rest, and prove nothing.
    /// </summary>
    public string Extensions { get; internal init; } = "";

    /// <summary>Reads the text of a note as a checkpoint. Whether anyone has signed it is not asked: see <see cref="TryOpen(ReadOnlySpan{byte}, NoteVerifierKey, out Checkpoint, out NoteRefusal)"/>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out Checkpoint? checkpoint, out NoteRefusal refusal)
    {
        refusal = Parse(text, out checkpoint);
        return checkpoint is not null;
    }

    /// <summary>Reads a published checkpoint: a note that the log's key has signed, whose origin is the name of that key.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> note, NoteVerifierKey logKey, [NotNullWhen(true)] out Checkpoint? checkpoint, out NoteRefusal refusal) =>
        TryOpen(note, logKey, logKey.Name, out checkpoint, out refusal);

    /// <summary>Reads a published checkpoint of a log whose origin is not the name of its key, as that of Go's checksum database is not.</summary>
    public static bool TryOpen(
        ReadOnlySpan<byte> note, NoteVerifierKey logKey, string origin, [NotNullWhen(true)] out Checkpoint? checkpoint, out NoteRefusal refusal)
    {
        refusal = Open(note, logKey, origin, out checkpoint);
        return checkpoint is not null;
    }

    /// <summary>Signs the checkpoint with the key of its log. Never two inconsistent ones: the caller has made sure.</summary>
    /// <exception cref="ArgumentException">The key's name is not the origin.</exception>
    public SignedNote Sign(NoteSignerKey logKey)
    {
        if (logKey.Verifier.Name != Origin)
            throw new ArgumentException($"A checkpoint of '{Origin}' is signed by the key of that name; this is '{logKey.Verifier.Name}'.", nameof(logKey));
        return SignedNote.Sign(ToText(), logKey);
    }

    /// <summary>The text that is signed: three lines and the extensions, each with its line feed, in UTF-8.</summary>
    public byte[] ToText() => Encoding.UTF8.GetBytes($"{Origin}\n{Size}\n{Root}\n{Extensions}");

    private static NoteRefusal Open(ReadOnlySpan<byte> bytes, NoteVerifierKey logKey, string origin, out Checkpoint? checkpoint)
    {
        checkpoint = null;
        // A cosignature says that a witness has seen a checkpoint, never that it is the log's.
        if (logKey.Type != NoteKeyType.Ed25519)
            return NoteRefusal.WrongKeyType;
        if (!SignedNote.TryParse(bytes, out var note, out var refusal))
            return refusal;
        refusal = note.Verify(logKey);
        if (refusal != NoteRefusal.None)
            return refusal;
        refusal = Parse(note.Text.Span, out var parsed);
        if (refusal != NoteRefusal.None)
            return refusal;
        if (parsed!.Origin != origin)
            return NoteRefusal.WrongOrigin;
        checkpoint = parsed;
        return NoteRefusal.None;
    }

    private static NoteRefusal Parse(ReadOnlySpan<byte> text, out Checkpoint? checkpoint)
    {
        checkpoint = null;
        if (!NoteText.IsValid(text))
            return NoteRefusal.NotText;

        // Of a text that ends in a line feed the fourth part is what follows the third line.
        var lines = Encoding.UTF8.GetString(text).Split('\n', 4);
        if (lines.Length < 4 || lines[0].Length == 0 || !NoteText.TryParseDecimal(lines[1], out var size) || !TryParseRoot(lines[2], out var root) || !AreLines(lines[3]))
            return NoteRefusal.MalformedCheckpoint;
        if (size == 0 && root != MerkleHash.Empty)
            return NoteRefusal.WrongEmptyRoot;
        checkpoint = new Checkpoint(lines[0], new TreeSize(size), root) { Extensions = lines[3] };
        return NoteRefusal.None;
    }

    // None, or some that are not empty, each with its line feed.
    private static bool AreLines(string text) =>
        text.Length == 0 || (text[0] != '\n' && text[^1] == '\n' && !text.Contains("\n\n", StringComparison.Ordinal));

    internal static bool TryParseRoot(string line, out Hash root)
    {
        root = default;
        if (!NoteText.TryEncode(line, out var base64) || !NoteText.TryDecodeBase64(base64, out var bytes) || bytes.Length != Hash.Size)
            return false;
        root = Hash.Read(bytes);
        return true;
    }
}
