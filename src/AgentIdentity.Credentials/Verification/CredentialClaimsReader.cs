using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Status;

namespace AgentIdentity.Credentials.Verification;

/// <summary>Reads the claims of a credential whose signature has been verified. Members that it does not know are of a later version, and say nothing here.</summary>
internal static class CredentialClaimsReader
{
    public static bool TryRead(JsonElement payload, RegistryName registry, [NotNullWhen(true)] out CredentialClaims? claims)
    {
        claims = null;
        if (!SaysWhatItIs(payload) || !NamesRegistry(payload, registry)
            || !TryReadJti(payload, out var jti)
            || !TryReadAgent(payload, registry, out var agent, out var blueprint, out var labels, out var stated, out var attested)
            || !TryReadTimes(payload, out var issuedAt, out var notBefore, out var expiresAt)
            || !TryReadAudience(payload, out var audience)
            || !TryReadConfirmation(payload, out var jkt)
            || !TryReadAuthority(payload, registry, out var envelope, out var act, out var chain)
            || !payload.TryGetText("sponsor"u8, int.MaxValue, out var sponsor)
            || !payload.TryGetInteger("ledger_index"u8, Jcs.IntegerMax, out var ledgerIndex)
            || !payload.TryGetInteger("ledger_position"u8, uint.MaxValue, out var ledgerPosition)
            || !TryReadStatus(payload, registry, out var status))
            return false;
        claims = new CredentialClaims(
            jti, agent, jkt, sponsor, blueprint, labels, audience, envelope, act, issuedAt, notBefore, expiresAt, (ulong)ledgerIndex, (uint)ledgerPosition, status.Index) { Chain = chain, StatedLabels = stated, AttestedLabels = attested };
        return true;
    }

    private static bool SaysWhatItIs(JsonElement payload) =>
        payload.HasTexts("@context"u8, CredentialFormat.BaseContext, CredentialFormat.OwnContext)
        && payload.HasTexts("type"u8, CredentialFormat.BaseCredentialType, CredentialFormat.OwnCredentialType);

    private static bool NamesRegistry(JsonElement payload, RegistryName registry) =>
        payload.HasText("iss"u8, registry.Did) && payload.HasText("issuer"u8, registry.Did);

    private static bool TryReadJti(JsonElement payload, out SubjectId jti)
    {
        jti = default;
        return payload.TryGetText("jti"u8, int.MaxValue, out var text)
            && SubjectId.TryParse(text, out jti) && jti.IsVersion7
            && payload.HasText("id"u8, CredentialFormat.UuidUrn + text);
    }

    private static bool TryReadAgent(
        JsonElement payload, RegistryName registry, out SubjectId agent, out string blueprint,
        out IReadOnlyList<KeyValuePair<string, string>> labels, out IReadOnlyList<KeyValuePair<string, string>> stated, out IReadOnlyList<KeyValuePair<string, string>> attested)
    {
        (agent, blueprint, labels, stated, attested) = (default, "", [], [], []);
        return payload.TryGetText("sub"u8, int.MaxValue, out var did) && registry.TryParseAgentDid(did, out agent)
            && payload.TryGetMember("credentialSubject"u8, out var subject) && subject.HasText("id"u8, did)
            && subject.TryGetText("blueprint"u8, int.MaxValue, out blueprint)
            && LabelsObject.TryRead(subject, "labels"u8, out labels) && LabelsObject.TryRead(subject, "statedLabels"u8, out stated)
            && LabelsObject.TryRead(subject, "attestedLabels"u8, out attested);
    }

    private static bool TryReadTimes(JsonElement payload, out long issuedAt, out long notBefore, out long expiresAt)
    {
        (notBefore, expiresAt) = (0, 0);
        return payload.TryGetInteger("iat"u8, NumericDate.Max, out issuedAt)
            && payload.TryGetInteger("nbf"u8, NumericDate.Max, out notBefore)
            && payload.TryGetInteger("exp"u8, NumericDate.Max, out expiresAt)
            && payload.HasText("validFrom"u8, NumericDate.ToRfc3339(notBefore))
            && payload.HasText("validUntil"u8, NumericDate.ToRfc3339(expiresAt));
    }

    private static bool TryReadAudience(JsonElement payload, out string[] audience)
    {
        audience = [];
        if (!payload.TryGetMember("aud"u8, out var member) || member.ValueKind != JsonValueKind.Array || member.GetArrayLength() > Audiences.CountMax)
            return false;
        var read = new string[member.GetArrayLength()];
        var next = 0;
        foreach (var item in member.EnumerateArray())
            read[next++] = item.ValueKind == JsonValueKind.String ? item.GetString()! : "";
        audience = read;
        return Audiences.AreValid(read);
    }

    private static bool TryReadConfirmation(JsonElement payload, out KeyId jkt)
    {
        jkt = default;
        // Another way of binding beside the key would be one that we do not check.
        return payload.TryGetMember("cnf"u8, out var confirmation) && confirmation.TryGetText("jkt"u8, KeyId.TextLength, out var text)
            && confirmation.GetPropertyCount() == 1 && KeyId.TryParse(text, out jkt);
    }

    private static bool TryReadAuthority(
        JsonElement payload, RegistryName registry, [NotNullWhen(true)] out Envelope? envelope, out string? act, out IReadOnlyList<SubjectId> chain)
    {
        (envelope, act, chain) = (null, null, []);
        return payload.TryGetMember("authorization_details"u8, out var details) && Envelope.TryRead(details, out envelope)
            && (!payload.TryGetMember("act"u8, out var member) || (ChainOfCommand.TryRead(member, registry, out chain) && Jcs.TryCanonicalize(member, out act)));
    }

    // Readers of either form of list must come to the same bit.
    private static bool TryReadStatus(JsonElement payload, RegistryName registry, out StatusPlace place)
    {
        place = default;
        return payload.TryGetMember("status"u8, out var status) && status.TryGetMember("status_list"u8, out var list)
            && list.TryGetInteger("idx"u8, StatusBitmap.Places - 1, out var index) && list.TryGetText("uri"u8, int.MaxValue, out var uri)
            && StatusPlace.TryRead(uri, index, registry, out place)
            && payload.TryGetMember("credentialStatus"u8, out var entry) && IsEntryOf(entry, place, place.BitstringUri(registry));
    }

    private static bool IsEntryOf(JsonElement entry, StatusPlace place, string list) =>
        entry.HasText("id"u8, $"{list}#{place.Place}") && entry.HasText("statusListCredential"u8, list) && entry.HasText("statusListIndex"u8, $"{place.Place}")
        && entry.HasText("statusPurpose"u8, StatusListFormat.Purpose) && entry.HasText("type"u8, StatusListFormat.BitstringEntryType);
}
