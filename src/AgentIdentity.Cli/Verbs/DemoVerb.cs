using System.CommandLine;
using AgentIdentity.Cli.Demo;
using AgentIdentity.Cli.Home;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Shows everything at once, with a server and a tool that it starts and ends itself.</summary>
internal static class DemoVerb
{
    private static readonly Option<string> Server = new("--server") { HelpName = "PATH", Description = "The server's executable or dll, when it is not beside agentid." };
    private static readonly Option<string> Tool = new("--tool") { HelpName = "PATH", Description = "The sample tool's executable or dll, when it is not beside agentid." };
    private static readonly Option<bool> KeepFolder = new("--keep") { Description = "Leave the folder with ledger and keys." };

    public static Command Create() => new Command("demo", "See two agents enrol, act and one of them stopped: in a temporary folder, on free ports.") { Server, Tool, KeepFolder }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var server = ProgramFile.Find(run.Find(Server), "AgentIdentity.Server", "--server");
        var tool = ProgramFile.Find(run.Find(Tool), "AgentIdentity.SampleTool", "--tool");
        var narrator = new Narrator(run);
        var folder = PrivateFiles.MakeTemporaryFolder("agentid-demo-");
        try
        {
            await using (var story = new Story(narrator, server, tool, folder))
                await story.TellAsync(cancellationToken);
        }
        finally
        {
            if (!run.Find(KeepFolder))
                Directory.Delete(folder, recursive: true);
        }
        narrator.Tell("end", run.Find(KeepFolder) ? $"all processes ended; what they left is in {folder}" : "all processes ended, their folder deleted");
        return ExitCode.Fine;
    }
}
