using System.Text.Json;

namespace AgentIdentity.Server.VcApi;

/// <summary>What a credential's contexts say of its terms, as far as that can be told without fetching one.</summary>
internal static class VcContexts
{
    private const string BaseContext = "https://www.w3.org/ns/credentials/v2";

    // Terms that the base context defines for a credential. Where it is the only one, another member means nothing to a reader of JSON-LD.
    private static readonly HashSet<string> BaseTerms = new(
        [
            "@context", "id", "type", "name", "description", "issuer", "validFrom", "validUntil", "credentialSubject", "credentialStatus", "credentialSchema", "termsOfUse", "evidence",
            "refreshService", "confidenceMethod", "renderMethod", "relatedResource", "proof",
        ],
        StringComparer.Ordinal);

    // Types that it defines for a credential as a whole.
    private static readonly HashSet<string> BaseTypes = new(["VerifiableCredential", "BitstringStatusListCredential", "JsonSchemaCredential"], StringComparer.Ordinal);

    /// <summary>What is wrong with the contexts, or with members that they do not define; null when nothing is.</summary>
    public static VcProblem? Check(JsonElement document)
    {
        if (!document.TryGetProperty("@context", out var contexts) || contexts.ValueKind != JsonValueKind.Array || contexts.GetArrayLength() == 0
            || contexts[0].ValueKind != JsonValueKind.String || !contexts[0].ValueEquals(BaseContext))
            return VcProblem.Malformed($"@context is an array whose first item is {BaseContext}.");
        if (contexts.EnumerateArray().Any(context => context.ValueKind != JsonValueKind.Object && !VcDocument.IsUrl(context)))
            return VcProblem.Malformed("Each item of @context is a URL or an object.");
        if (RedefinesTerms(contexts))
            return VcProblem.Malformed("A context gives a protected term another meaning.");
        var unknown = contexts.GetArrayLength() > 1 ? null : document.EnumerateObject().Select(member => member.Name).FirstOrDefault(name => !BaseTerms.Contains(name));
        return unknown is null ? null : VcProblem.Malformed("The document has a member that its context does not define.");
    }

    /// <summary>Whether a type is a URL, or a term that a context maps to one. What stands in a context that is named by its URL is not known here, and may be so.</summary>
    public static bool Defines(JsonElement document, JsonElement type)
    {
        if (VcDocument.IsUrl(type) || BaseTypes.Contains(type.GetString()!))
            return true;
        JsonElement[] others = [.. document.GetProperty("@context").EnumerateArray().Skip(1)];
        return Array.Exists(others, context => context.ValueKind == JsonValueKind.String) || Array.Exists(others, context => Maps(context, "@vocab") || Maps(context, type.GetString()!));
    }

    private static bool Maps(JsonElement context, string term) =>
        context.TryGetProperty(term, out var meaning) && VcDocument.IsUrl(meaning.ValueKind == JsonValueKind.Object && meaning.TryGetProperty("@id", out var id) ? id : meaning);

    // JSON-LD 1.1, section 4.1.11: the base context protects its terms, and so may any other.
    private static bool RedefinesTerms(JsonElement contexts)
    {
        var meanings = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var context in contexts.EnumerateArray().Where(context => context.ValueKind == JsonValueKind.Object))
        {
            var terms = context.EnumerateObject().Where(member => !member.Name.StartsWith('@')).ToArray();
            if (terms.Any(term => BaseTerms.Contains(term.Name) || BaseTypes.Contains(term.Name) || (meanings.TryGetValue(term.Name, out var before) && !JsonElement.DeepEquals(before, term.Value))))
                return true;
            if (context.TryGetProperty("@protected", out var isProtected) && isProtected.ValueKind == JsonValueKind.True)
                Array.ForEach(terms, term => meanings[term.Name] = term.Value);
        }
        return false;
    }
}
