using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Stopping;

/// <summary>A stop that is RECORDED: durable, and this node refuses.</summary>
public sealed record Stopped(LeafIndex Index, StandingState State, long At, ulong Epoch);

/// <summary>Stops agents: denied in memory at once, acknowledged when durable.</summary>
public sealed class Stopping(RegistryState state, Standing standing, Sequencer sequencer)
{
    private const int ReasonMax = 500;
    private const int IncidentMax = 100;

    public async Task<Outcome<Stopped>> StopAsync(CallerRecord actor, SubjectId agentId, StandingState stop, string reason, string incident)
    {
        if (stop is not (StandingState.Frozen or StandingState.Revoked))
            return Refused.Because(Refusal.StopStateUnsupported, "A stop is FROZEN or REVOKED.");
        if (reason.Length is 0 or > ReasonMax || incident.Length > IncidentMax)
            return Refused.Because(Refusal.ReasonMissing, $"A stop says why, in 1 to {ReasonMax} characters; an incident has at most {IncidentMax}.");
        if (state.FindAgent(agentId) is null)
            return Refused.Because(Refusal.AgentUnknown, "No agent has that id.");

        // Deny first: from here on nothing that begins is allowed, whatever becomes of the write.
        standing.Deny(agentId, stop);
        var decided = await sequencer.DecideAsync(Lane.Stop, draft => Decide(draft, actor, agentId, stop, reason, incident)).ConfigureAwait(false);
        // When the write failed the denial stays until the process has ended: nobody can say what is durable, and nobody shall be let in by a full disk.
        if (decided.Refusal is Refusal.RegistryHalted or Refusal.RolledBack or Refusal.StorageFull)
            return Refused.Because(decided.Refusal, "The stop is not durable. This node refuses the agent until it restarts; make room and stop it again.");
        standing.Settle(agentId, stop);
        return decided;
    }

    private static Outcome<Stopped> Decide(Draft draft, CallerRecord actor, SubjectId agentId, StandingState stop, string reason, string incident)
    {
        if (draft.IsRevoked(agentId))
            return Refused.Because(Refusal.AlreadyRevoked, "The agent is revoked already, and that is final.");
        var epoch = draft.OpenEpoch();
        var index = draft.Stage(actor.Id, new Stop(ScopeKind.Agent, agentId, stop, reason, incident, epoch), agentId);
        return new Stopped(index, stop, draft.At, epoch);
    }
}
