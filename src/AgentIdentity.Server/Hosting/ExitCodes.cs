namespace AgentIdentity.Server.Hosting;

/// <summary>What the process says when it ends; scripts rely on the numbers.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The data folder, the keys or a listener refused the start; from fsck: something was found.</summary>
    public const int Refused = 1;

    /// <summary>The command line or the environment asks for what cannot be.</summary>
    public const int Usage = 2;

    /// <summary>The ledger could not be written, and nothing more was acknowledged.</summary>
    public const int Halted = 3;

    /// <summary>A maintenance verb was refused, and changed nothing.</summary>
    public const int NotDone = 4;
}
