using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Server.Grpc;

/// <summary>Looks at private data: whose they may be, and that they are on the record before the answer leaves.</summary>
internal static class PrivateReads
{
    /// <summary>An agent sees itself, a sponsor its own agents, and the other roles of the access table all.</summary>
    public static void RequireMaySee(this CallState call, AgentRecord agent)
    {
        if (call.Agent is { } self && self.Id != agent.Id)
            throw new CallRefusedException(Refusal.NotPermitted, "An agent sees itself only.");
        if (call.Caller is { Role: CallerRole.Sponsor } sponsor && sponsor.Name != agent.Grant.Terms.Sponsor)
            throw new CallRefusedException(Refusal.NotPermitted, "A sponsor sees its own agents only.");
    }

    /// <summary>Durable when it returns. An agent that looks at itself leaves no entry.</summary>
    public static Task PutOnRecordAsync(this RegistryNode registry, CallState call, AgentRecord agent, int records = 1) =>
        call.Caller is { } caller ? registry.PutOnRecordAsync(call, caller, registry.Settings.Name.AgentDid(agent.Id), records, agent.Id) : Task.CompletedTask;

    /// <summary>The same for a list, which is about the registry and not about one agent.</summary>
    public static Task PutOnRecordAsync(this RegistryNode registry, CallState call, string target, int records) =>
        registry.PutOnRecordAsync(call, call.Caller!, target, records, about: null);

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
