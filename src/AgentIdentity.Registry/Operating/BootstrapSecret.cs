using System.Security.Cryptography;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Operating;

/// <summary>The one-time secret with which the first operators are enrolled. Only its hash is kept here; whoever made it hands the text to a file.</summary>
public sealed class BootstrapSecret
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    private readonly Hash _hash;
    private readonly DateTimeOffset _until;

    private BootstrapSecret(Hash hash, DateTimeOffset until)
    {
        _hash = hash;
        _until = until;
    }

    public static BootstrapSecret Create(DateTimeOffset now, out string text)
    {
        text = "aib_" + CanonicalBase64Url.Encode(RandomNumberGenerator.GetBytes(32));
        return new BootstrapSecret(HashOf(text), now + Life);
    }

    public static Hash HashOf(string text) => Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Whether this is the secret, and in time. Hashes compare in fixed time.</summary>
    public bool Opens(in Hash hash, DateTimeOffset now) => hash == _hash && now < _until;
}
