namespace AgentIdentity.Ledger;

/// <summary>Why a witness does not cosign (C2SP tlog-witness). The values are the HTTP status codes that say so.</summary>
public enum WitnessRefusal
{
    /// <summary>It does.</summary>
    None = 200,

    /// <summary>The request cannot be read, or its old size is above that of the checkpoint.</summary>
    Malformed = 400,

    /// <summary>No trusted key of the log has signed the checkpoint, or a line in its name is not its signature.</summary>
    NotSigned = 403,

    /// <summary>The witness does not watch this log.</summary>
    UnknownLog = 404,

    /// <summary>The old size is not that of the checkpoint which the witness has cosigned last.</summary>
    OtherOldSize = 409,

    /// <summary>The checkpoint does not go on from the one that was cosigned last: another history, or a path that does not prove it.</summary>
    Inconsistent = 422,
}
