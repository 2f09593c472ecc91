namespace AgentIdentity.Server.Maintenance;

/// <summary>Something that is done to a data folder instead of serving it.</summary>
/// <param name="Name">The first word of the command line.</param>
/// <param name="Usage">Its options, as the help shows them.</param>
/// <param name="Help">What it does.</param>
/// <param name="ValueOptions">Options that take a value.</param>
/// <param name="Switches">Options that take none.</param>
/// <param name="RunAsync">Does it, and answers the exit code.</param>
internal sealed record Verb(
    string Name, string Usage, string Help, IReadOnlyList<string> ValueOptions, IReadOnlyList<string> Switches, Func<VerbRun, Task<int>> RunAsync)
{
    public static IReadOnlyList<Verb> All { get; } = [FsckVerb.Verb, BackupVerb.Verb, RestoreVerb.Verb, RotateLogKeyVerb.Verb, RecoverVerb.Verb];

    /// <summary>The verb that the command line names; null when it starts the server.</summary>
    /// <exception cref="Options.OptionsRefusedException">Its first word is no option and no verb.</exception>
    public static Verb? Find(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || arguments[0].StartsWith('-'))
            return null;
        return All.FirstOrDefault(verb => verb.Name == arguments[0])
            ?? throw new Options.OptionsRefusedException($"There is no verb {arguments[0]}: --help lists them all.");
    }
}

/// <summary>One run of a verb: what it was given, and where it writes. Results go to output, all else to errors.</summary>
internal sealed record VerbRun(VerbArguments Given, TextWriter Output, TextWriter Errors, TimeProvider Clock)
{
    public string Data => Given.Find("--data") ?? "./data";
}
