using System.Collections;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace AgentIdentity.Cli.Asking;

/// <summary>An answer as JSON: the names of the protos, numbers as numbers, states and edges as words, times as text.</summary>
internal static class WireJson
{
    private static readonly HashSet<string> InMilliseconds = ["time", "since", "at", "sequenced_at", "enrolled_at"];
    private static readonly HashSet<string> InSeconds = ["not_before", "expires_at", "last_expiry"];

    public static JsonObject From(IMessage message)
    {
        var json = new JsonObject();
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            var value = field.Accessor.GetValue(message);
            var isThere = field.HasPresence ? field.Accessor.HasValue(message) : value is not null;
            if (isThere || field.ContainingOneof is null)
                json[field.Name] = !isThere ? null : field.IsRepeated ? new JsonArray([.. ((IList)value!).Cast<object>().Select(item => One(field, item))]) : One(field, value!);
        }
        return json;
    }

    private static JsonNode One(FieldDescriptor field, object value) => value switch
    {
        IMessage message => From(message),
        Enum word => Word(word),
        long time when InMilliseconds.Contains(field.Name) => Instants.FromMilliseconds(time),
        long time when InSeconds.Contains(field.Name) => Instants.FromSeconds(time),
        long number => number,
        ulong number => number,
        uint number => number,
        int number => number,
        bool flag => flag,
        string text => text,
        _ => throw new InvalidOperationException($"No JSON for the field {field.FullName}."),
    };

    /// <summary>As verbs write states: <c>frozen</c>, <c>delegates-to</c>.</summary>
    public static string Word(Enum value) => string.Concat(value.ToString().Select((letter, at) => at > 0 && char.IsAsciiLetterUpper(letter) ? $"-{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
