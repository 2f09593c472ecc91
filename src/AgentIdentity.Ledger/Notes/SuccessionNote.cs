using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>
/// What a log says last when another log goes on with its tree: its last checkpoint, with the key of the successor in an extension line, signed by its own
/// key. docs/formats.md, "Succession note".
/// </summary>
/// <param name="Last">The last checkpoint. As a checkpoint the note is read by everybody; who does not know the line passes over it.</param>
/// <param name="Next">The key of the log that goes on; its name is that log's origin.</param>
public sealed record SuccessionNote(Checkpoint Last, NoteVerifierKey Next)
{
    private const string Label = "agentidentity.v1/successor ";

    /// <summary>Reads a note by which the log of this key names its successor; false for anything else, a plain checkpoint too.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> note, NoteVerifierKey logKey, [NotNullWhen(true)] out SuccessionNote? succession)
    {
        succession = null;
        if (!Checkpoint.TryOpen(note, logKey, out var last, out _) || !TryReadNext(last.Extensions, out var next) || next.Name == logKey.Name || next.Type != NoteKeyType.Ed25519)
            return false;
        succession = new SuccessionNote(last, next);
        return true;
    }

    /// <summary>Signs the last checkpoint of a log again, with the name of the log that goes on. The caller sees to it that the key signs nothing more.</summary>
    /// <exception cref="ArgumentException">The key is not that of the checkpoint's log, or the successor has its name.</exception>
    public string Sign(NoteSignerKey logKey)
    {
        if (Next.Name == Last.Origin)
            throw new ArgumentException($"A successor of '{Last.Origin}' has another origin.", nameof(logKey));
        var note = new Checkpoint(Last.Origin, Last.Size, Last.Root) { Extensions = $"{Label}{Next}\n" }.Sign(logKey);
        return Encoding.UTF8.GetString(note.ToArray());
    }

    // One line: with others beside it, it would be another format.
    private static bool TryReadNext(string extensions, [NotNullWhen(true)] out NoteVerifierKey? next)
    {
        next = null;
        return extensions.StartsWith(Label, StringComparison.Ordinal)
            && extensions.IndexOf('\n', StringComparison.Ordinal) == extensions.Length - 1
            && NoteVerifierKey.TryParse(extensions[Label.Length..^1], out next, out _);
    }
}
