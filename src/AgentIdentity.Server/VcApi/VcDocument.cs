using System.Text.Json;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Server.VcApi;

/// <summary>What VC Data Model 2.0 asks of any credential, whoever issued it. Contexts are compared and never fetched.</summary>
internal static class VcDocument
{
    // Members whose values say their type, and what else they must say.
    private static readonly (string Name, bool NeedsId)[] Typed =
        [("credentialStatus", false), ("credentialSchema", true), ("termsOfUse", false), ("evidence", false), ("refreshService", false), ("confidenceMethod", false), ("renderMethod", false)];

    /// <summary>The first thing that is wrong; null when it is a credential.</summary>
    public static VcProblem? Check(JsonElement document)
    {
        if (document.ValueKind != JsonValueKind.Object)
            return VcProblem.Parsing("A credential is a JSON object.");
        return VcContexts.Check(document) ?? CheckTypes(document) ?? CheckIssuer(document) ?? CheckWords(document) ?? CheckId(document, "A credential's id") ?? CheckSubjects(document) ?? CheckTimes(document)
            ?? Typed.Select(member => CheckTyped(document, member.Name, member.NeedsId)).FirstOrDefault(problem => problem is not null) ?? CheckStatus(document) ?? CheckRelated(document);
    }

    /// <summary>The items of a member that may be one value or an array of them; none when it is missing.</summary>
    public static IReadOnlyList<JsonElement> Items(JsonElement owner, string name)
    {
        if (!owner.TryGetProperty(name, out var member))
            return [];
        return member.ValueKind == JsonValueKind.Array ? [.. member.EnumerateArray()] : [member];
    }

    /// <summary>Who issued a credential that was checked.</summary>
    public static string IssuerOf(JsonElement document)
    {
        var issuer = document.GetProperty("issuer");
        return (issuer.ValueKind == JsonValueKind.Object ? issuer.GetProperty("id") : issuer).GetString()!;
    }

    /// <summary>A time of a credential that was checked.</summary>
    public static DateTimeOffset? TimeOf(JsonElement document, string name) =>
        document.TryGetProperty(name, out var at) && at.ValueKind == JsonValueKind.String && Rfc3339.TryParse(at.GetString()!, out var time) ? time : null;

    /// <summary>Whether it is text that says where something is, absolutely.</summary>
    public static bool IsUrl(JsonElement element) =>
        element.ValueKind == JsonValueKind.String && element.GetString() is var text && !text!.Any(char.IsWhiteSpace) && !text!.Any(char.IsControl) && Uri.TryCreate(text, UriKind.Absolute, out _) && text.Contains(':', StringComparison.Ordinal);

    private static VcProblem? CheckTypes(JsonElement document)
    {
        var types = Items(document, "type");
        if (types.Count == 0 || types.Any(type => type.ValueKind != JsonValueKind.String) || !types.Any(type => type.ValueEquals("VerifiableCredential")))
            return VcProblem.Malformed("type holds VerifiableCredential, and strings only.");
        return types.All(type => VcContexts.Defines(document, type)) ? null : VcProblem.Malformed("Each type is an absolute URL, or a term that @context maps to one.");
    }

    private static VcProblem? CheckIssuer(JsonElement document) =>
        document.TryGetProperty("issuer", out var issuer) && (IsUrl(issuer) || (issuer.ValueKind == JsonValueKind.Object && issuer.TryGetProperty("id", out var id) && IsUrl(id)))
            ? null
            : VcProblem.Malformed("issuer is a URL, or an object whose id is one.");

    // Section 4.6: what people read is text, or a language value object (section 11.1), or an array of such.
    private static VcProblem? CheckWords(JsonElement document)
    {
        var issuer = document.GetProperty("issuer");
        JsonElement[] speakers = issuer.ValueKind == JsonValueKind.Object ? [document, issuer] : [document];
        return speakers.SelectMany(speaker => Items(speaker, "name").Concat(Items(speaker, "description"))).All(IsWords)
            ? null
            : VcProblem.Malformed("name and description are text, or objects of @value, @language and @direction.");
    }

