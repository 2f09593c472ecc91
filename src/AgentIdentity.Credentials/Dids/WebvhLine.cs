using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Dids;

/// <summary>One line of a DID log, read but not believed.</summary>
internal sealed record WebvhLine(string VersionId, string VersionTime, JsonElement Parameters, JsonElement State, JsonElement[] Proofs, string ParametersText, string StateText)
{
    // One update key signs as a rule; each proof costs a verification.
    private const int ProofsMax = 8;
    private const int TextLengthMax = 256;

    /// <summary>The canonical text of a line without its proof, under a version id.</summary>
    public static string Text(string parameters, string state, string versionId, string versionTime) =>
        $"{{\"parameters\":{parameters},\"state\":{state},\"versionId\":\"{versionId}\",\"versionTime\":\"{versionTime}\"}}";

    /// <summary>The canonical text of a line with its proof.</summary>
    public static string Text(string parameters, string state, string versionId, string versionTime, string proof) =>
        $"{{\"parameters\":{parameters},\"proof\":[{proof}],\"state\":{state},\"versionId\":\"{versionId}\",\"versionTime\":\"{versionTime}\"}}";

    /// <summary>This line's canonical text without its proof, under another version id.</summary>
    public string Under(string versionId) => Text(ParametersText, StateText, versionId, VersionTime);

    public static WebvhRefusal Read(ReadOnlyMemory<byte> utf8, out WebvhLine? line)
    {
        line = null;
        if (!StrictJson.TryParse(utf8, out var document))
            return StrictJson.IsTooDeep(utf8.Span) ? WebvhRefusal.TooDeep : WebvhRefusal.NotText;
        using (document)
            return TryRead(document.RootElement, out line) ? WebvhRefusal.None : line is null ? WebvhRefusal.EntryForm : WebvhRefusal.ProofForm;
    }

    private static bool TryRead(JsonElement entry, [NotNullWhen(true)] out WebvhLine? line)
    {
        line = null;
        if (entry.ValueKind != JsonValueKind.Object || entry.EnumerateObject().Count() != 5 || !entry.TryGetMember("proof"u8, out var proofs))
            return false;
        if (!TryGetWord(entry, "versionId"u8, out var id) || !TryGetWord(entry, "versionTime"u8, out var time))
            return false;
        if (!TryGetObject(entry, "parameters"u8, out var parameters, out var parametersText) || !TryGetObject(entry, "state"u8, out var state, out var stateText))
            return false;
        JsonElement[] read = proofs.ValueKind == JsonValueKind.Array ? [.. proofs.EnumerateArray().Take(ProofsMax + 1).Select(proof => proof.Clone())] : [];
        line = new WebvhLine(id, time, parameters.Clone(), state.Clone(), read, parametersText, stateText);
        return read.Length is > 0 and <= ProofsMax;
    }

    // Neither can hold what JSON escapes, so both stand in a text as they are.
    private static bool TryGetWord(JsonElement entry, ReadOnlySpan<byte> name, out string word) =>
        entry.TryGetText(name, TextLengthMax, out word) && word.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '+' or ':' or '.');

    private static bool TryGetObject(JsonElement entry, ReadOnlySpan<byte> name, out JsonElement value, out string canonical)
    {
        canonical = "";
        return entry.TryGetMember(name, out value) && value.ValueKind == JsonValueKind.Object && Jcs.TryCanonicalizeAny(value, out canonical!);
    }
}
