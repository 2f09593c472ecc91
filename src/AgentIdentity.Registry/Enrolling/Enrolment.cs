using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Attesting;
using AgentIdentity.Registry.Authenticating;
using AgentIdentity.Registry.Dids;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Enrolling;

/// <summary>An agent, enrolled now or before, with a credential that has not expired.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Webvh">Its did:webvh name; null when it has none.</param>
/// <param name="Credential">Its credential.</param>
public sealed record Enrolled(AgentRecord Agent, string? Webvh, Issued Credential);

/// <summary>Turns a token, a proven key, and the evidence that the token demands into an agent; and lets that agent bring fresh evidence.</summary>
public sealed class Enrolment(RegistrySettings settings, RegistryState state, Sequencer sequencer, Issuing.Issuing issuing, Attesting.Attesting attesting, DidLogs didLogs, TimeProvider clock)
{
    // Tokens are "aie_" and 43 characters; what is longer is not hashed.
    private const int TokenLengthMax = 128;

    private readonly BootNonces _challenges = new(clock, "enrol");

    /// <summary>A challenge for one proof, good for five minutes at this instance.</summary>
    public string NewChallenge() => _challenges.Current();

    /// <summary>Whether a challenge was given out here, not too long ago.</summary>
    public bool IsGoodChallenge(string challenge) => _challenges.IsGood(challenge);

