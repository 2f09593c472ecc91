using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace AgentIdentity.Anchoring.Tests.Node;

/// <summary>An HTTP endpoint of the test's own: each request is answered as the test says, or goes on to a real node.</summary>
internal sealed class ScriptedHttp : DelegatingHandler
{
    public ScriptedHttp()
        : base(new SocketsHttpHandler())
    {
    }

    /// <summary>Answers a call, given its method and what would come otherwise; null lets it go on to the node.</summary>
    public Func<string, JsonObject, HttpResponseMessage?>? Instead { get; set; }

    /// <summary>Changes what the node answered, or throws to lose it.</summary>
    public Func<string, JsonObject, JsonObject>? After { get; set; }

    /// <summary>Every method that was called, in order.</summary>
    public List<string> Called { get; } = [];

    public static HttpResponseMessage Result(JsonObject request, JsonNode? result) =>
        Body(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = request["id"]!.DeepClone(), ["result"] = result }.ToJsonString());

    public static HttpResponseMessage Error(JsonObject request, string message, JsonNode? data = null) =>
        Body(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = request["id"]!.DeepClone(), ["error"] = new JsonObject { ["code"] = -32000, ["message"] = message, ["data"] = data } }.ToJsonString());

    public static HttpResponseMessage Body(string body, HttpStatusCode status = HttpStatusCode.OK) => new(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var call = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!.AsObject();
        var method = call["method"]!.GetValue<string>();
        lock (Called)
            Called.Add(method);
        if (Instead?.Invoke(method, call) is { } answer)
            return answer;
        var response = await base.SendAsync(request, cancellationToken);
        if (After is null)
            return response;
        var answered = JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))!.AsObject();
        return Body(After(method, answered).ToJsonString());
    }
}
