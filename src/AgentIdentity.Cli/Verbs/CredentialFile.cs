using System.CommandLine;

namespace AgentIdentity.Cli.Verbs;

/// <summary>A credential from a file, since a command line can be seen by others.</summary>
internal static class CredentialFile
{
    public static Option<string> Option(string description) => new("--credential") { HelpName = "FILE", Description = description };

    /// <summary>The credential in the file; null when no file was named.</summary>
    public static string? Read(Invocation run, Option<string> option)
    {
        if (run.Find(option) is not { } file)
            return null;
        var text = File.Exists(file) ? File.ReadAllText(file).Trim() : throw Failure.Usage($"There is no file {file}.");
        return text.Length > 0 && !text.Any(char.IsWhiteSpace) ? text : throw Failure.Usage($"{file} holds no credential: one line is expected, as agentid issue and agentid delegate print it.");
    }
}
