namespace AgentIdentity.Client;

/// <summary>The registry's log does not go on from what it had signed before: it was put back to an older state, rewritten, or is another one. Nothing was sent.</summary>
public sealed class CheckpointContradictedException(string message, string evidenceFile) : Exception(message)
{
    /// <summary>Holds what was known and what was answered: both are signed by the log's key, or the answer shows none that is.</summary>
    public string EvidenceFile { get; } = evidenceFile;
}
