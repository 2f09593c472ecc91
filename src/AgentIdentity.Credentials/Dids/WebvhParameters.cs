using System.Text.Json;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Dids;

/// <summary>Who approves the versions of a DID beside its controller.</summary>
public sealed record WebvhWitnesses(int Threshold, IReadOnlyList<string> Dids);

/// <summary>What is in force after a version of a DID.</summary>
public sealed record WebvhParameters
{
    /// <summary>The one version of the method that is read and written here.</summary>
    public const string Method = "did:webvh:1.0";

    // Keys, hashes, witnesses and watchers that one version may name; each is looked through for each proof.
    private const int ListLengthMax = 64;
    private const int TextLengthMax = 2048;
    private const long TtlMax = 1L << 31;

    /// <summary>The hash of the first line, which stands in the DID for ever.</summary>
    public string Scid { get; init; } = "";

    /// <summary>The multikeys that sign the next version, unless this one commits to others.</summary>
    public IReadOnlyList<string> UpdateKeys { get; init; } = [];

    /// <summary>Hashes of the keys that sign the next version. Not empty: pre-rotation is active.</summary>
    public IReadOnlyList<string> NextKeyHashes { get; init; } = [];

    /// <summary>The witnesses, or null when there are none.</summary>
    public WebvhWitnesses? Witnesses { get; init; }

    /// <summary>Addresses of those who keep copies.</summary>
    public IReadOnlyList<string> Watchers { get; init; } = [];

    /// <summary>Whether the DID may move to another place.</summary>
    public bool Portable { get; init; }

    /// <summary>Whether the DID has ended.</summary>
    public bool Deactivated { get; init; }

    /// <summary>Seconds for which a resolver may remember what it read.</summary>
    public long Ttl { get; init; } = 3600;

    /// <summary>The parameters after a line. Step 4 of docs/formats.md, "Resolving a DID log".</summary>
    internal static WebvhRefusal Apply(WebvhParameters? before, JsonElement changes, out WebvhParameters after)
    {
        after = before ?? new WebvhParameters();
        foreach (var member in changes.EnumerateObject())
        {
            var refusal = Set(ref after, member, isFirst: before is null);
            if (refusal != WebvhRefusal.None)
                return refusal;
        }
        return before is null ? CheckFirst(changes) : CheckPreRotation(before, after, changes);
    }

    private static WebvhRefusal Set(ref WebvhParameters after, JsonProperty member, bool isFirst)
    {
        var value = member.Value;
        var texts = Texts(value);
        switch (member.Name)
        {
            case "method":
                return value.ValueKind == JsonValueKind.String && value.ValueEquals(Method) ? WebvhRefusal.None : WebvhRefusal.Method;
            case "scid":
                after = after with { Scid = value.ValueKind == JsonValueKind.String ? value.GetString()! : "" };
                return !isFirst ? WebvhRefusal.ScidRepeated : FormUnless(Multihash.IsOne(after.Scid));
            case "updateKeys":
                after = after with { UpdateKeys = texts ?? [] };
                return FormUnless(texts is not null);
            case "nextKeyHashes":
                after = after with { NextKeyHashes = texts ?? [] };
                return FormUnless(texts is not null);
            case "watchers":
                after = after with { Watchers = texts ?? [] };
                return FormUnless(texts is not null);
            case "witness":
                return SetWitnesses(ref after, value);
            case "portable":
                after = after with { Portable = value.ValueKind == JsonValueKind.True };
                return after.Portable && !isFirst ? WebvhRefusal.PortableLate : FormUnless(IsBoolean(value));
            case "deactivated":
                after = after with { Deactivated = value.ValueKind == JsonValueKind.True };
                return FormUnless(IsBoolean(value));
            case "ttl":
                var isTtl = value.TryGetInteger(TtlMax, out var ttl);
                after = after with { Ttl = ttl };
                return FormUnless(isTtl);
            default:
                return WebvhRefusal.ParameterUnknown;
        }
    }

    private static WebvhRefusal CheckFirst(JsonElement changes)
    {
        if (!changes.TryGetProperty("method"u8, out _))
            return WebvhRefusal.Method;
        if (!changes.TryGetProperty("scid"u8, out _))
            return WebvhRefusal.ParameterForm;
        return changes.TryGetProperty("updateKeys"u8, out _) ? WebvhRefusal.None : WebvhRefusal.UpdateKeysMissing;
    }

    // Nothing is inherited: a line that named no keys would pass by what the line before has committed to.
    private static WebvhRefusal CheckPreRotation(WebvhParameters before, WebvhParameters after, JsonElement changes)
    {
        if (before.NextKeyHashes.Count == 0)
            return WebvhRefusal.None;
        if (!changes.TryGetProperty("updateKeys"u8, out _))
            return WebvhRefusal.UpdateKeysMissing;
        if (!changes.TryGetProperty("nextKeyHashes"u8, out _))
            return WebvhRefusal.NextKeyHashesMissing;
        return after.UpdateKeys.All(key => before.NextKeyHashes.Contains(Multikey.NextKeyHash(key))) ? WebvhRefusal.None : WebvhRefusal.KeyNotCommitted;
    }

    private static WebvhRefusal SetWitnesses(ref WebvhParameters after, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return WebvhRefusal.WitnessForm;
        if (!value.EnumerateObject().Any())
        {
            after = after with { Witnesses = null };
            return WebvhRefusal.None;
        }
        if (!value.TryGetMember("witnesses"u8, out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > ListLengthMax)
            return WebvhRefusal.WitnessForm;
        string[] dids = [.. list.EnumerateArray().Select(one => one.TryGetText("id"u8, TextLengthMax, out var did) && IsWitness(did) ? did : "")];
        if (dids.Contains("") || dids.Distinct(StringComparer.Ordinal).Count() < dids.Length || !value.TryGetInteger("threshold"u8, dids.Length, out var threshold) || threshold < 1)
            return WebvhRefusal.WitnessForm;
        after = after with { Witnesses = new WebvhWitnesses((int)threshold, dids) };
        return WebvhRefusal.None;
    }

    private static bool IsWitness(string did) => Multikey.TryParseDid(did, out var key) && key.Algorithm == Keys.KeyAlgorithm.Ed25519;

    private static bool IsBoolean(JsonElement value) => value.ValueKind is JsonValueKind.True or JsonValueKind.False;

    private static WebvhRefusal FormUnless(bool isRight) => isRight ? WebvhRefusal.None : WebvhRefusal.ParameterForm;

    private static string[]? Texts(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > ListLengthMax)
            return null;
        string[] texts = [.. value.EnumerateArray().Select(one => one.ValueKind == JsonValueKind.String ? one.GetString()! : "")];
        return Array.TrueForAll(texts, text => text.Length is > 0 and <= TextLengthMax) ? texts : null;
    }
}
