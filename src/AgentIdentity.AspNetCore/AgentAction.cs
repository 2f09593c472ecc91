using Microsoft.AspNetCore.Http;

namespace AgentIdentity.AspNetCore;

/// <summary>What an endpoint does, as envelopes name it: the credential must cover it. Stands in the endpoint's metadata, once.</summary>
public sealed record AgentAction(string Type, string Action, string Location)
{
    /// <summary>The action of an endpoint; null when it asks for no agent.</summary>
    /// <exception cref="InvalidOperationException">
    /// It names several, itself or by its groups: a key proof is good for one question to the registry, so only one could be asked about. Or none, and demands a signed body, which nobody would then ask for.
    /// </exception>
    internal static AgentAction? Of(Endpoint endpoint) => endpoint.Metadata.GetOrderedMetadata<AgentAction>() switch
    {
        [] when endpoint.Metadata.GetMetadata<SignedBody>() is not null => throw new InvalidOperationException($"{endpoint.DisplayName} requires a signed body and no agent, so that anybody would be let in; it or a group around it has to name an action."),
        [] => null,
        [var only] => only,
        var several => throw new InvalidOperationException($"{endpoint.DisplayName} requires an agent for {several.Count} actions ({string.Join("; ", several)}); an endpoint and the groups around it may name one."),
    };
}
