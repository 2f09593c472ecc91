namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>What is broken on purpose, so that it is known that the model would notice.</summary>
internal enum EnforcerSabotage
{
    None,

    /// <summary>Whom the tool has let in once, it lets in again without asking.</summary>
    RemembersAnswers,

    /// <summary>Stops are acknowledged, under the enforcer's own key, and the enforcer is not told.</summary>
    SignsWithoutListening,

    /// <summary>The clock that leases run on stands still.</summary>
    SleepsThroughLeases,

    /// <summary>Now and then somebody is refused whom nobody has stopped.</summary>
    RefusesStrangers,
}
