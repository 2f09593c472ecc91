using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>How an agent gets another key. The new key must be on disk before: once the registry has answered, the old one calls nobody there any more. The same again gets the same answer.</summary>
/// <remarks>The new key's statements are a chain of their own: settle what the old key's recorder has pending (<see cref="ActivityRecorder.ResumeAsync"/>) before, and begin another state file.</remarks>
public static class AgentKeyRotation
{
    /// <summary>The agent gives itself another key.</summary>
    /// <param name="connection">Needs no key of its own.</param>
    /// <param name="agent">Whose key.</param>
    /// <param name="old">The key that ends.</param>
    /// <param name="next">The new one.</param>
    /// <param name="cancellationToken">Ends the wait; the key may be rotated nevertheless.</param>
    /// <exception cref="RegistryRefusedException">The registry refused.</exception>
    public static async Task RotateAsync(RegistryConnection connection, SubjectId agent, PrivateKey old, PrivateKey next, CancellationToken cancellationToken = default)
    {
        var (challenge, now, url) = (await AgentEnrolment.ChallengeAsync(connection, cancellationToken).ConfigureAwait(false), connection.Clock.GetUtcNow(), connection.Name.PublicUrl);
        await SendAsync(connection, agent, next, new RotateKeyRequest
        {
            Proof = RotationProof.Create(next, agent, url, challenge, old.PublicKey.KeyId, now),
            Consent = RotationProof.Create(old, agent, url, challenge, next.PublicKey.KeyId, now),
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts a new key in the place of one that somebody else may have, under the token that an operator was given for that.</summary>
    /// <inheritdoc cref="RotateAsync"/>
    public static async Task ReplaceAsync(RegistryConnection connection, SubjectId agent, string token, PrivateKey next, CancellationToken cancellationToken = default)
    {
        var challenge = await AgentEnrolment.ChallengeAsync(connection, cancellationToken).ConfigureAwait(false);
        var tokenHash = Sha256.Hash(Encoding.UTF8.GetBytes(token));
        var proof = RotationProof.Create(next, agent, connection.Name.PublicUrl, challenge, tokenHash, connection.Clock.GetUtcNow());
        await SendAsync(connection, agent, next, new RotateKeyRequest { Proof = proof, Token = token }, cancellationToken).ConfigureAwait(false);
    }

    private static async Task SendAsync(RegistryConnection connection, SubjectId agent, PrivateKey next, RotateKeyRequest request, CancellationToken cancellationToken)
    {
        var answer = await connection.Registry.RotateKeyAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (answer.Did != connection.Name.AgentDid(agent) || answer.Jkt != next.PublicKey.KeyId.ToString())
            throw new InvalidDataException($"The registry answered that {answer.Did} has the key {answer.Jkt}, which is not what was asked for.");
    }
}
