using System.Text;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>What an agent is after it has enrolled.</summary>
/// <param name="Did">Its name.</param>
/// <param name="AgentId">Its id inside the registry; statements carry it.</param>
/// <param name="DidDocument">JSON.</param>
/// <param name="Origin">The log's origin; statements carry it.</param>
/// <param name="PublicUrl">The registry's public URL.</param>
/// <param name="Credential">Its first credential.</param>
public sealed record EnrolledAgent(string Did, SubjectId AgentId, string DidDocument, string Origin, string PublicUrl, HeldCredential Credential)
{
    public AgentState State => new(Did, AgentId, Origin, PublicUrl);
}

/// <summary>How a key becomes an agent.</summary>
public static class AgentEnrolment
{
    /// <summary>Enrols the key. The same token and key again get the same agent, so this may be repeated after an unknown outcome.</summary>
    /// <param name="connection">Needs no key of its own.</param>
    /// <param name="token">The enrolment token as it was handed out.</param>
    /// <param name="key">The agent's key.</param>
    /// <param name="audience">What the first credential is for; null for all that the token allows.</param>
    /// <param name="lifetime">How long the first credential lives; null for the registry's default.</param>
    /// <param name="labels">What the agent says of itself: up to 16, none that its sponsor has given it.</param>
    /// <param name="evidence">Brings what the token demands; null when it demands nothing. With fresh evidence the same agent's next session begins.</param>
    /// <param name="cancellationToken">Ends the wait; the agent may exist nevertheless.</param>
    /// <exception cref="RegistryRefusedException">The registry refused.</exception>
    /// <exception cref="InvalidDataException">The server is not the registry that the connection names.</exception>
    public static async Task<EnrolledAgent> EnrollAsync(
        RegistryConnection connection,
        string token,
        PrivateKey key,
        IReadOnlyList<string>? audience = null,
        TimeSpan? lifetime = null,
        IReadOnlyList<KeyValuePair<string, string>>? labels = null,
        BringEvidence? evidence = null,
        CancellationToken cancellationToken = default)
    {
        var challenge = await ChallengeAsync(connection, cancellationToken).ConfigureAwait(false);
        var tokenHash = Sha256.Hash(Encoding.UTF8.GetBytes(token));
        var asked = new EvidenceRequest(connection.Name.PublicUrl, challenge, key.PublicKey.KeyId, tokenHash);
        var brought = evidence is null ? "" : await evidence(asked, cancellationToken).ConfigureAwait(false);
        Hash? claimed = brought.Length == 0 ? null : EvidenceText.HashOf(brought);
        var proof = EnrolmentProof.Create(key, connection.Name.PublicUrl, challenge, tokenHash, connection.Clock.GetUtcNow(), labels, claimed);
        var request = new EnrollRequest { Token = token, Proof = proof, LifetimeSeconds = (uint)(lifetime?.TotalSeconds ?? 0), Evidence = brought };
        request.Audience.AddRange(audience ?? []);
        var answer = await connection.Registry.EnrollAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        return Read(connection.Name, answer);
    }

    // A proof is made for the name that the caller gave. Made for whatever the server calls itself, it could be carried on to another registry.
    internal static async Task<string> ChallengeAsync(RegistryConnection connection, CancellationToken cancellationToken)
    {
        var challenge = await connection.Registry.BeginEnrollAsync(new BeginEnrollRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
        return challenge.PublicUrl == connection.Name.PublicUrl
            ? challenge.Challenge
            : throw new InvalidDataException($"{connection.Name.PublicUrl} is expected here; the server calls itself {challenge.PublicUrl}.");
    }

    private static EnrolledAgent Read(RegistryName registry, EnrollResponse answer)
    {
        if (!registry.TryParseAgentDid(answer.Did, out var agentId) || !answer.AgentId.Span.SequenceEqual(agentId.ToArray()))
            throw new InvalidDataException($"The DID {answer.Did} is none of an agent of {registry.PublicUrl}, or not this agent's.");
        return new EnrolledAgent(answer.Did, agentId, answer.DidDocument, answer.Origin, registry.PublicUrl, HeldCredential.From(answer.Credential));
    }
}
