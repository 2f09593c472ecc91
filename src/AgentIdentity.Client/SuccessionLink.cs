using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Hash = AgentIdentity.Ledger.Hash;

namespace AgentIdentity.Client;

/// <summary>A link from a log to the one that goes on, as a registry shows it: believed only after each step of docs/formats.md, "Succession note".</summary>
internal sealed class SuccessionLink
{
    private readonly LogSuccession _shown;

    private SuccessionLink(LogSuccession shown, SuccessionNote note) => (_shown, Note) = (shown, note);

    public SuccessionNote Note { get; }

    /// <summary>The signed note.</summary>
    public string Text => _shown.Note;

    /// <summary>Step 1: the links that lead on from a trusted key, each signed by the key that the one before names. Others, such as those before that key, are passed over.</summary>
    public static List<SuccessionLink> ChainFrom(NoteVerifierKey key, IEnumerable<LogSuccession> shown)
    {
        var chain = new List<SuccessionLink>();
        foreach (var next in shown)
        {
            if (!SuccessionNote.TryOpen(Encoding.UTF8.GetBytes(next.Note), key, out var note) || !LogOrigin.IsNext(key.Name, note.Next.Name))
                continue;
            chain.Add(new SuccessionLink(next, note));
            key = note.Next;
        }
        return chain;
    }

    /// <summary>Steps 2 to 4: what is wrong with the link, or null. The checkpoint shown now is signed by the key at the end of the chain.</summary>
    public string? FindProblem(TreeSize atLeast, Checkpoint newest)
    {
        // 2. What was seen is part of what the log before has ended with.
        if (Note.Last.Size.Value < atLeast.Value)
            return $"the log ended at {Note.Last.Size} entries, and {atLeast} of it were seen";

        // 3. The tree goes on.
        if (!TryRead(_shown.Path, out var path) || !ConsistencyProof.Verify(Note.Last.Size, newest.Size, Note.Last.Root, newest.Root, path))
            return $"the tree of {newest.Size} entries does not go on from the {Note.Last.Size} that it ended with";

        // 4. The log that goes on says the same of itself.
        return HoldsEntry(newest) ? null : "the log that goes on does not hold the entry that opens it with this note";
    }

    private bool HoldsEntry(Checkpoint newest)
    {
        var index = new LeafIndex(_shown.LedgerIndex);
        return index.Value >= Note.Last.Size.Value
            && TryRead(_shown.LeafPath, out var path) && InclusionProof.Verify(index, newest.Size, MerkleHash.Leaf(_shown.Leaf.Span), path, newest.Root)
            && _shown.Salt.Length == Hash.Size
            && Leaf.TryDecode(_shown.Leaf.Span, out var leaf) && leaf.Commitment == Leaf.Commit(_shown.Salt.Span, _shown.Entry.Span)
            && Entry.TryDecode(_shown.Entry.Memory, out var entry) && entry.Body is LogSucceeded opened && opened.LastCheckpoint == Text && opened.IsNamedBy(Note);
    }

    private static bool TryRead(RepeatedField<ByteString> shown, out Hash[] path)
    {
        var isPath = shown.All(hash => hash.Length == Hash.Size);
        path = isPath ? [.. shown.Select(hash => Hash.Read(hash.Span))] : [];
        return isPath;
    }
}
