using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>One call to a node, one answer, nothing tried again.</summary>
internal interface IRpc
{
    /// <summary>Calls a method and gives its result, which may be null.</summary>
    /// <exception cref="ChainException">There was no answer, or a refusal.</exception>
    Task<JsonElement> CallAsync(string method, JsonArray parameters, CancellationToken cancellation);
}

/// <summary>JSON-RPC 2.0 over HTTP.</summary>
internal sealed class JsonRpc(HttpClient http, Uri url) : IRpc
{
    // An answer with the events of a thousand blocks of ours is a few kilobytes; a node that sends more is not believed.
    private const int AnswerBytesMax = 4 * 1024 * 1024;

    // Longer than any node takes for one of these calls, and short against the interval between two anchors.
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(20);

    // Words of geth, Nethermind, Erigon, Besu and anvil, in lower case.
    private static readonly (string Words, ChainFault Fault)[] Refusals =
    [
        ("nonce too low", ChainFault.NonceTooLow),
        ("nonce is too low", ChainFault.NonceTooLow),
        ("oldnonce", ChainFault.NonceTooLow),
        ("already known", ChainFault.AlreadyKnown),
        ("alreadyknown", ChainFault.AlreadyKnown),
        ("already imported", ChainFault.AlreadyKnown),
        ("known transaction", ChainFault.AlreadyKnown),
        ("underpriced", ChainFault.Underpriced),
        ("feetoolowtocompete", ChainFault.Underpriced),
        ("insufficient funds", ChainFault.NoFunds),
        ("insufficientfunds", ChainFault.NoFunds),
        ("upfront cost exceeds", ChainFault.NoFunds),
        ("less than block base fee", ChainFault.FeeTooLow),
        ("invalid chain id", ChainFault.WrongChain),
        ("wrong chain id", ChainFault.WrongChain),
        ("execution reverted", ChainFault.Reverted),
        ("rate limit", ChainFault.RateLimited),
        ("too many requests", ChainFault.RateLimited),
    ];

    private int _lastId;

    public async Task<JsonElement> CallAsync(string method, JsonArray parameters, CancellationToken cancellation)
    {
        var id = Interlocked.Increment(ref _lastId);
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id, ["method"] = method, ["params"] = parameters };
        var (answer, status) = await PostAsync(JsonSerializer.SerializeToUtf8Bytes(request), method, cancellation).ConfigureAwait(false);
        try
        {
            return ResultOf(method, id, answer, status);
        }
        catch (InvalidOperationException error)
        {
            // Half of a surrogate pair, escaped, is JSON and no text.
            throw new ChainException(ChainFault.Malformed, $"{method}: the node's answer holds what is no text.", error);
        }
    }

    private static JsonElement ResultOf(string method, int id, JsonElement answer, HttpStatusCode status)
    {
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("id", out var answered) || !answered.TryGetNumber(out var answeredId) || answeredId != id)
            throw new ChainException(ChainFault.Malformed, $"{method}: an answer to request {id} is expected{Named(status)}.");
        if (answer.TryGetProperty("error", out var error) && error.ValueKind != JsonValueKind.Null)
            throw Refusal(method, error.TextOf("message"), error.TextOf("data"));
        return answer.TryGetProperty("result", out var result) ? result : throw new ChainException(ChainFault.Malformed, $"{method}: a result is expected.");
    }

    private async Task<(JsonElement Answer, HttpStatusCode Status)> PostAsync(byte[] request, string method, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(AnswerTimeMax);
        var status = HttpStatusCode.OK;
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(request) };
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
            status = response.StatusCode;
            if (status == HttpStatusCode.TooManyRequests)
                throw new ChainException(ChainFault.RateLimited, $"{method}: the node answers no more for now (HTTP 429).");
            if ((int)status >= 500)
                throw new ChainException(ChainFault.Unreachable, $"{method}: the node answers HTTP {(int)status}.");
            await response.Content.LoadIntoBufferAsync(AnswerBytesMax, patience.Token).ConfigureAwait(false);
            using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(patience.Token).ConfigureAwait(false));
            return (document.RootElement.Clone(), status);
        }
        catch (JsonException error)
        {
            throw new ChainException(ChainFault.Malformed, $"{method}: the node's answer is no JSON{Named(status)}.", error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new ChainException(ChainFault.Unreachable, $"{method}: the node does not answer: {error.Message}", error);
        }
    }

    // Many nodes refuse a call with 400 and an answer; a page without one is for whoever brought the wrong key, or the wrong path.
    private static string Named(HttpStatusCode status) => status == HttpStatusCode.OK ? "" : $", and HTTP {(int)status} came";

    /// <summary>What a refusal means, by the node's words and what it gave beside them.</summary>
    internal static ChainException Refusal(string method, string? message, string? data)
    {
        var lower = (message ?? "").ToLowerInvariant();
        var fault = Refusals.Where(refusal => lower.Contains(refusal.Words, StringComparison.Ordinal)).Select(refusal => refusal.Fault).FirstOrDefault(ChainFault.Refused);
        return new ChainException(fault, $"{method}: {message ?? "no reason"}") { Revert = RevertOf(data) };
    }

    private static byte[] RevertOf(string? data)
    {
        try
        {
            return data is null ? [] : Hex.Bytes(data);
        }
        catch (FormatException)
        {
            // Some nodes put words there.
            return [];
        }
    }
}
