using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Issuing;

/// <summary>Labels as a JSON object: in credentials, and in what an agent signs when it enrols.</summary>
internal static class LabelsObject
{
    /// <summary>Reads a member that need not be there. Names are distinct, since the JSON is strict; their order is as written.</summary>
    public static bool TryRead(JsonElement owner, ReadOnlySpan<byte> name, out IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        labels = [];
        return !owner.TryGetMember(name, out var member) || TryRead(member, out labels);
    }

    /// <summary>Reads the object itself.</summary>
    public static bool TryRead(ReadOnlySpan<byte> utf8, out IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        labels = [];
        if (!StrictJson.TryParse(utf8.ToArray(), out var document))
            return false;
        using (document)
            return TryRead(document.RootElement, out labels);
    }

    private static bool TryRead(JsonElement element, out IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        labels = [];
        if (element.ValueKind != JsonValueKind.Object)
            return false;
        var read = new List<KeyValuePair<string, string>>(element.GetPropertyCount());
        foreach (var label in element.EnumerateObject())
        {
            if (label.Value.ValueKind != JsonValueKind.String)
                return false;
            read.Add(new(label.Name, label.Value.GetString()!));
        }
        labels = read;
        return true;
    }

    /// <summary>Writes a comma, unless it is the first, and the member in JCS form; or nothing when there are no labels.</summary>
    public static StringBuilder AppendLabels(this StringBuilder text, string name, IReadOnlyList<KeyValuePair<string, string>> labels, bool isFirst = false)
    {
        if (labels.Count == 0)
            return text;
        var separator = $"{(isFirst ? "" : ",")}\"{name}\":{{";
        foreach (var (label, value) in labels.OrderBy(label => label.Key, StringComparer.Ordinal))
        {
            text.Append(separator).AppendString(label).Append(':').AppendString(value);
            separator = ",";
        }
        return text.Append('}');
    }
}
