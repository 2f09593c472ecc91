using System.Text.Json;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>What opens a commitment, as a line of the salts file says it; all base64url.</summary>
public sealed record ActivityOpening(string Commitment, string Salt, string PayloadHash)
{
    private static readonly JsonSerializerOptions Form = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public string ToLine() => JsonSerializer.Serialize(this, Form) + "\n";

    /// <summary>Reads a line. Null when it is torn: a crash ended it, and then no statement was signed with it.</summary>
    public static ActivityOpening? FromLine(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<ActivityOpening>(line, Form);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The commitments that were made to payloads, in the order of the salts file; computed anew from the salts.</summary>
    /// <param name="saltsFile">As a recorder keeps it.</param>
    /// <param name="payloadHashes">Whose commitments are wanted.</param>
    public static IEnumerable<(Hash PayloadHash, Hash Commitment)> CommitmentsTo(IReadOnlyCollection<Hash> payloadHashes, string saltsFile)
    {
        var wanted = payloadHashes.Distinct().ToDictionary(hash => hash.ToBase64Url());
        var salt = new byte[Hash.Size];
        foreach (var line in File.ReadLines(saltsFile))
        {
            if (FromLine(line) is { Salt: { } text, PayloadHash: { } payload } && wanted.TryGetValue(payload, out var hash) && CanonicalBase64Url.TryDecodeExactly(text, salt))
                yield return (hash, SignedStatement.Commitment(salt, hash));
        }
    }
}
