using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>The successions that were followed, in a folder: for each log that was succeeded the signed note by which its own key names the next.</summary>
/// <remarks>Whoever can change a file can make its owner refuse the log that goes on, and nothing else: each is signed by the key before.</remarks>
public sealed class FollowedSuccessions(string folder)
{
    /// <summary>The key that the notes lead to from a trusted one; the key itself when its log was not succeeded, or nobody has followed that yet.</summary>
    public NoteVerifierKey Lead(NoteVerifierKey key)
    {
        // Each note names another origin than its own; one that leads back is not followed.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (seen.Add(key.Name) && Find(key) is { } note)
            key = note.Next;
        return key;
    }

    internal void Keep(SuccessionLink link) => DurableFile.Replace(FileOf(link.Note.Last.Origin), Encoding.UTF8.GetBytes(link.Text));

    private SuccessionNote? Find(NoteVerifierKey key)
    {
        var file = FileOf(key.Name);
        return File.Exists(file) && SuccessionNote.TryOpen(File.ReadAllBytes(file), key, out var note) ? note : null;
    }

    private string FileOf(string origin) => Path.Combine(folder, $"succession-{Uri.EscapeDataString(origin)}");
}