    public async Task<Outcome<Enrolled>> EnrollAsync(string token, string proof, IReadOnlyList<string> audience, uint lifetimeSeconds, string evidence = "")
    {
        if (settings.Name.IsLoopback && !settings.Dev)
            return Refused.Because(Refusal.LoopbackUrl, $"The public URL {settings.Name.PublicUrl} names this machine only; start with --dev to try things out, or give --public-url.");
        if (token.Length is 0 or > TokenLengthMax)
            return Refused.Because(Refusal.TokenInvalid, "That is not an enrolment token.");
        var tokenHash = Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token));
        var refusal = EnrolmentProof.Read(proof, settings.Name.PublicUrl, tokenHash, clock.GetUtcNow(), out var presented);
        if (refusal != Refusal.None)
            return Refused.Because(refusal, refusal == Refusal.ProofStale ? "The enrolment proof is of another time than the registry's: its iat may be 300 seconds off." : "The enrolment proof is not a good one: docs/formats.md, \"Enrolment proof\".");
        if (!Operating.Operating.AreLabels(presented!.Labels))
            return Refused.Because(Refusal.LabelsMalformed, Operating.Operating.LabelsRule);
        if (!IsGoodChallenge(presented.Challenge))
            return Refused.Because(Refusal.ChallengeInvalid, "The proof's nonce is not a challenge of this instance, or is older than five minutes; ask BeginEnroll for one.");

        var finding = CheckEvidence(evidence, tokenHash, presented);
        if (finding.IsRefused)
            return Refused.Because(finding.Refusal, finding.Detail);

        // Signed here and not by the writer; a retry needs none, and neither does who has no token.
        var id = SubjectId.New(clock.GetUtcNow());
        var isNew = state.FindAgent(presented.Key.KeyId) is null;
        var candidate = new Candidate(id, presented, proof, isNew ? didLogs.FirstOf(id, presented.Key, state.FindToken(tokenHash)!.NextDidKeyHash) : null, finding.Value);
        var decided = await sequencer.DecideAsync(Lane.Ordinary, draft => Decide(draft, tokenHash, candidate, audience, lifetimeSeconds)).ConfigureAwait(false);
        if (decided.IsRefused)
            return Refused.Because(decided.Refusal, decided.Detail);
        var agent = state.FindAgent(presented.Key.KeyId)!;
        var webvh = agent.Id == id && candidate.DidLine is { } line ? WebvhLog.DidOf(line) : didLogs.NameOf(agent.Id);
        return new Enrolled(agent, webvh, issuing.Sign(decided.Value(), agent.Grant, agent.Grant.Envelope));
    }

    // What the token demands is fixed, so that this needs no writer. Whether the evidence was used before does.
    private Outcome<Finding?> CheckEvidence(string evidence, Hash tokenHash, EnrolmentProof proof)
    {
        if (state.FindToken(tokenHash) is not { } token)
            return Refused.Because(Refusal.TokenInvalid, "That is not an enrolment token of this registry.");
        if (token.Grant.Policy is not { } policy)
            return evidence.Length == 0 && proof.EvidenceHash is null ? (Finding?)null : Refused.Because(Refusal.EvidenceNotAllowed, "The enrolment token takes no evidence.");
        if (evidence.Length == 0)
            return Refused.Because(Refusal.EvidenceMissing, $"The enrolment token demands evidence: {policy.Canonical}");
        var found = attesting.Check(evidence, policy, tokenHash, proof);
        return found.IsRefused ? Refused.Because(found.Refusal, found.Detail) : found.Value;
    }

    // Answers where the agent's first credential stands, once the group is durable.
    private Outcome<Func<LiveCredential>> Decide(Draft draft, Hash tokenHash, Candidate candidate, IReadOnlyList<string> audience, uint lifetimeSeconds)
    {
        var token = draft.State.FindToken(tokenHash)!;
        var wish = issuing.ParseAudience(token.Grant, audience, lifetimeSeconds);
        if (wish.IsRefused)
            return Refused.Because(wish.Refusal, wish.Detail);
        var grant = token.Grant.Stating(candidate.Proof.Labels).Attesting(candidate.Finding?.Labels ?? []);
        if (!Issuing.Issuing.Fits(settings.Name, grant, wish.Value))
            return Refused.Because(Refusal.MessageTooLarge, "The credential would be longer than verifiers take; ask for fewer audiences, or state fewer labels.");
        var key = candidate.Proof.Key.KeyId;
        if (draft.State.FindAgent(key) is { } known)
            return Again(draft, token, known, candidate, wish.Value);
        if (draft.PendingEnrolment(key) is { } pending)
            return pending.TokenId == token.Id ? Outcome(draft.PendingIssuance(pending.AgentId)!.ToLive) : Refused.Because(Refusal.KeyAlreadyEnrolled, "The key was enrolled with another token.");
        if (draft.IsAgentKey(key))
            return Refused.Because(Refusal.KeyAlreadyEnrolled, "The key is about to be another agent's.");
        if (draft.IsCallerTaken(key))
            return Refused.Because(Refusal.KeyAlreadyRegistered, "The key belongs to a caller that is not an agent.");
        // Whom it has enrolled before was answered above: what ends a token lets nobody in, and puts nobody out.
        if (RefusalOf(draft.StateOf(token)) is { } closed)
            return closed;
        if (candidate.Finding is { } finding && CheckUse(draft, finding, grant.Terms) is { } unusable)
            return unusable;

        var id = candidate.Id;
        var terms = grant.Terms;
        if (terms.AllLabels.CountBy(label => label.Key).FirstOrDefault(name => name.Value > 1).Key is { } taken)
            return Refused.Because(Refusal.LabelsMalformed, $"'{taken}' is said by two: the sponsor, the evidence and the agent give labels of different names.");
        var actor = new Actor(id, key, terms.Sponsor, terms.Blueprint, terms.AllLabels);
        if (draft.Standing.Of(actor) is var stopped and not Refusal.None)
            return Refused.Because(stopped, "An agent like this is stopped: a new one of the same key, sponsor, blueprint, model or label does not lead out of it.");
        draft.Stage(id, new AgentEnrolled(id, token.Id, candidate.Proof.Key, terms with { AttestedLabels = [] }, candidate.ProofText, candidate.DidLine), id, token.Id);
        if (candidate.Finding is not null)
            StageEvidence(draft, id, candidate);
        return Outcome(issuing.Stage(draft, id, key, wish.Value).ToLive);
    }

    private static Refused? RefusalOf(TokenState state) => state switch
    {
        TokenState.Open => null,
        TokenState.Withdrawn => Refused.Because(Refusal.TokenExpired, "The enrolment token was withdrawn."),
        TokenState.Expired => Refused.Because(Refusal.TokenExpired, "The enrolment token has expired."),
        TokenState.UsedUp => Refused.Because(Refusal.TokenUsedUp, "The enrolment token has been used as often as it allows."),
        _ => throw new InvalidOperationException($"No refusal for a token that is {state}."),
    };

    // Good once, and of an agent that may vouch if it is a vouch.
    private static Refused? CheckUse(Draft draft, Finding finding, Grant newcomer)
    {
        if (draft.IsEvidenceUsed(finding.Hash))
            return Refused.Because(Refusal.EvidenceUsed, "This evidence has been used; bring another piece.");
        // What was used is forgotten by the time of the ledger, which a clock that was ahead has left ahead of this machine's.
        if (UsedEvidence.Until(finding.ExpiresAt) < draft.At)
            return Refused.Because(Refusal.EvidenceExpired, "The evidence ends before the time that the ledger has come to, so nobody knows any more whether it was used.");
        if (finding.Voucher is not { } id)
            return null;
        var voucher = draft.State.FindAgent(id)!;
        var mayVouch = voucher.Grant.Terms.Sponsor == newcomer.Sponsor && draft.KeyOf(voucher).KeyId == finding.VoucherKey
            && draft.Standing.Of(voucher, finding.VoucherKey, DenyState.Now).Refusal == Refusal.None && voucher.SessionEndsAt > draft.At && !draft.HasCut
            && voucher.Grant.Envelope.Covers(AgentVouch.AuthorityType, AgentVouch.Action, newcomer.Blueprint, draft.At / 1000);
        return mayVouch ? null : Refused.Because(Refusal.VouchNotAllowed, "The agent that vouches is stopped, has another key since, has to bring evidence itself, has another sponsor, or has no right to vouch for this blueprint.");
    }

    private static void StageEvidence(Draft draft, SubjectId agent, Candidate candidate)
    {
        var finding = candidate.Finding!;
        draft.Stage(agent, new EvidenceAccepted(agent, finding.Source, finding.Issuer, finding.Subject, finding.Hash, finding.ExpiresAt, finding.Labels, candidate.ProofText), agent);
    }

    // The same token and key: the same agent, its first credential while that lives, and no further use of the token. Fresh evidence begins another session.
    private Outcome<Func<LiveCredential>> Again(Draft draft, TokenRecord token, AgentRecord agent, Candidate candidate, Wish wish)
    {
        var key = candidate.Proof.Key.KeyId;
        if (agent.TokenId != token.Id)
            return Refused.Because(Refusal.KeyAlreadyEnrolled, "The key was enrolled with another token.");
        if (draft.KeyOf(agent).KeyId != key)
            return Refused.Because(Refusal.KeyRotated, "The agent has another key since.");
        var standing = draft.Standing.RefusalOf(agent.Id);
        if (standing != Refusal.None)
            return Refused.Because(standing, "The agent is stopped.");
        if (candidate.Finding is { } finding && finding.Hash != agent.Evidence!.Hash)
        {
            if (!finding.SaysTheSame(agent.Evidence, agent.Grant.Terms.AttestedLabels))
                return Refused.Because(Refusal.EvidenceChanged, "The evidence is about another workload, or says something else of it: that is another agent, with another key.");
            if (CheckUse(draft, finding, agent.Grant.Terms) is { } unusable)
                return unusable;
            StageEvidence(draft, agent.Id, candidate);
        }
        else if (agent.SessionEndsAt <= draft.At)
        {
            return Refused.Because(Refusal.EvidenceDue, Issuing.Issuing.SessionOver);
        }
        var whole = Envelope.AuthorityHash(agent.Grant.Envelope, null);
        var held = Array.FindIndex(agent.Credentials, credential => credential.Item.ExpiresAt > draft.At / 1000 && credential.Item.Authority == whole && credential.Item.Jkt == key && IsSignedByCurrentKey(credential));
        if (held >= 0)
            return Outcome(() => agent.Credentials[held]);
        // Only enrolments have been given credentials so far in the group: what is pending is the answer to a retry beside this one.
        var pending = draft.PendingIssuance(agent.Id) ?? issuing.Stage(draft, agent.Id, key, wish);
        return Outcome(pending.ToLive);
    }

    // The key before is gone after a restart, and what it signed cannot be signed again.
    private bool IsSignedByCurrentKey(LiveCredential credential) => state.IssuerKeys.InForceAt(credential.Index).KeyId == state.IssuerKeys.Current.KeyId;

    private static Outcome<Func<LiveCredential>> Outcome(Func<LiveCredential> where) => where;

    /// <summary>What an agent would be, made before the writer decides whether it will.</summary>
    private sealed record Candidate(SubjectId Id, EnrolmentProof Proof, string ProofText, string? DidLine, Finding? Finding);
}
