namespace AgentIdentity.Credentials.Dids;

/// <summary>Why a DID log is refused. docs/formats.md, "Resolving a DID log", has the steps in this order.</summary>
public enum WebvhRefusal
{
    /// <summary>It is not: the whole log is good.</summary>
    None,

    /// <summary>The log, a line, or the witness proofs are larger than is read.</summary>
    TooLarge,

    /// <summary>There is no line.</summary>
    Empty,

    /// <summary>A line is not strict JSON: UTF-8, no repeated members.</summary>
    NotText,

    /// <summary>A line is nested deeper than is read.</summary>
    TooDeep,

    /// <summary>A line has not exactly the five members of a version, each of its type.</summary>
    EntryForm,

    /// <summary>A line follows one that deactivated the DID.</summary>
    AfterDeactivation,

    /// <summary>The version id is not the next number, a dash and a multihash.</summary>
    VersionId,

    /// <summary>The version's time is no UTC time.</summary>
    VersionTime,

    /// <summary>The version's time is not after that of the version before.</summary>
    TimeNotAfter,

    /// <summary>The version's time is in the future.</summary>
    TimeInFuture,

    /// <summary>A parameter is none of did:webvh 1.0.</summary>
    ParameterUnknown,

    /// <summary>A parameter has a value that it cannot have.</summary>
    ParameterForm,

    /// <summary>The method is not did:webvh:1.0, or the first line does not say.</summary>
    Method,

    /// <summary>A later line names the SCID.</summary>
    ScidRepeated,

    /// <summary>A later line makes the DID portable.</summary>
    PortableLate,

    /// <summary>The witnesses are not a list of distinct Ed25519 keys with a threshold that they can reach.</summary>
    WitnessForm,

    /// <summary>The first line, or a line under pre-rotation, names no update keys.</summary>
    UpdateKeysMissing,

    /// <summary>A line under pre-rotation does not say what comes next.</summary>
    NextKeyHashesMissing,

    /// <summary>The line before did not commit to an update key of this one.</summary>
    KeyNotCommitted,

    /// <summary>The SCID is not the hash of the first line.</summary>
    ScidMismatch,

    /// <summary>The document's id is no did:webvh DID.</summary>
    DidForm,

    /// <summary>The document's id has another SCID.</summary>
    DidScid,

    /// <summary>The document's id moved, and the DID is not portable.</summary>
    NotPortable,

    /// <summary>The document's id moved, and the document does not name the one before.</summary>
    MoveUnnamed,

    /// <summary>The hash in the version id is not that of the line after the one before.</summary>
    EntryHash,

    /// <summary>A proof is missing or malformed, or for another purpose.</summary>
    ProofForm,

    /// <summary>A proof is of another cryptosuite than eddsa-jcs-2022.</summary>
    ProofSuite,

    /// <summary>A proof names no did:key with its own key as fragment.</summary>
    ProofKey,

    /// <summary>A proof is by a key that may not update the DID at this version.</summary>
    KeyNotAuthorized,

    /// <summary>A signature does not verify, or the proof has expired.</summary>
    Signature,

    /// <summary>The log is of another DID than the one that was asked for.</summary>
    NotThisDid,

    /// <summary>The log has witnesses, and their proofs were not given.</summary>
    WitnessProofsMissing,

    /// <summary>The witness proofs are not a list of versions with proofs.</summary>
    WitnessProofsForm,

    /// <summary>Fewer witnesses than the threshold have approved a version.</summary>
    WitnessThreshold,
}
