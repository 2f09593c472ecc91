using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.State;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>Looks at private data: whose they may be, and that they are on the record before the answer leaves.</summary>
internal static class PrivateReads
{
    // The longest scope, and some words. What is longer is the name of nothing, and each look is an entry for good.
    private const int TargetMax = 1200;

    /// <summary>The agent that is asked about. An agent sees itself, a sponsor its own agents as if there were no other, and the other roles of the access table all.</summary>
    public static AgentRecord Agent(this RegistryNode registry, CallState call, string didOrUuid)
    {
        var agent = registry.Agent(didOrUuid, call.Caller);
        return call.Agent is { } self && self.Id != agent.Id ? throw new CallRefusedException(Refusal.NotPermitted, "An agent sees itself only.") : agent;
    }

    /// <summary>Of another's agent a sponsor sees the name alone.</summary>
    public static Wire.AgentThen NarrowedFor(this Wire.AgentThen answer, CallerRecord asks, AgentRecord agent) => asks.Sees(agent) ? answer : new Wire.AgentThen { Did = answer.Did };

    /// <summary>
    /// Of a stop that a sponsor has not made itself, and that stands in the trail of no agent of its own, it is told that it is there and what it leaves: reason and incident may be about others,
    /// and so is the agent that is stopped with whom it has passed on to. docs/formats.md, "Sponsor".
    /// </summary>
    public static Wire.StopInForce Stop(this RegistryNode registry, StopRecord stop, CallerRecord? asks)
    {
        var told = ToWire.Stop(registry, stop);
        var scope = stop.Denial.Scope;
        if (asks is not { Role: CallerRole.Sponsor } || asks.Sees(stop) || scope.Kind == ScopeKind.Key || (scope.IsAgent && registry.State.FindAgent(scope.Id) is { } agent && asks.Sees(agent)))
            return told;
        (told.Reason, told.Incident) = ("", "");
        if (scope.IsAgent)
            told.Scope = null;
        return told;
    }

    /// <summary>Of an enforcer a sponsor sees the name, and how it stands to the stop: whom else it serves, and what it was shown, is others'.</summary>
    public static Wire.PropagationResponse NarrowedFor(this Wire.PropagationResponse answer, CallerRecord asks)
    {
        if (asks.Role != CallerRole.Sponsor)
            return answer;
        foreach (var enforcer in answer.Stops.SelectMany(stop => stop.Enforcers))
        {
            enforcer.Audiences.Clear();
            enforcer.Alarms.Clear();
            enforcer.Unlogged = 0;
        }
        return answer;
    }

    /// <summary>Durable when it returns. An agent that looks at itself leaves no entry.</summary>
    public static Task PutOnRecordAsync(this RegistryNode registry, CallState call, AgentRecord agent, int records = 1) =>
        call.Caller is { } caller ? registry.PutOnRecordAsync(call, caller, registry.Settings.Name.AgentDid(agent.Id), records, agent.Id) : Task.CompletedTask;

    /// <summary>The same for a list, which is about the registry and not about one agent.</summary>
    public static Task PutOnRecordAsync(this RegistryNode registry, CallState call, string target, int records) => target.Length <= TargetMax
        ? registry.PutOnRecordAsync(call, call.Caller!, target, records, about: null)
        : throw CallRefusedException.Malformed("What is asked for is longer than anything is called.");

    // Operators see what they stop even while there is no room to write that they looked. Everybody else waits for it.
    private static async Task PutOnRecordAsync(this RegistryNode registry, CallState call, CallerRecord caller, string target, int records, SubjectId? about)
    {
        var look = new Look(caller.Id, new PrivateDataRead(call.Row.Method, target, (uint)records), about);
        if (caller.Role != CallerRole.Operator)
            (await registry.Reads.RecordAsync(look)).OrRefuse();
        else if (await registry.Reads.RecordEvenLateAsync(look) is var refusal and not Refusal.None)
            throw new CallRefusedException(refusal, "That you looked cannot be put on the record now.");
    }
}
