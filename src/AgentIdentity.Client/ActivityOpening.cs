using System.Text.Json;

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
}
