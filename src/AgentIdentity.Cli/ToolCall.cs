using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli;

/// <summary>What a tool answered. <paramref name="Challenge"/> is its WWW-Authenticate header, which says why it refused.</summary>
internal sealed record ToolCall(int Status, string Phrase, string Challenge, string Body)
{
    private const int BodyLengthMax = 1024 * 1024;
    private const int AttemptsMax = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Whoever asks for more is not busy but down, and its caller should hear so.
    private static readonly TimeSpan RetryAfterMax = TimeSpan.FromSeconds(2);

    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>Sends the request, and sends it again while the tool says when it will know more: it could not ask its registry in time.</summary>
    public static async Task<ToolCall> SendAsync(PrivateKey key, CredentialSource credentials, Func<HttpRequestMessage> makeRequest, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new AgentHttpHandler(key, credentials)) { Timeout = Patience, MaxResponseContentBufferSize = BodyLengthMax };
        for (var attempt = 1; ; attempt++)
        {
            using var request = makeRequest();
            using var response = await http.SendAsync(request, cancellationToken);
            if (response.StatusCode != HttpStatusCode.ServiceUnavailable || response.Headers.RetryAfter?.Delta is not { } wait || wait > RetryAfterMax || attempt == AttemptsMax)
                return await ReadAsync(response, cancellationToken);
            await Task.Delay(wait, cancellationToken);
        }
    }

    /// <summary>The name of the refusal in a problem document (RFC 9457), as our own tools answer; null when there is none.</summary>
    public string? Reason => IsSuccess || !Body.StartsWith('{') ? null : ReasonIn(Body);

    public JsonObject ToJson() => new() { ["status"] = Status, ["reason"] = Reason, ["challenge"] = Challenge, ["body"] = Body };

    public void Write(TextWriter text)
    {
        text.WriteLine($"{Status} {Phrase}");
        if (Challenge.Length > 0)
            text.WriteLine(Challenge);
        foreach (var line in Body.AsSpan().TrimEnd().EnumerateLines())
            text.WriteLine(line.ToString());
    }

    private static async Task<ToolCall> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken) => new(
        (int)response.StatusCode,
        response.ReasonPhrase ?? "",
        string.Join(", ", response.Headers.WwwAuthenticate.Select(challenge => challenge.ToString())),
        await response.Content.ReadAsStringAsync(cancellationToken));

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
