using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace AgentIdentity.Credentials.Json;

/// <summary>The JSON canonicalization scheme (RFC 8785), for texts whose numbers are integers.</summary>
/// <remarks>Numbers with a fraction, an exponent, or beyond ±(2^53 − 1) refuse: none of our formats has one, and a misprinted number is a wrong hash.</remarks>
public static class Jcs
{
    /// <summary>The largest integer that every reader of JSON holds exactly: 2^53 − 1.</summary>
    public const long IntegerMax = (1L << 53) - 1;

    /// <summary>The canonical form of a strict JSON text (<see cref="StrictJson"/>).</summary>
    public static bool TryCanonicalize(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out string? canonical)
    {
        canonical = null;
        if (!StrictJson.TryParse(utf8, out var document))
            return false;
        using (document)
            return TryCanonicalize(document.RootElement, out canonical);
    }

    internal static bool TryCanonicalize(JsonElement element, [NotNullWhen(true)] out string? canonical)
    {
        var text = new StringBuilder();
        canonical = TryAppend(text, element) ? text.ToString() : null;
        return canonical is not null;
    }

    /// <summary>Appends a string with its quotes, escaped as RFC 8785 (section 3.2.2.2) says.</summary>
    internal static StringBuilder AppendString(this StringBuilder text, ReadOnlySpan<char> value)
    {
        text.Append('"');
        for (var special = IndexOfSpecial(value); special >= 0; special = IndexOfSpecial(value))
        {
            AppendEscaped(text.Append(value[..special]), value[special]);
            value = value[(special + 1)..];
        }
        return text.Append(value).Append('"');
    }

    private static int IndexOfSpecial(ReadOnlySpan<char> value)
    {
        var control = value.IndexOfAnyInRange('\0', '\x1f');
        var quoted = value[..(control < 0 ? value.Length : control)].IndexOfAny('"', '\\');
        return quoted < 0 ? control : quoted;
    }

    private static void AppendEscaped(StringBuilder text, char special)
    {
        _ = special switch
        {
            '"' => text.Append("\\\""),
            '\\' => text.Append("\\\\"),
            '\b' => text.Append("\\b"),
            '\t' => text.Append("\\t"),
            '\n' => text.Append("\\n"),
            '\f' => text.Append("\\f"),
            '\r' => text.Append("\\r"),
            _ => text.Append($"\\u{(int)special:x4}"),
        };
    }

    private static bool TryAppend(StringBuilder text, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return TryAppendObject(text, element);
            case JsonValueKind.Array:
                return TryAppendArray(text, element);
            case JsonValueKind.String:
                text.AppendString(element.GetString());
                return true;
            case JsonValueKind.Number:
                if (!element.TryGetInt64(out var number) || number is > IntegerMax or < -IntegerMax)
                    return false;
                text.Append(number);
                return true;
            default:
                text.Append(element.GetRawText());
                return true;
        }
    }

    private static bool TryAppendObject(StringBuilder text, JsonElement element)
    {
        text.Append('{');
        var separator = "";
        // RFC 8785 orders names by UTF-16 code units, which is what an ordinal comparison does.
        foreach (var member in element.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            text.Append(separator).AppendString(member.Name).Append(':');
            if (!TryAppend(text, member.Value))
                return false;
            separator = ",";
        }
        text.Append('}');
        return true;
    }

    private static bool TryAppendArray(StringBuilder text, JsonElement element)
    {
        text.Append('[');
        var separator = "";
        foreach (var item in element.EnumerateArray())
        {
            text.Append(separator);
            if (!TryAppend(text, item))
                return false;
            separator = ",";
        }
        text.Append(']');
        return true;
    }
}
