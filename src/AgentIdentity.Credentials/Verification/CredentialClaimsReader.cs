using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Verification;

/// <summary>Reads the claims of a credential whose signature has been verified, in the order in which they stand. Members that it does not know are of a later version, and say nothing here.</summary>
internal static class CredentialClaimsReader
{
    public static bool TryRead(ReadOnlySpan<byte> payload, RegistryName registry, [NotNullWhen(true)] out CredentialClaims? claims)
    {
        claims = null;
        try
        {
            return Utf8.IsValid(payload) && TryReadInOrder(payload, registry, out claims);
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryReadInOrder(ReadOnlySpan<byte> payload, RegistryName registry, [NotNullWhen(true)] out CredentialClaims? claims)
    {
        claims = null;
        var json = new OrderedObject(payload);
        if (!json.HasTexts("@context"u8, CredentialFormat.BaseContext, CredentialFormat.OwnContext)
            || !TryReadChain(ref json, registry, out var act, out var chain, out var topSponsor)
            || !json.TryGetTexts("aud"u8, Audiences.CountMax, out var audience) || !Audiences.AreValid(audience)
            || !json.TryGetRaw("authorization_details"u8, out var details) || !Envelope.TryParse(details, out var envelope)
            || !TryReadConfirmation(ref json, out var jkt, out var certificate)
            || !TryReadStatusEntry(ref json, out var entry)
            || !TryReadSubject(ref json, registry, out var subject)
            || !json.TryGetInteger("exp"u8, NumericDate.Max, out var expiresAt)
            || !json.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt)
            || !json.TryGetText("id"u8, out var id) || !TryReadJti(id, out var jti)
            || !json.HasText("iss"u8, registry.Did)
            || !json.HasText("issuer"u8, registry.Did)
            || !json.HasText("jti"u8, id.AsSpan(CredentialFormat.UuidUrn.Length))
            || !json.TryGetInteger("ledger_index"u8, Jcs.IntegerMax, out var ledgerIndex)
            || !json.TryGetInteger("ledger_position"u8, uint.MaxValue, out var ledgerPosition)
            || !json.TryGetInteger("nbf"u8, NumericDate.Max, out var notBefore)
            || !json.TryGetText("sponsor"u8, out var sponsor)
            || !TryReadStatus(ref json, registry, out var place) || !place.IsNamedBy(entry.Id, entry.List, entry.Index, registry)
            || !json.HasText("sub"u8, subject.Did)
            || !json.HasTexts("type"u8, CredentialFormat.BaseCredentialType, CredentialFormat.OwnCredentialType)
            || !json.TryGetPlain("validFrom"u8, out var from) || !NumericDate.IsRfc3339(from, notBefore)
            || !json.TryGetPlain("validUntil"u8, out var until) || !NumericDate.IsRfc3339(until, expiresAt)
            || !json.IsWhole())
            return false;
        claims = new CredentialClaims(
            jti, subject.Agent, jkt, sponsor, subject.Blueprint, subject.Labels, audience, envelope, act, issuedAt, notBefore, expiresAt, (ulong)ledgerIndex, (uint)ledgerPosition, place.Index) { Chain = chain, TopSponsor = topSponsor, StatedLabels = subject.StatedLabels, AttestedLabels = subject.AttestedLabels, Certificate = certificate };
        return true;
    }

    private static bool TryReadChain(ref OrderedObject json, RegistryName registry, out string? act, out IReadOnlyList<SubjectId> chain, out string? topSponsor)
    {
        (act, chain, topSponsor) = (null, [], null);
        if (!json.TryGetRaw("act"u8, out var raw))
            return true;
        if (!StrictJson.TryParse(raw.ToArray(), out var document))
            return false;
        using (document)
            return ChainOfCommand.TryRead(document.RootElement, registry, out chain, out topSponsor) && Jcs.TryCanonicalize(document.RootElement, out act);
    }

    private static bool TryReadConfirmation(ref OrderedObject json, out KeyId jkt, out Hash? certificate)
    {
        (jkt, certificate) = (default, null);
        if (!json.TryEnter("cnf"u8) || !json.IsNext("jkt"u8) || !json.TryGetText("jkt"u8, out var key) || !KeyId.TryParse(key, out jkt))
            return false;
        if (json.IsNext("x5t#S256"u8))
        {
            if (!json.TryGetText("x5t#S256"u8, out var text) || !HashText.TryParse(text, out var hash))
                return false;
            certificate = hash;
        }
        // Another way of binding would be one that we do not check.
        return json.IsAtEnd && json.Leave("cnf"u8);
    }

    private static bool TryReadStatusEntry(ref OrderedObject json, out StatusEntry entry)
    {
        entry = default;
        if (!json.TryEnter("credentialStatus"u8)
            || !json.TryGetPlain("id"u8, out var id)
            || !json.TryGetPlain("statusListCredential"u8, out var list)
            || !json.TryGetPlain("statusListIndex"u8, out var index)
            || !json.HasText("statusPurpose"u8, StatusListFormat.Purpose)
            || !json.HasText("type"u8, StatusListFormat.BitstringEntryType))
            return false;
        entry = new StatusEntry(id, list, index);
        return json.Leave("credentialStatus"u8);
    }

    private static bool TryReadSubject(ref OrderedObject json, RegistryName registry, [NotNullWhen(true)] out Subject? subject)
    {
        subject = null;
        if (!json.TryEnter("credentialSubject"u8)
            || !TryReadLabels(ref json, "attestedLabels"u8, out var attested)
            || !json.TryGetText("blueprint"u8, out var blueprint)
            || !json.TryGetText("id"u8, out var did) || !registry.TryParseAgentDid(did, out var agent)
            || !TryReadLabels(ref json, "labels"u8, out var labels)
            || !TryReadLabels(ref json, "statedLabels"u8, out var stated))
            return false;
        subject = new Subject(did, agent, blueprint, labels, stated, attested);
        return json.Leave("credentialSubject"u8);
    }

    private static bool TryReadLabels(ref OrderedObject json, ReadOnlySpan<byte> name, out IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        labels = [];
        return !json.TryGetRaw(name, out var raw) || LabelsObject.TryRead(raw, out labels);
    }

    private static bool TryReadJti(string id, out SubjectId jti)
    {
        jti = default;
        return id.StartsWith(CredentialFormat.UuidUrn, StringComparison.Ordinal) && SubjectId.TryParse(id.AsSpan(CredentialFormat.UuidUrn.Length), out jti) && jti.IsVersion7;
    }

    private static bool TryReadStatus(ref OrderedObject json, RegistryName registry, out StatusPlace place)
    {
        place = default;
        return json.TryEnter("status"u8) && json.TryEnter("status_list"u8)
            && json.TryGetInteger("idx"u8, StatusBitmap.Places - 1, out var index) && json.TryGetPlain("uri"u8, out var uri)
            && StatusPlace.TryRead(uri, index, registry, out place)
            && json.Leave("status_list"u8) && json.Leave("status"u8);
    }

    private sealed record Subject(string Did, SubjectId Agent, string Blueprint, IReadOnlyList<KeyValuePair<string, string>> Labels, IReadOnlyList<KeyValuePair<string, string>> StatedLabels,
        IReadOnlyList<KeyValuePair<string, string>> AttestedLabels);

    private readonly ref struct StatusEntry(ReadOnlySpan<byte> id, ReadOnlySpan<byte> list, ReadOnlySpan<byte> index)
    {
        public ReadOnlySpan<byte> Id { get; } = id;

        public ReadOnlySpan<byte> List { get; } = list;

        public ReadOnlySpan<byte> Index { get; } = index;
    }
}
