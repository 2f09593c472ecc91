using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentIdentity.Cli;

/// <summary>The JSON that verbs answer with: one object a line, members in snake_case as in the registry's own JSON.</summary>
internal static class JsonLines
{
    // DIDs, keys and sentences stay readable; nothing of this is put into HTML.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string ToLine(this JsonObject json) => json.ToJsonString(Readable);

    public static JsonArray ToJson(this IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode)text)];
}
