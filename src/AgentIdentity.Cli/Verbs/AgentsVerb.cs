using System.CommandLine;

namespace AgentIdentity.Cli.Verbs;

internal static class AgentsVerb
{
    public static Command Create() => new("agents", "The agents of the registry.")
    {
        AgentsListVerb.Create(),
        AgentsShowVerb.Create(),
    };
}
