using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Envelopes;

/// <summary>One object of an envelope. docs/formats.md, "Envelope".</summary>
internal sealed record EnvelopeItem(string Type, string[] Actions, string[] Locations, long MaxDepth, long? NotAfter)
{
    private const int ValuesMax = 64;
    private const int ValueBytesMax = 256;
    private const int DepthMax = Delegation.ChainOfCommand.DepthMax;

    public static bool TryRead(JsonElement element, out EnvelopeItem item)
    {
        item = null!;
        if (element.ValueKind != JsonValueKind.Object)
            return false;
        var (type, actions, locations, maxDepth, notAfter) = ((string?)null, (string[]?)null, (string[]?)null, 0L, (long?)null);
        foreach (var member in element.EnumerateObject())
        {
            var isRead = member.Name switch
            {
                "type" => TryReadExact(member.Value, out type),
                "actions" => TryReadValues(member.Value, out actions),
                "locations" => TryReadValues(member.Value, out locations),
                "maxDepth" => member.Value.TryGetInteger(DepthMax, out maxDepth),
                "notAfter" => TryReadInstant(member.Value, out notAfter),
                _ => false,
            };
            if (!isRead)
                return false;
        }
        if (type is null || actions is null || locations is null)
            return false;
        item = new EnvelopeItem(type, actions, locations, maxDepth, notAfter);
        return true;
    }

    /// <summary>Whether this item covers all of the child. A child without an end ends with its credential, and that is the issuer's to cap.</summary>
    public bool Covers(EnvelopeItem child) =>
        Type == child.Type && child.MaxDepth <= MaxDepth && (NotAfter is null || child.NotAfter is null || child.NotAfter <= NotAfter)
        && Array.TrueForAll(child.Actions, action => Covers(Actions, action))
        && Array.TrueForAll(child.Locations, location => Covers(Locations, location));

    /// <summary>Whether this item covers what its holder passes on: one link is used up, so an item of depth 0 stays where it is.</summary>
    public bool CoversPassedOn(EnvelopeItem child) => child.MaxDepth < MaxDepth && Covers(child);

    /// <summary>Whether a location is granted that the pattern covers, or a pattern that covers it.</summary>
    public bool Touches(string pattern) => Array.Exists(Locations, location => LocationPattern.Covers(pattern, location) || LocationPattern.Covers(location, pattern));

    public bool Covers(string type, string action, string location, long nowSeconds) =>
        Type == type && (NotAfter is null || nowSeconds < NotAfter) && Covers(Actions, action) && Covers(Locations, location);

    private static bool Covers(string[] granted, string value)
    {
        foreach (var grant in granted)
        {
            if (LocationPattern.Covers(grant, value))
                return true;
        }
        return false;
    }

    private static bool TryReadValues(JsonElement element, out string[]? values)
    {
        values = null;
        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() > ValuesMax)
            return false;
        var read = new string[element.GetArrayLength()];
        var next = 0;
        foreach (var value in element.EnumerateArray())
        {
            if (!TryReadText(value, out read[next]) || !LocationPattern.IsWellFormed(read[next++]))
                return false;
        }
        values = read;
        return true;
    }

    // Types are compared exactly: one with a star would look as if it were a pattern.
    private static bool TryReadExact(JsonElement element, out string? type) => TryReadText(element, out type!) && !type.Contains('*', StringComparison.Ordinal);

    private static bool TryReadText(JsonElement element, out string text)
    {
        text = element.ValueKind == JsonValueKind.String ? element.GetString()! : "";
        return text.Length > 0 && Encoding.UTF8.GetByteCount(text) <= ValueBytesMax;
    }

    private static bool TryReadInstant(JsonElement element, out long? seconds)
    {
        var isRead = element.TryGetInteger(NumericDate.Max, out var value);
        seconds = value;
        return isRead;
    }
}
