using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Dids;

/// <summary>What keeps a Data Integrity proof from being accepted.</summary>
public enum IntegrityRefusal
{
    /// <summary>Nothing: the proof is the key's, over this document.</summary>
    None,

    /// <summary>The proof or the document is not of the form: a member is missing, of another type, or not a date.</summary>
    Form,

    /// <summary>The cryptosuite is not eddsa-jcs-2022.</summary>
    Suite,

    /// <summary>The proof is for another purpose.</summary>
    Purpose,

    /// <summary>The proof's contexts are not the first ones of the document.</summary>
    Context,

    /// <summary>The proof has expired.</summary>
    Expired,

    /// <summary>The signature is not the key's over this document and this proof.</summary>
    Signature,
}

/// <summary>Data Integrity proofs of the cryptosuite <c>eddsa-jcs-2022</c>, over any JSON object. docs/formats.md, "Data Integrity proof".</summary>
public static class IntegrityProof
{
    /// <summary>The purpose of every proof that asserts something: a credential, a version of a DID.</summary>
    public const string AssertionMethod = "assertionMethod";

    private const string Suite = "eddsa-jcs-2022";
    private const int TextLengthMax = 2048;

    /// <summary>The proof of a document, as JCS. The document is JCS without a proof; its contexts, if any, are given as JCS and stand in the proof too; <paramref name="created"/> is RFC 3339.</summary>
    public static string Create(string document, PrivateKey key, string method, string purpose, string created, string? contexts = null)
    {
        if (key.Ed25519 is null)
            throw new ArgumentException($"{Suite} is signed with Ed25519.", nameof(key));
        var opening = contexts is null ? "{" : $"{{\"@context\":{contexts},";
        var first = $"{opening}\"created\":\"{created}\",\"cryptosuite\":\"{Suite}\",\"proofPurpose\":\"{purpose}\"";
        var rest = $",\"type\":\"DataIntegrityProof\",\"verificationMethod\":\"{method}\"}}";
        var signature = key.Sign(Signed(first + rest, document));
        return $"{first},\"proofValue\":\"z{Base58.Encode(signature)}\"{rest}";
    }

    /// <summary>A JSON object that has no proof yet, as JCS with one under its own contexts. Null when it is no object, or holds a number that no reader could hold.</summary>
    public static string? Secure(JsonElement document, PrivateKey key, string method, string created)
    {
        if (document.ValueKind != JsonValueKind.Object || !Jcs.TryCanonicalizeAny(document, out var canonical))
            return null;
        string? contexts = null;
        if (document.TryGetMember("@context"u8, out var named) && !Jcs.TryCanonicalizeAny(named, out contexts))
            return null;
        var secured = JsonNode.Parse(canonical)!;
        secured["proof"] = JsonNode.Parse(Create(canonical, key, method, AssertionMethod, created, contexts));
        return Jcs.TryCanonicalizeAny(JsonSerializer.SerializeToElement(secured), out var text) ? text : null;
    }

    /// <summary>Whether a proof is the key's over a document (whose member <c>proof</c>, if any, it does not cover), and for this purpose.</summary>
    /// <remarks>Whose key it must be is for the caller to say: it is not looked up where the proof points.</remarks>
    public static IntegrityRefusal Check(JsonElement document, JsonElement proof, PublicKey key, string purpose, DateTimeOffset now)
    {
        if (document.ValueKind != JsonValueKind.Object)
            return IntegrityRefusal.Form;
        if (!StartsWithContexts(document, proof))
            return IntegrityRefusal.Context;
        return Jcs.TryCanonicalizeAny(AsSigned(document, proof), out var canonical, without: "proof") ? CheckCanonical(canonical, proof, key, purpose, now) : IntegrityRefusal.Form;
    }

    /// <summary>As <see cref="Check"/>, over a canonical text without a proof.</summary>
    internal static IntegrityRefusal CheckCanonical(string document, JsonElement proof, PublicKey key, string purpose, DateTimeOffset now)
    {
        if (!proof.HasText("type"u8, "DataIntegrityProof") || !TryReadSignature(proof, out var signature))
            return IntegrityRefusal.Form;
        if (!proof.HasText("cryptosuite"u8, Suite) || key.Algorithm != KeyAlgorithm.Ed25519)
            return IntegrityRefusal.Suite;
        if (!proof.HasText("proofPurpose"u8, purpose))
            return IntegrityRefusal.Purpose;
        if (!IsDate(proof, "created"u8, out _) || !IsDate(proof, "expires"u8, out var expires) || !Jcs.TryCanonicalizeAny(proof, out var config, without: "proofValue"))
            return IntegrityRefusal.Form;
        if (expires <= now)
            return IntegrityRefusal.Expired;
        return key.Verifies(Signed(config, document), signature) ? IntegrityRefusal.None : IntegrityRefusal.Signature;
    }

    /// <summary>The key that a proof names itself, as a did:key; of any other method false.</summary>
    internal static bool TryReadKey(JsonElement proof, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        return proof.TryGetText("verificationMethod"u8, TextLengthMax, out var method) && Multikey.TryParseMethod(method, out key);
    }

    private static byte[] Signed(string config, string document) => [.. HashOf(config), .. HashOf(document)];

    private static byte[] HashOf(string text) => Sha256.Hash(Encoding.UTF8.GetBytes(text)).ToArray();

    private static bool TryReadSignature(JsonElement proof, out byte[] signature)
    {
        signature = [];
        return proof.TryGetText("proofValue"u8, TextLengthMax, out var text) && text[0] == 'z' && Base58.TryDecode(text.AsSpan(1), out signature!) && signature.Length == PublicKey.SignatureSize;
    }

    private static bool IsDate(JsonElement proof, ReadOnlySpan<byte> name, out DateTimeOffset at)
    {
        at = DateTimeOffset.MaxValue;
        return proof.TryGetOptionalText(name, TextLengthMax, out var text) && (text is null || Rfc3339.TryParse(text, out at));
    }

    private static bool StartsWithContexts(JsonElement document, JsonElement proof)
    {
        if (!proof.TryGetMember("@context"u8, out var named))
            return true;
        var (ours, theirs) = (Items(named), document.TryGetMember("@context"u8, out var all) ? Items(all) : []);
        return ours.Length <= theirs.Length && ours.Zip(theirs).All(pair => JsonElement.DeepEquals(pair.First, pair.Second));
    }

    // Contexts behind those of the proof are not signed (step 4.2): who relies on what they define asks for the contexts that he knows.
    private static JsonElement AsSigned(JsonElement document, JsonElement proof)
    {
        if (!proof.TryGetMember("@context"u8, out var contexts) || JsonElement.DeepEquals(contexts, document.GetProperty("@context"u8)))
            return document;
        var signed = JsonObject.Create(document)!;
        signed["@context"] = contexts.ValueKind == JsonValueKind.Array ? JsonArray.Create(contexts) : JsonValue.Create(contexts);
        return JsonSerializer.SerializeToElement(signed);
    }

    private static JsonElement[] Items(JsonElement contexts) => contexts.ValueKind == JsonValueKind.Array ? [.. contexts.EnumerateArray()] : [contexts];
}
