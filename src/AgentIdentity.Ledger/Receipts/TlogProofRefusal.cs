namespace AgentIdentity.Ledger;

/// <summary>Why a receipt was refused. The names are stable.</summary>
public enum TlogProofRefusal
{
    /// <summary>It was not refused.</summary>
    None = 0,

    /// <summary>The receipt is longer than <see cref="TlogProof.BytesMax"/>.</summary>
    TooLong,

    /// <summary>The first line is not <c>c2sp.org/tlog-proof@v1</c>.</summary>
    UnknownVersion,

    /// <summary>The line <c>extra</c> has no base64, or none of the standard spelling.</summary>
    MalformedExtra,

    /// <summary>There is no line <c>index</c> with a decimal number.</summary>
    MalformedIndex,

    /// <summary>A line of the path is not the base64 of a hash, or no empty line follows the path.</summary>
    MalformedPath,

    /// <summary>The path has more hashes than any has, <see cref="TlogProof.PathMax"/>.</summary>
    PathTooLong,

    /// <summary>What follows is not a signed note, or its text is no checkpoint.</summary>
    MalformedCheckpoint,

    /// <summary>The policy does not accept the checkpoint; the note's own refusal says why.</summary>
    CheckpointRefused,

    /// <summary>The index lies outside the tree of the checkpoint.</summary>
    IndexOutsideTree,

    /// <summary>The path does not lead from the leaf, at the index, to the root of the checkpoint.</summary>
    PathRefused,
}
