using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Cli.Checking;

/// <summary>What a credential shows without a proof of who holds it: whether it is genuine, in its time, for an audience, and not stopped as a status list has it.</summary>
/// <param name="Refusal">What is wrong with it; None when it holds.</param>
/// <param name="Form">Which of its two forms was read.</param>
/// <param name="Credential">The credential, once its signature was good.</param>
/// <param name="IsStatusKnown">Whether a status list was looked at.</param>
internal sealed record CredentialCheck(Refusal Refusal, string Form, PresentedCredential? Credential, bool IsStatusKnown)
{
    public bool IsGood => Refusal == Refusal.None;

    /// <summary>Reads either form and checks all but its status.</summary>
    public static CredentialCheck Of(string text, RegistryName registry, PublishedKeys keys, string? audience, DateTimeOffset now)
    {
        var isDocument = text.StartsWith('{');
        var refusal = isDocument
            ? PresentedCredential.ReadDocument(Encoding.UTF8.GetBytes(text), registry, keys.Find, now, out var credential)
            : PresentedCredential.Read(text, registry, keys.Find, out credential);
        if (refusal == Refusal.None)
            refusal = PresentedCredential.CheckTimes(credential!.Claims, now);
        if (refusal == Refusal.None && audience is not null)
            refusal = PresentedCredential.CheckAudience(credential!.Claims, audience);
        return new CredentialCheck(refusal, isDocument ? "embedded proof" : "vc+jwt", credential, IsStatusKnown: false);
    }

    /// <summary>The same check with a status list looked at, in either of its forms. What was refused already stays so.</summary>
    public CredentialCheck Under(string statusList, RegistryName registry, PublishedKeys keys, DateTimeOffset now)
    {
        if (!IsGood)
            return this;
        var place = StatusPlace.Of(Credential!.Claims.StatusIndex);
        var reader = new StatusListReader(registry, keys.Find);
        var refusal = reader.ReadTokenList(statusList, place.List, now, out var bits);
        if (refusal == Refusal.StatusListInvalid)
            refusal = reader.ReadBitstring(statusList, place.List, now, out bits);
        if (refusal == Refusal.None && bits![place.Place])
            refusal = Refusal.CredentialStopped;
        return this with { Refusal = refusal, IsStatusKnown = bits is not null };
    }

    public JsonObject ToJson(RegistryName registry) => new()
    {
        ["valid"] = IsGood,
        ["reason"] = Refusal.Name(),
        ["form"] = Form,
        ["status"] = IsStatusKnown ? IsGood ? "not stopped" : "stopped" : "not looked at",
        ["presented"] = Credential is null ? null : ToJson(Credential.Claims, registry),
    };

    public void Write(TextWriter text, RegistryName registry)
    {
        text.WriteLine(IsGood ? $"valid    until {Instants.FromSeconds(Credential!.Claims.ExpiresAt)}; who holds its key was not asked (--proof)" : $"refused  {Refusal.Name()}");
        text.WriteLine($"form     {Form}");
        text.WriteLine(IsStatusKnown ? $"status   {(IsGood ? "not stopped" : "stopped")}" : "status   not looked at (--status-list)");
        if (Credential is not { Claims: var claims })
            return;
        text.WriteLine($"agent    {registry.AgentDid(claims.AgentId)}, of sponsor '{claims.Sponsor}', as {claims.Blueprint}");
        for (var i = 0; i < claims.Chain.Count; i++)
            text.WriteLine($"for      {registry.AgentDid(claims.Chain[i])}{(i == claims.Chain.Count - 1 && claims.TopSponsor is { } sponsor ? $", of sponsor '{sponsor}'" : "")}");
    }

    private static JsonObject ToJson(Credentials.Issuing.CredentialClaims claims, RegistryName registry) => new()
    {
        ["did"] = registry.AgentDid(claims.AgentId),
        ["sponsor"] = claims.Sponsor,
        ["blueprint"] = claims.Blueprint,
        ["jti"] = claims.Jti.ToString(),
        ["audience"] = new JsonArray([.. claims.Audience.Select(one => JsonValue.Create(one))]),
        ["authorization_details"] = JsonNode.Parse(claims.Envelope.Canonical),
        ["top_sponsor"] = claims.TopSponsor,
        ["chain"] = new JsonArray([.. claims.Chain.Select(above => JsonValue.Create(registry.AgentDid(above)))]),
        ["expires_at"] = Instants.FromSeconds(claims.ExpiresAt),
        ["ledger_index"] = claims.LedgerIndex,
        ["jkt"] = claims.Jkt.ToString(),
    };
}
