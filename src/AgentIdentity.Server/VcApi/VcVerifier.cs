using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.VcApi;

/// <summary>Verifies credentials: those of this registry in either form, and those that the owner of a did:key has issued with an embedded proof.</summary>
internal sealed class VcVerifier(RegistryNode registry, TimeProvider clock)
{
    private const string Enveloped = "EnvelopedVerifiableCredential";
    private const string TokenPrefix = "data:application/vc+jwt,";

    // What a caller may want a proof to be bound to.
    private static readonly string[] Bindings = ["domain", "challenge"];

    /// <summary>What is wrong with a credential; null when it holds.</summary>
    public VcProblem? Verify(JsonElement credential, JsonElement? options)
    {
        if (credential.ValueKind != JsonValueKind.Object)
            return VcProblem.Parsing("A credential is a JSON object.");
        if (options is { ValueKind: not JsonValueKind.Object })
            return VcProblem.Parsing("options is a JSON object.");
        if (credential.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals(Enveloped))
            return VerifyEnveloped(credential);
        if (!credential.TryGetProperty("proof", out var proof) || proof.ValueKind != JsonValueKind.Object)
            return VcProblem.Parsing("A credential has one proof.");
        if (VcDocument.Check(credential) is { } malformed)
            return malformed;
        if (options is { } asked && Bindings.Any(name => asked.TryGetProperty(name, out var wanted) && !(proof.TryGetProperty(name, out var bound) && JsonElement.DeepEquals(wanted, bound))))
            return VcProblem.Verification("The proof is not bound to the domain and the challenge of the request.");
        return VcDocument.IssuerOf(credential) == registry.Settings.Name.Did ? VerifyOwn(credential) : VerifyOthers(credential, proof);
    }

    private VcProblem? VerifyEnveloped(JsonElement credential)
    {
        var token = credential.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String && id.GetString()!.StartsWith(TokenPrefix, StringComparison.Ordinal) ? id.GetString()![TokenPrefix.Length..] : null;
        var refusal = PresentedCredential.Read(token, registry.Settings.Name, registry.State.IssuerKeys.Find, out var read);
        return refusal == Refusal.None ? CheckInForce(read!, registry.Verification.CheckLogged(read!, clock.GetUtcNow())) : VcProblem.Verification($"The token is no credential of this registry: {refusal.Name()}.");
    }

    private VcProblem? VerifyOwn(JsonElement credential)
    {
        var refusal = PresentedCredential.ReadDocument(Encoding.UTF8.GetBytes(credential.GetRawText()), registry.Settings.Name, registry.State.IntegrityKeys.Find, clock.GetUtcNow(), out var read);
        return refusal == Refusal.None ? CheckInForce(read!, registry.Verification.CheckDocumentLogged(read!, clock.GetUtcNow())) : VcProblem.Verification($"The document is no credential of this registry: {refusal.Name()}.");
    }

    private VcProblem? VerifyOthers(JsonElement credential, JsonElement proof)
    {
        var issuer = VcDocument.IssuerOf(credential);
        if (!proof.TryGetProperty("verificationMethod", out var named) || named.ValueKind != JsonValueKind.String || !Multikey.TryParseMethod(named.GetString()!, out var key) || Multikey.Did(key) != issuer)
            return VcProblem.Verification("The proof names no key of the issuer; the issuer is a did:key, or this registry.");
        var now = clock.GetUtcNow();
        var refusal = IntegrityProof.Check(credential, proof, key, IntegrityProof.AssertionMethod, now);
        if (refusal != IntegrityRefusal.None)
            return VcProblem.Verification($"The proof does not hold: {refusal}.");
        return VcDocument.TimeOf(credential, "validFrom") > now || VcDocument.TimeOf(credential, "validUntil") <= now ? VcProblem.Range("The credential is not valid at this time.") : null;
    }

    private VcProblem? CheckInForce(PresentedCredential read, Refusal logged)
    {
        if (logged is Refusal.CredentialExpired or Refusal.CredentialNotYetValid)
            return VcProblem.Range($"The credential is not valid at this time: {logged.Name()}.");
        if (logged != Refusal.None)
            return VcProblem.Verification($"The credential is signed by a key of this registry, and its ledger does not hold it: {logged.Name()}.");
        var now = clock.GetUtcNow();
        var place = StatusPlace.Of(read.Claims.StatusIndex);
        var reader = new StatusListReader(registry.Settings.Name, registry.State.IssuerKeys.Find);
        if (registry.StatusLists.Find(place.List) is not { } list || reader.ReadTokenList(Encoding.ASCII.GetString(list.Token), place.List, now, out var bits) != Refusal.None)
            return VcProblem.Status("There is no status list for the credential now.");
        return bits![place.Place] ? VcProblem.Status("The credential is stopped.") : null;
    }
}
