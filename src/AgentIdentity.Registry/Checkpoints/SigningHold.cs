namespace AgentIdentity.Registry.Checkpoints;

/// <summary>Who keeps the log's key from signing.</summary>
[Flags]
internal enum SigningHold
{
    None = 0,

    /// <summary>The start, until what is stored has been read.</summary>
    Opening = 1,

    /// <summary>Witnesses that have not been asked yet what they have seen of this log.</summary>
    Witnesses = 2,

    /// <summary>A chain that has not been asked yet, or that has what this ledger does not lead to.</summary>
    Chain = 4,
}
