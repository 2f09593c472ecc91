using Microsoft.AspNetCore.Http;

namespace AgentIdentity.AspNetCore;

/// <summary>What an endpoint does, as envelopes name it: the credential must cover it. Stands in the endpoint's metadata, once.</summary>
public sealed record AgentAction(string Type, string Action, string Location)
{
    /// <summary>The action of an endpoint; null when it asks for no agent.</summary>
    /// <exception cref="InvalidOperationException">It names several, itself or by its groups. A key proof is good for one question to the registry, so only one could be asked about.</exception>
    internal static AgentAction? Of(Endpoint endpoint) => endpoint.Metadata.GetOrderedMetadata<AgentAction>() switch
    {
        [] => null,
        [var only] => only,
        var several => throw new InvalidOperationException($"{endpoint.DisplayName} requires an agent for {several.Count} actions ({string.Join("; ", several)}); an endpoint and the groups around it may name one."),
    };
}
