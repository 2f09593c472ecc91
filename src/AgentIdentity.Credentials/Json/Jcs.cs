using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace AgentIdentity.Credentials.Json;

/// <summary>The JSON canonicalization scheme (RFC 8785).</summary>
/// <remarks>
/// In our own formats, numbers with a fraction, an exponent, or beyond ±(2^53 − 1) refuse: none has one, and a number that another reader takes for another is a wrong hash.
/// What others sign may hold any number (<see cref="TryCanonicalizeAny"/>).
/// </remarks>
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

    internal static bool TryCanonicalize(JsonElement element, [NotNullWhen(true)] out string? canonical) => TryCanonicalize(element, JcsNumber.TryAppendInteger, out canonical);

    /// <summary>The canonical form of what others sign, left without one member when that is an object's: numbers are those of ECMAScript. False only for one that is no finite double.</summary>
    internal static bool TryCanonicalizeAny(JsonElement element, [NotNullWhen(true)] out string? canonical, string? without = null) =>
        TryCanonicalize(element, JcsNumber.TryAppendAny, out canonical, without);

    private static bool TryCanonicalize(JsonElement element, NumberWriter number, [NotNullWhen(true)] out string? canonical, string? without = null)
    {
        var text = new StringBuilder();
        var isWritten = without is null ? TryAppend(text, element, number) : TryAppendObject(text, element, number, without);
        canonical = isWritten ? text.ToString() : null;
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

    private static bool TryAppend(StringBuilder text, JsonElement element, NumberWriter number)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return TryAppendObject(text, element, number);
            case JsonValueKind.Array:
                return TryAppendArray(text, element, number);
            case JsonValueKind.String:
                text.AppendString(element.GetString());
                return true;
            case JsonValueKind.Number:
                return number(text, element);
            default:
                text.Append(element.GetRawText());
                return true;
        }
    }

    private static bool TryAppendObject(StringBuilder text, JsonElement element, NumberWriter number, string? without = null)
    {
        text.Append('{');
        var separator = "";
        // RFC 8785 orders names by UTF-16 code units, which is what an ordinal comparison does.
        foreach (var member in element.EnumerateObject().Where(member => member.Name != without).OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            text.Append(separator).AppendString(member.Name).Append(':');
            if (!TryAppend(text, member.Value, number))
                return false;
            separator = ",";
        }
        text.Append('}');
        return true;
    }

    private static bool TryAppendArray(StringBuilder text, JsonElement element, NumberWriter number)
    {
        text.Append('[');
        var separator = "";
        foreach (var item in element.EnumerateArray())
        {
            text.Append(separator);
            if (!TryAppend(text, item, number))
                return false;
            separator = ",";
        }
        text.Append(']');
        return true;
    }

    private delegate bool NumberWriter(StringBuilder text, JsonElement number);
}
