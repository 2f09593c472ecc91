using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Json;

/// <summary>
/// Reads JSON that has one meaning: valid UTF-8, one value and nothing after it, no repeated members, no comments, no trailing commas,
/// no half surrogates, and not nested deeper than <see cref="DepthMax"/>.
/// </summary>
/// <remarks>Two readers that understand a repeated member differently would let one of them check what the other one does not use.</remarks>
public static class StrictJson
{
    /// <summary>Arrays and objects within one another.</summary>
    public const int DepthMax = 16;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = DepthMax, AllowDuplicateProperties = false };

    /// <summary>Reads a text. The document uses <paramref name="utf8"/> in place, so that must not change until it is disposed.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out JsonDocument? document)
    {
        document = null;
        if (!Utf8.IsValid(utf8.Span))
            return false;
        try
        {
            document = JsonDocument.Parse(utf8, Options);
            RequireWholeCharacters(document.RootElement, utf8.Span);
            return true;
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException)
        {
            document?.Dispose();
            document = null;
            return false;
        }
    }

    /// <summary>Whether a text that was not read is nested too deep, and nothing before that is wrong with it.</summary>
    internal static bool IsTooDeep(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = DepthMax + 1 });
        try
        {
            while (reader.Read())
            {
                // The depth of what begins is counted from the next token on.
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= DepthMax)
                    return true;
            }
        }
        catch (JsonException)
        {
        }
        return false;
    }

    /// <summary>As <see cref="TryParse"/>, for a text that must be an object.</summary>
    internal static bool TryParseObject(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out JsonDocument? document)
    {
        if (!TryParse(utf8, out document))
            return false;
        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return true;
        document.Dispose();
        document = null;
        return false;
    }

    /// <summary>A member of an object; false when there is none, or the owner is not an object.</summary>
    internal static bool TryGetMember(this JsonElement owner, ReadOnlySpan<byte> name, out JsonElement member)
    {
        member = default;
        return owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(name, out member);
    }

    /// <summary>The text of a member that must be a string of 1 to <paramref name="lengthMax"/> characters.</summary>
    internal static bool TryGetText(this JsonElement owner, ReadOnlySpan<byte> name, int lengthMax, out string text)
    {
        text = owner.TryGetMember(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString()! : "";
        return text.Length > 0 && text.Length <= lengthMax;
    }

    /// <summary>As <see cref="TryGetText"/>, and a missing member gives null.</summary>
    internal static bool TryGetOptionalText(this JsonElement owner, ReadOnlySpan<byte> name, int lengthMax, out string? text)
    {
        text = null;
        return !owner.TryGetMember(name, out _) || owner.TryGetText(name, lengthMax, out text!);
    }

    /// <summary>The value of a member that must be an integer, written as one, from 0 to <paramref name="most"/>.</summary>
    internal static bool TryGetInteger(this JsonElement owner, ReadOnlySpan<byte> name, long most, out long value)
    {
        value = 0;
        return owner.TryGetMember(name, out var member) && member.TryGetInteger(most, out value);
    }

    /// <summary>The value of an element that must be an integer, written as one, from 0 to <paramref name="most"/>.</summary>
    internal static bool TryGetInteger(this JsonElement element, long most, out long value)
    {
        value = 0;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out value) && value >= 0 && value <= most;
    }

    /// <summary>The bytes of a member that must be their canonical base64url and fill <paramref name="destination"/> exactly.</summary>
    internal static bool TryGetBytes(this JsonElement owner, ReadOnlySpan<byte> name, Span<byte> destination) =>
        owner.TryGetText(name, int.MaxValue, out var text) && CanonicalBase64Url.TryDecodeExactly(text, destination);

    /// <summary>Whether a member is exactly this string.</summary>
    internal static bool HasText(this JsonElement owner, ReadOnlySpan<byte> name, ReadOnlySpan<char> text) =>
        owner.TryGetMember(name, out var member) && member.ValueKind == JsonValueKind.String && member.ValueEquals(text);

    /// <summary>Whether a member is an array of exactly these strings.</summary>
    internal static bool HasTexts(this JsonElement owner, ReadOnlySpan<byte> name, params ReadOnlySpan<string> texts)
    {
        if (!owner.TryGetMember(name, out var member) || member.ValueKind != JsonValueKind.Array || member.GetArrayLength() != texts.Length)
            return false;
        var next = 0;
        foreach (var item in member.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || !item.ValueEquals(texts[next++]))
                return false;
        }
        return true;
    }

    // Only \u can write half a surrogate pair; to read one as text throws.
    private static void RequireWholeCharacters(JsonElement root, ReadOnlySpan<byte> utf8)
    {
        if (utf8.IndexOf("\\u"u8) >= 0)
            ReadAllText(root);
    }

    private static void ReadAllText(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    ReadAllText(item);
                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    ReadAllText(member.Value);
                }
                break;
            default:
                break;
        }
    }
}
