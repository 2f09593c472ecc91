namespace AgentIdentity.Registry.Witnessing;

/// <summary>Why a witness does not count. The names are stable; outside they stand in UPPER_SNAKE.</summary>
public enum WitnessProblem
{
    /// <summary>It does.</summary>
    None = 0,

    /// <summary>It has not been asked yet, or is not any more: the log says why.</summary>
    NotAsked,

    /// <summary>No connection, or one that broke.</summary>
    Unreachable,

    /// <summary>It took longer than five seconds.</summary>
    Slow,

    /// <summary>Something that no witness answers.</summary>
    BadAnswer,

    /// <summary>It says that it is out of service.</summary>
    OutOfService,

    /// <summary>It does not watch this log: it must be told the log's key.</summary>
    UnknownLog,

    /// <summary>It knows another key of this log.</summary>
    NotTrusted,

    /// <summary>It names a size that it has cosigned, and does not stand by it.</summary>
    WrongOldSize,

    /// <summary>It says that the checkpoint does not go on from what it has cosigned, and cannot show that.</summary>
    Inconsistent,

    /// <summary>It has shown a checkpoint of this log that this ledger does not lead to.</summary>
    SawAnotherHistory,

    /// <summary>Its cosignature is by another key than the policy names.</summary>
    WrongKey,

    /// <summary>Its cosignature is not over this checkpoint.</summary>
    BadSignature,

    /// <summary>Its cosignature is more than five minutes off: replayed, or one of the clocks is wrong.</summary>
    WrongTime,
}
