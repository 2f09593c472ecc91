namespace AgentIdentity.Registry.Tests.Histories;

/// <summary>What is broken on purpose, so that it is known that the model would notice.</summary>
internal enum Sabotage
{
    None,

    /// <summary>A stop is acknowledged and does not deny.</summary>
    ForgetsStops,

    /// <summary>A stop denies somebody whom nobody has stopped.</summary>
    StopsAnother,

    /// <summary>A restart goes on from the folder as it was at the beginning.</summary>
    RollsBack,

    /// <summary>A restart reads the ledger and leaves out its stops.</summary>
    ForgetsAtStart,
}
