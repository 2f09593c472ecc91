using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Drill;

/// <summary>An agent that exists for one drill. Its key is nowhere but in memory.</summary>
internal sealed class ShadowAgent(PrivateKey key, EnrolledAgent enrolled) : IDisposable
{
    public PrivateKey Key => key;

    public EnrolledAgent Enrolled => enrolled;

    public string Did => enrolled.Did;

    /// <summary>What it shows: its own credential, or the one that was passed on to it.</summary>
    public HeldCredential Credential { get; set; } = enrolled.Credential;

    public static async Task<ShadowAgent> EnrolAsync(RegistryConnection connection, string token, CancellationToken cancellationToken)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        return new ShadowAgent(key, await AgentEnrolment.EnrollAsync(connection, token, key, cancellationToken: cancellationToken));
    }

    /// <summary>A proof that it holds its key, for one request; whoever has stolen the key makes the same.</summary>
    public string Prove(string nonce, DateTimeOffset now)
    {
        var hash = Sha256.Hash(Encoding.ASCII.GetBytes(Credential.Token)).ToBase64Url();
        return KeyProof.Create(key, new RequestBinding("GET", DrillTool.Url, nonce, hash), now);
    }

    public void Dispose() => key.Dispose();
}
