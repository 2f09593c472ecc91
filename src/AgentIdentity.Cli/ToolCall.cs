using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli;

/// <summary>What a tool answered. <paramref name="Challenge"/> is its WWW-Authenticate header, which says why it refused.</summary>
internal sealed record ToolCall(int Status, string Phrase, string Challenge, string Body)
{
    private const int BodyLengthMax = 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public bool IsSuccess => Status is >= 200 and < 300;

    public static async Task<ToolCall> SendAsync(PrivateKey key, CredentialSource credentials, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new AgentHttpHandler(key, credentials)) { Timeout = Patience, MaxResponseContentBufferSize = BodyLengthMax };
        using var response = await http.SendAsync(request, cancellationToken);
        return new ToolCall(
            (int)response.StatusCode,
            response.ReasonPhrase ?? "",
            string.Join(", ", response.Headers.WwwAuthenticate.Select(challenge => challenge.ToString())),
            await response.Content.ReadAsStringAsync(cancellationToken));
    }

    /// <summary>The name of the refusal in a problem document (RFC 9457), as our own tools answer; null when there is none.</summary>
    public string? Reason => IsSuccess || !Body.StartsWith('{') ? null : ReasonIn(Body);

    public JsonObject ToJson() => new() { ["status"] = Status, ["reason"] = Reason, ["challenge"] = Challenge, ["body"] = Body };

    public void Write(TextWriter text)
    {
        text.WriteLine($"{Status} {Phrase}");
        if (Challenge.Length > 0)
            text.WriteLine(Challenge);
        if (Body.Length > 0)
            text.WriteLine(Body.TrimEnd());
    }

    private static string? ReasonIn(string body)
    {
        try
        {
            return JsonNode.Parse(body)?["reason"] is JsonValue reason && reason.TryGetValue<string>(out var name) ? name : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
