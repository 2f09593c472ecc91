using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Authenticating;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Attesting;

/// <summary>What a piece of evidence came to.</summary>
/// <param name="Source">What kind it is.</param>
/// <param name="Issuer">Who says so.</param>
/// <param name="Subject">Of whom.</param>
/// <param name="Hash">By which it is known again.</param>
/// <param name="ExpiresAt">Seconds since 1970.</param>
/// <param name="Labels">What it says, ascending by name.</param>
public sealed record Finding(EvidenceSource Source, string Issuer, string Subject, Hash Hash, long ExpiresAt, IReadOnlyList<KeyValuePair<string, string>> Labels)
{
    /// <summary>The agent that vouches, if one does. Whether it may is for the writer to say.</summary>
    public SubjectId? Voucher { get; init; }

    /// <summary>The key that it has signed with.</summary>
    public KeyId VoucherKey { get; init; }

    /// <summary>Whether an agent whose evidence said this brings the same of another day. A vouch is for the agent's key, which may be another by then; that it is the agent's, the proof shows.</summary>
    public bool SaysTheSame(AcceptedEvidence before, IReadOnlyList<KeyValuePair<string, string>> labels) =>
        (Source, Issuer) == (before.Source, before.Issuer) && (Source == EvidenceSource.Vouch || Subject == before.Subject) && Labels.SequenceEqual(labels);
}

/// <summary>Checks evidence, on the caller's thread. docs/formats.md, "Evidence".</summary>
public sealed class Attesting(RegistrySettings settings, RegistryState state, TimeProvider clock)
{
    private const int ValueMax = 256;

    /// <summary>What the evidence says, when it is genuine, meant for this registry, and what the token takes.</summary>
    /// <param name="evidence">As it was sent.</param>
    /// <param name="policy">What the token takes.</param>
    /// <param name="tokenHash">The token.</param>
    /// <param name="proof">The proof of the key that enrols.</param>
    public Outcome<Finding> Check(string evidence, EvidencePolicy policy, Hash tokenHash, EnrolmentProof proof)
    {
        var found = AgentVouch.IsOne(evidence) ? CheckVouch(evidence, policy, tokenHash, proof)
            : SvidProof.IsOne(evidence) ? CheckSvid(evidence, policy, proof)
            : CheckToken(evidence, policy);
        if (found.IsRefused)
            return found;
        if (proof.EvidenceHash != found.Value.Hash)
            return Refused.Because(Refusal.EvidenceUnbound, "The enrolment proof does not name this evidence in evidence_hash.");
        return found.Value.Labels.All(label => Operating.Operating.IsText(label.Value, ValueMax))
            ? found
            : Refused.Because(Refusal.EvidenceMalformed, $"What evidence says of an agent is at most {ValueMax} printable characters long.");
    }

    private Outcome<Finding> CheckToken(string evidence, EvidencePolicy policy)
    {
        if (!WorkloadToken.TryRead(evidence, out var token))
            return Refused.Because(Refusal.EvidenceMalformed, "The evidence is no signed token of a form that is taken here: docs/formats.md, \"Evidence\".");
        using (token)
        {
            return SpiffeId.TryParse(token.Subject, out var id)
                ? CheckJwtSvid(token, evidence, id, policy)
                : CheckOidc(token, evidence, policy);
        }
    }

