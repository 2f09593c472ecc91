using System.CommandLine;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Who may call the registry, agents apart.</summary>
internal static class OperatorsVerb
{
    public static Command Create() => new("operators", "Whom the registry knows beside agents: operators, auditors, enforcers, sponsors.")
    {
        OperatorsListVerb.Create(),
        OperatorsRegisterVerb.Create(),
        OperatorsChangeVerb.Apply(),
        OperatorsChangeVerb.Add(),
        OperatorsChangeVerb.Remove(),
    };
}
