using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>Evidence that an enrolment token takes.</summary>
public abstract record EvidenceRule
{
    private protected EvidenceRule()
    {
    }
}

/// <summary>A token of this issuer whose claims all have these values.</summary>
public sealed record OidcRule(string Issuer, IReadOnlyList<KeyValuePair<string, string>> Claims) : EvidenceRule
{
    /// <summary>Whether the token is of the issuer, and says what the rule demands.</summary>
    public bool Allows(WorkloadToken token) =>
        token.Issuer == Issuer && Claims.All(claim => token.TryGetClaim(claim.Key, out var value) && ValuePattern.Covers(claim.Value, value));
}

/// <summary>An SVID of this SPIFFE ID, X.509 or JWT.</summary>
public sealed record SpiffeRule(string Id) : EvidenceRule
{
    /// <summary>Whether the rule takes the workload.</summary>
    public bool Allows(SpiffeId id) => ValuePattern.Covers(Id, id.ToString());
}

/// <summary>Another agent that has the right to vouch for agents of the token's blueprint, and the same sponsor.</summary>
public sealed record VouchRule : EvidenceRule;

/// <summary>What evidence an enrolment token takes: one of its rules must be met. docs/formats.md, "Evidence".</summary>
/// <param name="Canonical">The JCS form.</param>
/// <param name="Rules">At least one.</param>
public sealed record EvidencePolicy(string Canonical, IReadOnlyList<EvidenceRule> Rules)
{
    private const int RulesMax = 8;
    private const int ClaimsMax = 16;
    private const int TextMax = 512;

    /// <summary>Reads the JSON form; false for anything else, an unknown member included: what is not understood would not be demanded.</summary>
    public static bool TryParse(string json, [NotNullWhen(true)] out EvidencePolicy? policy)
    {
        policy = null;
        var utf8 = Encoding.UTF8.GetBytes(json);
        if (!StrictJson.TryParse(utf8, out var document))
            return false;
        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() is 0 or > RulesMax)
                return false;
            var rules = root.EnumerateArray().Select(ReadRule).ToArray();
            if (Array.TrueForAll(rules, rule => rule is not null) && Jcs.TryCanonicalize(utf8, out var canonical))
                policy = new EvidencePolicy(canonical, rules!);
            return policy is not null;
        }
    }

    private static EvidenceRule? ReadRule(JsonElement rule)
    {
        if (!rule.TryGetText("type"u8, TextMax, out var type))
            return null;
        return (type, rule.GetPropertyCount()) switch
        {
            ("oidc", 3) => rule.TryGetText("issuer"u8, TextMax, out var issuer) && TryReadClaims(rule, out var claims) ? new OidcRule(issuer, claims) : null,
            ("spiffe", 2) => rule.TryGetText("id"u8, TextMax, out var id) && ValuePattern.IsValid(id) && SpiffeId.IsPatternOfOneDomain(id) ? new SpiffeRule(id) : null,
            ("vouch", 1) => new VouchRule(),
            _ => null,
        };
    }

    // At least one: an issuer alone may speak for the whole world.
    private static bool TryReadClaims(JsonElement rule, out KeyValuePair<string, string>[] claims)
    {
        claims = [];
        if (!rule.TryGetMember("claims"u8, out var member) || member.ValueKind != JsonValueKind.Object || member.GetPropertyCount() is 0 or > ClaimsMax)
            return false;
        claims = [.. member.EnumerateObject().Select(claim => KeyValuePair.Create(claim.Name, claim.Value.ValueKind == JsonValueKind.String ? claim.Value.GetString()! : ""))];
        return Array.TrueForAll(claims, claim => claim.Key.Length is > 0 and <= TextMax && claim.Value.Length <= TextMax && ValuePattern.IsValid(claim.Value));
    }
}
