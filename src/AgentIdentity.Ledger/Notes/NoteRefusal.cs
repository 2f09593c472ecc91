namespace AgentIdentity.Ledger;

/// <summary>Why a note, a verifier key or a checkpoint was refused. The names are stable.</summary>
public enum NoteRefusal
{
    /// <summary>It was not refused.</summary>
    None = 0,

    /// <summary>The note is longer than <see cref="SignedNote.BytesMax"/>.</summary>
    TooLong,

    /// <summary>The note has more than <see cref="SignedNote.SignaturesMax"/> signatures.</summary>
    TooManySignatures,

    /// <summary>The note is not UTF-8, or has a control character other than a line feed.</summary>
    NotText,

    /// <summary>No empty line stands between a text and at least one signature line.</summary>
    NoSignatures,

    /// <summary>A signature line is not <c>— name base64</c>.</summary>
    MalformedSignature,

    /// <summary>A verifier key is not <c>name+hash+key</c>.</summary>
    MalformedKey,

    /// <summary>The key id in a verifier key is not the one that follows from its name and key.</summary>
    WrongKeyId,

    /// <summary>The key is of a type that is not supported.</summary>
    UnknownKeyType,

    /// <summary>The key is of small order or not canonical: signatures under it prove nothing.</summary>
    WeakKey,

    /// <summary>Two different known keys have the same name and id, so it cannot be told whose a signature is.</summary>
    AmbiguousKey,

    /// <summary>The signature of a known key does not verify.</summary>
    BadSignature,

    /// <summary>None of the known keys has signed.</summary>
    NoKnownSignature,

    /// <summary>The text does not begin with the three lines of a checkpoint (origin, size, root), or has an empty line after them.</summary>
    MalformedCheckpoint,

    /// <summary>The checkpoint is of size 0 and its root is not that of the empty tree.</summary>
    WrongEmptyRoot,

    /// <summary>The origin of the checkpoint is not the log's (unless told otherwise, the name of its key), or that of any log of the policy.</summary>
    WrongOrigin,

    /// <summary>The witnesses that have cosigned are no quorum of the policy.</summary>
    NoQuorum,

    /// <summary>The log's key is of a type that no log signs with: that of a witness, say.</summary>
    WrongKeyType,
}
