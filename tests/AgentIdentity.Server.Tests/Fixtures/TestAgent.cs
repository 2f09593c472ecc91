using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;

namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>An enrolled agent with its key: what it presents to tools, and what it signs about its activities.</summary>
public sealed class TestAgent(TestRegistry registry, PrivateKey key, EnrolledAgent enrolled)
{
    public const string ToolUrl = "https://tools.example/documents/report";
    public const string Nonce = "the tool's nonce";

    private ulong _sequence;
    private Hash _previous;

    public PrivateKey Key => key;

    public EnrolledAgent Enrolled => enrolled;

    public string Did => enrolled.Did;

    public string Credential => enrolled.Credential.Token;

    /// <summary>Signs calls with the agent's key alone.</summary>
    public RegistryConnection Connect() => registry.Connect(key);

    /// <summary>What a tool asks when the agent has shown it a credential with a fresh proof.</summary>
    public VerifyRequest Presents(string? credential = null) => Presents(credential ?? Credential, key);

    public static VerifyRequest Presents(string credential, PrivateKey signer, TimeProvider? clock = null)
    {
        var binding = new RequestBinding("GET", ToolUrl, Nonce, Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(credential)).ToBase64Url());
        return new VerifyRequest
        {
            Credential = credential,
            // Later than the second in which the registry started: what may be from before its start is stale.
            Proof = KeyProof.Create(signer, binding, (clock ?? TimeProvider.System).GetUtcNow().AddSeconds(2)),
            Method = "GET",
            Url = ToolUrl,
            Nonce = Nonce,
            Audience = TestRegistry.Documents,
        };
    }

    /// <summary>The next statement of the agent's chain. Sending it twice sends the identical statement.</summary>
    public RecordRequest NextStatement(int commitments = 1)
    {
        var hashes = Enumerable.Range(0, commitments).Select(i => Sha256.Hash(BitConverter.GetBytes((_sequence << 16) + (ulong)i))).ToArray();
        var bytes = SignedStatement.Encode(
            enrolled.Origin, enrolled.AgentId, key.PublicKey.KeyId, _sequence, _previous,
            (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), StatementKind.Activity, hashes);
        _previous = Sha256.Hash(bytes);
        _sequence++;
        return Sign(bytes);
    }

    public RecordRequest Sign(byte[] statement) => new()
    {
        Statement = ByteString.CopyFrom(statement),
        Algorithm = key.PublicKey.Algorithm == KeyAlgorithm.ES256 ? SignatureAlgorithm.Es256 : SignatureAlgorithm.Ed25519,
        Signature = ByteString.CopyFrom(key.Sign(statement)),
    };
}
