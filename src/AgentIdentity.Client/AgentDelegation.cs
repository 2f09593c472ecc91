using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>Passes a part of an agent's authority on to another agent. The other one shows what it was given with its own key, from <see cref="HeldCredential.Source"/>.</summary>
public static class AgentDelegation
{
    /// <summary>A credential for the agent that the request names. It is of use with that agent's key only, so it may be handed over by any way.</summary>
    /// <param name="connection">Signs with the key of the agent that passes on, and shows the credential that is passed on from.</param>
    /// <param name="request">To whom, what, for how long.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the delegation.</param>
    /// <exception cref="RegistryRefusedException">It would be wider, one of the two is stopped, or the chain is at its end.</exception>
    public static async Task<HeldCredential> DelegateAsync(RegistryConnection connection, DelegateRequest request, CancellationToken cancellationToken = default)
    {
        var answer = await connection.Credentials.DelegateAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        return HeldCredential.From(answer.Credential);
    }
}
