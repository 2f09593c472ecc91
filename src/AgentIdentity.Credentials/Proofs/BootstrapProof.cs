using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>A proof that a first operator holds both the bootstrap secret and a key. docs/formats.md, "Bootstrap proof".</summary>
public sealed class BootstrapProof
{
    /// <summary>How far the proof's time may lie from the registry's.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(300);

    private const string Type = "agentid-bootstrap+jwt";

    private BootstrapProof(PublicKey key, string name)
    {
        Key = key;
        Name = name;
    }

    /// <summary>The operator's key.</summary>
    public PublicKey Key { get; }

    /// <summary>The operator's name, as the operator signed it.</summary>
    public string Name { get; }

    /// <summary>Makes a proof.</summary>
    /// <param name="key">The operator's key.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="secretHash">SHA-256 of the bootstrap secret.</param>
    /// <param name="name">The operator's name.</param>
    /// <param name="now">The operator's clock.</param>
    public static string Create(PrivateKey key, string publicUrl, Hash secretHash, string name, DateTimeOffset now)
    {
        var claims = new StringBuilder("{\"aud\":").AppendString(publicUrl).Append($",\"iat\":{now.ToUnixTimeSeconds()},\"name\":").AppendString(name);
        return JwkSignedToken.Sign(Type, claims.Append($",\"secret_hash\":\"{secretHash.ToBase64Url()}\"}}").ToString(), key);
    }

    /// <summary>Reads a proof for this registry and secret.</summary>
    public static Refusal Read(string? proof, string publicUrl, Hash secretHash, DateTimeOffset now, out BootstrapProof? presented)
    {
        presented = null;
        if (string.IsNullOrEmpty(proof))
            return Refusal.ProofMissing;
        if (!JwkSignedToken.TryRead(proof, Type, out var jws, out var key))
            return Refusal.ProofInvalid;
        using (jws)
        {
            var claims = jws.Payload;
            if (!claims.HasText("aud"u8, publicUrl) || !claims.HasHash("secret_hash"u8, secretHash)
                || !claims.TryGetText("name"u8, int.MaxValue, out var name)
                || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt))
                return Refusal.ProofInvalid;
            if ((now - DateTimeOffset.FromUnixTimeSeconds(issuedAt)).Duration() > Window)
                return Refusal.ProofStale;
            presented = new BootstrapProof(key, name);
            return Refusal.None;
        }
    }
}
