using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;

namespace AgentIdentity.Server.VcApi;

/// <summary>Signs whatever credential it is asked for, with a key that is made at the start and known to nobody: a did:key, never a key of the registry, so that nothing it signs says anything about an agent.</summary>
internal sealed class VcIssuer(RegistryName registry, TimeProvider clock) : IDisposable
{
    // What would have to stand in the proof, or to be done in another way.
    private static readonly string[] OtherProofs = ["challenge", "created", "domain", "expires", "proofPurpose", "verificationMethod", "proofId"];

    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public string Did => Multikey.Did(_key.PublicKey);

    /// <summary>What the status list of this issuer is called and where it is served.</summary>
    public string StatusListUrl => registry.PublicUrl + VcApiEndpoints.StatusListPath;

    /// <summary>The credential under this issuer's name, with a place in its status list and a proof; or what is wrong with it.</summary>
    public (string? Secured, VcProblem? Problem) Issue(JsonElement credential, JsonElement? options)
    {
        if (CheckOptions(options) is { } refused)
            return (null, refused);
        if (credential.ValueKind != JsonValueKind.Object || credential.TryGetProperty("proof", out _))
            return (null, VcProblem.Parsing("What is to be issued is a JSON object without a proof."));
        var document = JsonObject.Create(credential)!;
        SetIssuer(document, credential);
        document["credentialStatus"] ??= StatusEntry();
        var element = JsonSerializer.SerializeToElement(document);
        if (VcDocument.Check(element) is { } problem)
            return (null, problem);
        return Secure(element) is { } secured ? (secured, null) : (null, VcProblem.Malformed("The credential holds a number that no reader could hold."));
    }

    /// <summary>The status list: nobody in it is ever stopped.</summary>
    public string StatusList()
    {
        var now = clock.GetUtcNow();
        var list = new JsonObject
        {
            ["@context"] = new JsonArray("https://www.w3.org/ns/credentials/v2"),
            ["id"] = StatusListUrl,
            ["type"] = new JsonArray("VerifiableCredential", "BitstringStatusListCredential"),
            ["issuer"] = Did,
            ["validFrom"] = Text(now),
            ["validUntil"] = Text(now + StatusListFormat.Life),
            ["credentialSubject"] = new JsonObject
            {
                ["id"] = StatusListUrl + "#list",
                ["type"] = "BitstringStatusList",
                ["statusPurpose"] = "suspension",
                ["encodedList"] = StatusListWriter.EncodedList(new StatusBitmap()),
            },
        };
        return Secure(JsonSerializer.SerializeToElement(list))!;
    }

    public void Dispose() => _key.Dispose();

    private static VcProblem? CheckOptions(JsonElement? options)
    {
        if (options is not { } asked)
            return null;
        if (asked.ValueKind != JsonValueKind.Object)
            return VcProblem.Parsing("options is a JSON object.");
        if (IsOther(asked, "type", "DataIntegrityProof") || IsOther(asked, "cryptosuite", "eddsa-jcs-2022"))
            return VcProblem.Generation("Proofs are of the type DataIntegrityProof and the cryptosuite eddsa-jcs-2022.");
        return OtherProofs.FirstOrDefault(name => asked.TryGetProperty(name, out _)) is { } other ? VcProblem.Generation($"The option {other} is not offered.") : null;
    }

    private static bool IsOther(JsonElement options, string name, string value) => options.TryGetProperty(name, out var asked) && !(asked.ValueKind == JsonValueKind.String && asked.ValueEquals(value));

    // Whoever asks learns under which name it signs; it signs under no other. What is no issuer at all is left for the check.
    private void SetIssuer(JsonObject document, JsonElement credential)
    {
        if (!credential.TryGetProperty("issuer", out var issuer) || VcDocument.IsUrl(issuer))
            document["issuer"] = Did;
        else if (issuer.ValueKind == JsonValueKind.Object && (!issuer.TryGetProperty("id", out var id) || VcDocument.IsUrl(id)))
            document["issuer"]!["id"] = Did;
    }

    private JsonObject StatusEntry()
    {
        var place = RandomNumberGenerator.GetInt32(StatusBitmap.Places).ToString(CultureInfo.InvariantCulture);
        return new JsonObject
        {
            ["id"] = $"{StatusListUrl}#{place}", ["type"] = "BitstringStatusListEntry", ["statusPurpose"] = "suspension", ["statusListIndex"] = place, ["statusListCredential"] = StatusListUrl,
        };
    }

    private string? Secure(JsonElement document) => IntegrityProof.Secure(document, _key, Multikey.Method(_key.PublicKey), Text(clock.GetUtcNow()));

    private static string Text(DateTimeOffset at) => NumericDate.ToRfc3339(at.ToUnixTimeSeconds());
}