    private Outcome<Finding> CheckOidc(WorkloadToken token, string text, EvidencePolicy policy)
    {
        if (settings.EvidenceTrust().Issuer(token.Issuer) is not { } issuer)
            return UnknownIssuer(token.Issuer);
        if (CheckSigned(token, text, issuer.Keys) is { } refused)
            return refused;
        if (!policy.Rules.OfType<OidcRule>().Any(rule => rule.Allows(token)))
            return NotAllowed();
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (label, claim) in issuer.Labels)
        {
            if (token.TryGetClaim(claim, out var value))
                labels[label] = value;
        }
        // Last: whatever the setting takes from claims, these two are what they are.
        (labels["oidc.iss"], labels["oidc.sub"]) = (issuer.Name, token.Subject);
        return new Finding(EvidenceSource.Oidc, issuer.Name, token.Subject, token.Hash, token.ExpiresAt, [.. labels]);
    }

    private Outcome<Finding> CheckJwtSvid(WorkloadToken token, string text, SpiffeId id, EvidencePolicy policy)
    {
        if (settings.EvidenceTrust().Bundle(id) is not { } bundle)
            return UnknownIssuer(id.TrustDomain);
        if (CheckSigned(token, text, bundle.JwtKeys) is { } refused)
            return refused;
        return policy.Rules.OfType<SpiffeRule>().Any(rule => rule.Allows(id))
            ? OfWorkload(EvidenceSource.JwtSvid, id, token.Hash, token.ExpiresAt)
            : NotAllowed();
    }

    private Refused? CheckSigned(WorkloadToken token, string text, VerificationKeys keys)
    {
        if (!keys.HaveSigned(token, text))
            return Refused.Because(Refusal.EvidenceSignatureInvalid, "No key of the issuer has signed the evidence as it is.");
        var refusal = token.RefusalAt(clock.GetUtcNow(), settings.Name.PublicUrl);
        return refusal == Refusal.None ? null : Refused.Because(refusal, $"The evidence must be for {settings.Name.PublicUrl} alone, and good now for at most {WorkloadToken.LifeMax.TotalHours} hours.");
    }

    private Outcome<Finding> CheckSvid(string evidence, EvidencePolicy policy, EnrolmentProof proof)
    {
        if (!SvidProof.TryRead(evidence, out var svid))
            return Refused.Because(Refusal.EvidenceMalformed, "That is no proof of an X.509-SVID: docs/formats.md, \"Evidence\".");
        using (svid)
        {
            if (!X509Svid.TryReadId(svid.Leaf, out var id))
                return Refused.Because(Refusal.EvidenceMalformed, "The certificate is no X.509-SVID of a workload: one URI that is a SPIFFE ID, for signing, and no authority.");
            if (settings.EvidenceTrust().Bundle(id) is not { } bundle)
                return UnknownIssuer(id.TrustDomain);
            if (CheckSvid(svid, bundle) is { } refused)
                return refused;
            if (svid.Audience != settings.Name.PublicUrl)
                return Refused.Because(Refusal.EvidenceAudienceMismatch, "The SVID's key has signed for another registry.");
            if (svid.Newcomer != proof.Key.KeyId || svid.Challenge != proof.Challenge)
                return Refused.Because(Refusal.EvidenceUnbound, "The SVID's key has signed for another key, or another challenge.");
            return policy.Rules.OfType<SpiffeRule>().Any(rule => rule.Allows(id))
                ? OfWorkload(EvidenceSource.X509Svid, id, svid.Hash, clock.GetUtcNow().Add(BootNonces.Life).ToUnixTimeSeconds())
                : NotAllowed();
        }
    }

    private Refused? CheckSvid(SvidProof svid, SpiffeBundle bundle)
    {
        var now = clock.GetUtcNow();
        if (now < svid.Leaf.NotBefore)
            return Refused.Because(Refusal.EvidenceNotYetValid, "The SVID begins later than now.");
        if (now > svid.Leaf.NotAfter)
            return Refused.Because(Refusal.EvidenceExpired, "The SVID has ended.");
        if (!svid.IsSigned())
            return Refused.Because(Refusal.EvidenceSignatureInvalid, "The SVID's key has not signed the proof as it is, with the algorithm of its kind.");
        return X509Svid.IsIssuedBy(svid.Leaf, svid.Intermediates, bundle.Authorities, now)
            ? null
            : Refused.Because(Refusal.EvidenceSignatureInvalid, "No path leads from the SVID to the bundle of its trust domain.");
    }

    private Outcome<Finding> CheckVouch(string evidence, EvidencePolicy policy, Hash tokenHash, EnrolmentProof proof)
    {
        AgentRecord? parent = null;
        var refusal = AgentVouch.Read(
            evidence, by => (parent = state.FindAgent(by)) is not null, settings.Name.PublicUrl, proof.Key.KeyId, tokenHash, clock.GetUtcNow(), out var vouch);
        if (refusal == Refusal.EvidenceIssuerUnknown)
            return Refused.Because(refusal, "The key that vouches is no agent's here.");
        if (refusal != Refusal.None)
            return Refused.Because(refusal, "That is no fresh vouch for this key and this token.");
        if (!policy.Rules.OfType<VouchRule>().Any())
            return NotAllowed();
        var id = parent!.Id.ToString();
        return new Finding(EvidenceSource.Vouch, id, proof.Key.KeyId.ToString(), vouch!.Hash, vouch.ExpiresAt, [new("vouched.by", id)]) { Voucher = parent.Id, VoucherKey = vouch.By.KeyId };
    }

    private static Finding OfWorkload(EvidenceSource source, SpiffeId id, Hash hash, long expiresAt) =>
        new(source, id.TrustDomain, id.ToString(), hash, expiresAt, [new("spiffe.domain", id.TrustDomain), new("spiffe.id", id.ToString())]);

    private static Refused UnknownIssuer(string? name) => Refused.Because(Refusal.EvidenceIssuerUnknown, $"Nobody of the name '{name}' is trusted here.");

    private static Refused NotAllowed() => Refused.Because(Refusal.EvidenceNotAllowed, "The evidence is genuine, and not what the enrolment token takes.");
}
