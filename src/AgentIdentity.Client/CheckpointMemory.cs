using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>A checkpoint that was seen and held: the key it is signed with, and the note.</summary>
internal sealed record KnownCheckpoint(NoteVerifierKey Key, string Note, Checkpoint Checkpoint);

/// <summary>The largest checkpoint that was seen of one log, in a file: the vkey on the first line, the signed note behind it.</summary>
/// <remarks>The file is named after the registry, whichever of its logs signs. Whoever can change the file can make its owner accept an older log again, or refuse the true one; nothing else.</remarks>
internal sealed class CheckpointMemory(string folder, string origin, NoteVerifierKey? pinned)
{
    private readonly string _file = Path.Combine(folder, $"checkpoint-{Uri.EscapeDataString(origin)}");
    private readonly FollowedSuccessions _followed = new(folder);
    private readonly string _evidence = Path.Combine(folder, $"contradiction-{Uri.EscapeDataString(origin)}");

    /// <summary>What was seen last, or null the first time.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public KnownCheckpoint? Read()
    {
        if (!File.Exists(_file))
            return null;
        var text = File.ReadAllText(_file);
        var end = text.IndexOf('\n');
        return end > 0 && NoteVerifierKey.TryParse(text[..end], out var key, out _) && ShownLog.TryOpen(text[(end + 1)..], key) is { } known
            ? known
            : throw new InvalidDataException($"{_file} is damaged: a log key and a checkpoint that it has signed are expected. Remove it only if you know why it changed.");
    }

    /// <summary>Checks that the answer goes on from what is known, over as many successions as its notes prove, and keeps the larger of the two.</summary>
    /// <exception cref="CheckpointContradictedException">It does not.</exception>
    /// <exception cref="InvalidDataException">Nothing is known under this name, and the answer is a registry's of another.</exception>
    public void Learn(KnownCheckpoint? known, GetConsistencyResponse answer)
    {
        var key = _followed.Lead(pinned ?? known?.Key ?? Named(answer));
        if (ShownLog.Open(key, answer) is not { } shown)
            throw Contradicted(known, answer, Unfollowed(key, answer));
        if (!LogOrigin.IsAtOrBefore(origin, shown.Newest.Checkpoint.Origin))
        {
            // Of a name that was mistyped nothing is known that could be contradicted.
            throw known is null
                ? new InvalidDataException($"The registry there keeps the log {shown.Newest.Checkpoint.Origin}, and not {origin}.")
                : Contradicted(known, answer, Unfollowed(key, answer));
        }
        if (shown.FindProblem(known, answer) is { } problem)
            throw Contradicted(known, answer, problem);
        if (known is null || shown.Newest.Checkpoint.Size.Value > known.Checkpoint.Size.Value)
            Keep(shown);
    }

    // A log that was recovered, or whose key was rotated before there were such notes, names no successor: only people can tell.
    private string Unfollowed(NoteVerifierKey key, GetConsistencyResponse answer) => $"The checkpoint that the registry shows is not one of {origin} signed by {key}, "
        + (answer.Successions.Count > 0 ? "and its succession notes do not lead from that key to one that has signed it." : "and no succession note by that key names another.")
        + $" Ask the registry's operators whether the log was recovered or its key replaced; then give the new log key, and move {_file} away.";

    public CheckpointContradictedException Contradicted(KnownCheckpoint known, string answer) =>
        Keep($"known\n{known.Key}\n{known.Note}\nanswered\n{answer}\n", $"The registry's log of {known.Checkpoint.Size} entries, which this client has seen, is gone: {answer}");

    private CheckpointContradictedException Contradicted(KnownCheckpoint? known, GetConsistencyResponse answer, string message) =>
        Keep($"known\n{known?.Key}\n{known?.Note}\nanswered\n{answer.Checkpoint}\npath\n{string.Concat(answer.Path.Select(hash => hash.ToBase64() + "\n"))}{string.Concat(answer.Successions.Select(link => $"succession\n{link.Note}"))}", message);

    private static NoteVerifierKey Named(GetConsistencyResponse answer) => NoteVerifierKey.TryParse(answer.LogKey, out var key, out var refusal)
        ? key
        : throw new InvalidDataException($"The registry names a log key that is none: {refusal}.");

    // Several processes may share the folder. The one that finds another writing leaves it alone: that one has seen as much a moment ago.
    private void Keep(ShownLog shown)
    {
        var newest = shown.Newest;
        Directory.CreateDirectory(folder);
        using var turn = TryTakeTurn();
        if (turn is null || (Read() is { } held && held.Checkpoint.Size.Value >= newest.Checkpoint.Size.Value))
            return;
        // Before the checkpoint, which without them would be one by a key that nothing leads to.
        foreach (var link in shown.Links)
            _followed.Keep(link);
        DurableFile.Replace(_file, Encoding.UTF8.GetBytes($"{newest.Key}\n{newest.Note}"));
    }

    private FileStream? TryTakeTurn()
    {
        try
        {
            return new FileStream(_file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    // The first evidence stays: what comes later shows the same.
    private CheckpointContradictedException Keep(string evidence, string message)
    {
        Directory.CreateDirectory(folder);
        if (!File.Exists(_evidence))
            DurableFile.Replace(_evidence, Encoding.UTF8.GetBytes(evidence));
        return new CheckpointContradictedException(message, _evidence);
    }
}
