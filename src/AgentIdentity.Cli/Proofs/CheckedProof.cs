using AgentIdentity.Client;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using EntryClass = AgentIdentity.Credentials.Entries.EntryClass;

namespace AgentIdentity.Cli.Proofs;

/// <summary>An inclusion proof that holds.</summary>
internal sealed record CheckedProof(ulong Index, Leaf Leaf, Hash LeafHash, int PathLength, Checkpoint Checkpoint)
{
    public string ClassWord => Enum.IsDefined((EntryClass)Leaf.Class) ? ((EntryClass)Leaf.Class).ToString().ToLowerInvariant() : $"class {Leaf.Class}";

    /// <summary>Checks the proof; one that does not hold is evidence, and the failure says of what.</summary>
    public static CheckedProof Check(GetInclusionProofResponse received, ulong index, NoteVerifierKey logKey)
    {
        var check = InclusionVerifier.Verify(received, new LeafIndex(index), logKey);
        return check.IsIncluded && Leaf.TryDecode(received.Leaf.Span, out var leaf)
            ? new CheckedProof(index, leaf, check.LeafHash, received.Path.Count, check.Checkpoint!)
            : throw Failure.Refused(Sentence(check.Verdict, index, logKey), "The proof does not hold. Keep the answer: a log that signs what it does not hold has broken its promise.");
    }

    private static string Sentence(InclusionVerdict verdict, ulong index, NoteVerifierKey logKey) => verdict switch
    {
        InclusionVerdict.OtherEntry => $"The answer is not about entry {index}.",
        InclusionVerdict.LeafMalformed => $"The leaf of entry {index} has no known form.",
        InclusionVerdict.CheckpointInvalid => $"The checkpoint is not signed by {logKey}.",
        InclusionVerdict.PathWrong => $"The leaf of entry {index} does not lead to the root that the log signed.",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, "A verdict without a sentence."),
    };
}
