using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Attesting;

/// <summary>Tokens that demand evidence, and enrolments that bring some.</summary>
internal static class Enrolments
{
    public static Task<string> DemandAsync(this TestNode registry, string policy, uint session = 0, string sponsor = "team", string blueprint = "bot/1", uint uses = 100, string envelope = TestNode.Envelope) => registry.NewTokenAsync(
        new TokenWish(sponsor, blueprint, [], envelope, [TestNode.Audience], uses, 0) { Evidence = policy, SessionSeconds = session });

    public static Task<Outcome<Enrolled>> BringAsync(this TestNode registry, string token, string evidence, PrivateKey? key = null, string? challenge = null) =>
        registry.BringAsync(token, evidence, HashOf(evidence), key ?? PrivateKey.Generate(KeyAlgorithm.ES256), challenge);

    public static Task<Outcome<Enrolled>> BringAsync(this TestNode registry, string token, string evidence, Hash? claimed, PrivateKey key, string? challenge = null)
    {
        var proof = EnrolmentProof.Create(key, TestNode.Url, challenge ?? registry.Node.Enrolment.NewChallenge(), registry.HashOfToken(token), registry.Clock.GetUtcNow(), evidence: claimed);
        return registry.Node.Enrolment.EnrollAsync(token, proof, [], 0, evidence);
    }

    public static Hash HashOfToken(this TestNode registry, string token) => Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token));

    /// <summary>What the agent's key claims: a hash over what is signed.</summary>
    public static Hash? HashOf(string evidence) => evidence.Length == 0 ? null : Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(evidence[..Math.Max(0, evidence.LastIndexOf('.'))]));
}
