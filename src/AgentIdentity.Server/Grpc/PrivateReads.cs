using AgentIdentity.Registry;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Server.Grpc;

/// <summary>Looks at private data: whose they may be, and that they are on the record before the answer leaves.</summary>
internal static class PrivateReads
{
    /// <summary>An agent sees itself, a sponsor its own agents, and the other roles of the access table all.</summary>
    public static void RequireMaySee(this CallState call, AgentRecord agent)
    {
        if (call.Agent is { } self && self.Id != agent.Id)
            throw new CallRefusedException(Credentials.Refusal.NotPermitted, "An agent sees itself only.");
        if (call.Caller is { Role: Credentials.Entries.CallerRole.Sponsor } sponsor && sponsor.Name != agent.Grant.Terms.Sponsor)
            throw new CallRefusedException(Credentials.Refusal.NotPermitted, "A sponsor sees its own agents only.");
    }

    /// <summary>Durable when it returns. An agent that looks at itself leaves no entry.</summary>
    public static async Task PutOnRecordAsync(this RegistryNode registry, CallState call, AgentRecord agent, int records = 1)
    {
        if (call.Caller is { } caller)
            (await registry.Operating.RecordReadAsync(caller.Id, call.Row.Method, registry.Settings.Name.AgentDid(agent.Id), records, agent.Id)).OrRefuse();
    }

    /// <summary>The same for a list, which is about the registry and not about one agent.</summary>
    public static async Task PutOnRecordAsync(this RegistryNode registry, CallState call, string target, int records) =>
        (await registry.Operating.RecordReadAsync(call.Caller!.Id, call.Row.Method, target, records, null)).OrRefuse();
}