    private static bool IsWords(JsonElement words) => words.ValueKind == JsonValueKind.String
        || (words.ValueKind == JsonValueKind.Object && words.TryGetProperty("@value", out _)
            && words.EnumerateObject().All(member => member.Name is "@value" or "@language" or "@direction" && member.Value.ValueKind == JsonValueKind.String));

    private static VcProblem? CheckId(JsonElement owner, string what) => !owner.TryGetProperty("id", out var id) || IsUrl(id) ? null : VcProblem.Malformed($"{what} is one URL.");

    private static VcProblem? CheckSubjects(JsonElement document)
    {
        var subjects = Items(document, "credentialSubject");
        if (subjects.Count == 0 || subjects.Any(subject => subject.ValueKind != JsonValueKind.Object || subject.GetPropertyCount() == 0))
            return VcProblem.Malformed("credentialSubject is an object that says something, or an array of such.");
        return subjects.Select(subject => CheckId(subject, "A subject's id")).FirstOrDefault(problem => problem is not null);
    }

    private static VcProblem? CheckTimes(JsonElement document)
    {
        var (from, until) = (TimeOf(document, "validFrom"), TimeOf(document, "validUntil"));
        if ((from is null && document.TryGetProperty("validFrom", out _)) || (until is null && document.TryGetProperty("validUntil", out _)))
            return VcProblem.Malformed("validFrom and validUntil are times with a zone, as XML Schema's dateTimeStamp has them.");
        return until < from ? VcProblem.Malformed("validUntil is before validFrom.") : null;
    }

    private static VcProblem? CheckTyped(JsonElement document, string name, bool needsId)
    {
        foreach (var item in Items(document, name))
        {
            if (item.ValueKind != JsonValueKind.Object || Items(item, "type") is not { Count: > 0 } types || types.Any(type => type.ValueKind != JsonValueKind.String))
                return VcProblem.Malformed($"{name} is an object with a type, or an array of such.");
            if ((needsId && !item.TryGetProperty("id", out _)) || CheckId(item, $"The id of a {name}") is not null)
                return VcProblem.Malformed($"The id of a {name} is one URL{(needsId ? ", and is needed" : "")}.");
        }
        return null;
    }

    // Bitstring Status List 1.0, section 2.1.
    private static VcProblem? CheckStatus(JsonElement document)
    {
        foreach (var entry in Items(document, "credentialStatus").Where(entry => entry.GetProperty("type").ValueKind == JsonValueKind.String && entry.GetProperty("type").ValueEquals("BitstringStatusListEntry")))
        {
            var isGood = entry.TryGetProperty("statusPurpose", out var purpose) && purpose.ValueKind == JsonValueKind.String
                && entry.TryGetProperty("statusListIndex", out var index) && index.ValueKind == JsonValueKind.String && IsNumber(index.GetString()!)
                && entry.TryGetProperty("statusListCredential", out var list) && IsUrl(list)
                && (!entry.TryGetProperty("id", out var id) || !JsonElement.DeepEquals(id, list));
            if (!isGood)
                return VcProblem.Malformed("A BitstringStatusListEntry has a statusPurpose, a statusListIndex (digits in a string) and a statusListCredential (a URL that is not its id).");
        }
        return null;
    }

    // Section 5.3. Nothing is fetched, so no digest is held against what it is of.
    private static VcProblem? CheckRelated(JsonElement document)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        return Items(document, "relatedResource").All(related => related.ValueKind == JsonValueKind.Object && related.TryGetProperty("id", out var id) && IsUrl(id) && ids.Add(id.GetString()!)
            && (IsDigest(related, "digestSRI") || IsDigest(related, "digestMultibase")))
            ? null
            : VcProblem.Malformed("A relatedResource is an object with an id of its own, a URL, and a digestSRI or a digestMultibase.");
    }

    private static bool IsDigest(JsonElement related, string name) => related.TryGetProperty(name, out var digest) && digest.ValueKind == JsonValueKind.String;

    private static bool IsNumber(string text) => text.Length is > 0 and <= 20 && text.All(char.IsAsciiDigit) && (text == "0" || text[0] != '0');
}
