namespace AgentIdentity.Credentials.Statements;

/// <summary>What a signed statement is about. The numbers are bytes of the format.</summary>
public enum StatementKind : byte
{
    /// <summary>Things that the agent did.</summary>
    Activity = 1,

    /// <summary>Things that the agent is about to do.</summary>
    Intent = 2,

    /// <summary>What came of them.</summary>
    Result = 3,

    /// <summary>The end of the chain; may hold no commitments.</summary>
    Close = 4,
}
