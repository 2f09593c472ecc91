using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tokens;

/// <summary>The names of the two algorithms in JOSE (<c>alg</c>). docs/formats.md, "Names".</summary>
internal static class Jose
{
    /// <summary>The name that we write.</summary>
    public static string Name(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.ES256 => "ES256",
        KeyAlgorithm.Ed25519 => "EdDSA",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not a key algorithm."),
    };

    /// <summary>Reads the member <c>alg</c>: our names, and <c>Ed25519</c> as RFC 9864 has it. No other name exists here, <c>none</c> least of all.</summary>
    public static bool TryParse(JsonElement owner, out KeyAlgorithm algorithm)
    {
        var isES256 = owner.HasText("alg"u8, "ES256");
        algorithm = isES256 ? KeyAlgorithm.ES256 : KeyAlgorithm.Ed25519;
        return isES256 || owner.HasText("alg"u8, "EdDSA") || owner.HasText("alg"u8, "Ed25519");
    }
}
