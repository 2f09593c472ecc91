namespace AgentIdentity.Cli;

/// <summary>What scripts can rely on. The root command's help says the same.</summary>
internal static class ExitCode
{
    public const int Fine = 0;

    /// <summary>The registry or a tool said no, or something did not verify.</summary>
    public const int Refused = 1;

    /// <summary>The command line, a file or a folder is not what the verb needs; nothing was sent.</summary>
    public const int Usage = 2;

    /// <summary>Nobody answered, or the answer could not be written: whoever sees this alone does not know the state at the other end.</summary>
    public const int Unreachable = 3;

    /// <summary>Two histories were signed under one name: what nobody may try again or overlook.</summary>
    public const int SplitView = 4;

    /// <summary>Something that nobody foresaw: a bug of agentid's own. What was done is unknown.</summary>
    public const int Fault = 5;

    /// <summary>Ctrl-C or SIGTERM, as shells count it. What had been sent may be done.</summary>
    public const int Interrupted = 130;
}
