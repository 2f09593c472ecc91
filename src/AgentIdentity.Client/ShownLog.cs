using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>The newest checkpoint that a registry shows, opened from a key that is trusted, over as many successions as its notes prove.</summary>
internal sealed record ShownLog(KnownCheckpoint Newest, IReadOnlyList<SuccessionLink> Links)
{
    /// <summary>Null when neither the key nor one that its notes lead to has signed what is shown.</summary>
    public static ShownLog? Open(NoteVerifierKey key, GetConsistencyResponse answer)
    {
        if (TryOpen(answer.Checkpoint, key) is { } newest)
            return new ShownLog(newest, []);
        var links = SuccessionLink.ChainFrom(key, answer.Successions);
        return links is [.., var end] && TryOpen(answer.Checkpoint, end.Note.Next) is { } succeeded ? new ShownLog(succeeded, links) : null;
    }

    /// <summary>Why it does not go on from what is known, or null.</summary>
    public string? FindProblem(KnownCheckpoint? known, GetConsistencyResponse answer)
    {
        var newest = Newest.Checkpoint;
        if (known is not null && !GoesOn(known.Checkpoint, newest, answer))
            return $"The registry's log of {newest.Size} entries does not go on from the {known.Checkpoint.Size} that it had signed before.";
        var atLeast = known?.Checkpoint.Size ?? default;
        foreach (var link in Links)
        {
            if (link.FindProblem(atLeast, newest) is { } problem)
                return $"The succession of {link.Note.Last.Origin} by {link.Note.Next.Name} is not followed: {problem}.";
            atLeast = link.Note.Last.Size;
        }
        return null;
    }

    public static KnownCheckpoint? TryOpen(string note, NoteVerifierKey key) =>
        Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), key, out var checkpoint, out _) ? new KnownCheckpoint(key, note, checkpoint) : null;

    private static bool GoesOn(Checkpoint known, Checkpoint newest, GetConsistencyResponse answer) =>
        answer.Path.All(hash => hash.Length == Hash.Size)
        && ConsistencyProof.Verify(known.Size, newest.Size, known.Root, newest.Root, answer.Path.Select(hash => Hash.Read(hash.Span)).ToArray());
}
