using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Authenticating;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Verifying;

/// <summary>What a tool was shown, and what it expected to see.</summary>
/// <param name="Proof">The key proof; empty when the connection's client certificate is to stand for it.</param>
public sealed record VerificationRequest(TokenText Credential, TokenText Proof, RequestedUse Use, string Audience, RequestedAction? Action)
{
    /// <summary>SHA-256 of the client certificate that the tool's connection has shown, if one.</summary>
    public Hash? Certificate { get; init; }

    /// <summary>For a gateway, which gives out no nonces: those of this registry's, of which the proof must carry one.</summary>
    public BootNonces? OwnNonces { get; init; }
}

/// <summary>The request that the proof must be for: method, target, and the nonce that the tool gave out; null where nonces are the registry's own.</summary>
public sealed record RequestedUse(string Method, string Url, string? Nonce);

public sealed record RequestedAction(string Type, string Action, string Location);

/// <summary>The answer to a tool. <paramref name="Presented"/> is there once the credential's signature was good; <paramref name="RelyUntil"/> only when allowed.</summary>
public sealed record Verdict(Refusal Refusal, PresentedCredential? Presented, DateTimeOffset RelyUntil)
{
    /// <summary>What is left of each unit that was spent.</summary>
    public IReadOnlyList<Budget> Left { get; init; } = [];
}

/// <summary>Decides whether a credential and its key proof may be relied on now. Memory only: no disk, no lock that a writer holds.</summary>
public sealed class Verification(RegistrySettings settings, RegistryState state, Standing standing, CredentialReader reader, TimeProvider clock)
{
    private readonly ReplayStore _replays = new(settings.ReplayCapacity, clock);
    private readonly GenuineCredentials _genuine = new(settings.CredentialCacheMax);

    /// <summary>What was decided lately.</summary>
    public RecentDecisions Decisions { get; } = new();

    /// <summary>Is told who was refused for which reason, once the credential was genuine. It must not take long.</summary>
    internal Action<SubjectId, Refusal>? Refused { get; set; }

    /// <summary>Is told of what a key of the registry has signed and the ledger does not hold. It must not take long.</summary>
    internal Action<PresentedCredential>? Unlogged { get; set; }

    /// <summary>Steps: docs/formats.md, "Verifying a credential".</summary>
    public Verdict Verify(VerificationRequest request)
    {
        var now = clock.GetUtcNow();
        var presented = _genuine.Find(request.Credential);
        if (presented is null)
        {
            // 1 to 4. One reason outward for whatever fails before the signature is verified.
            if (reader.Read(request.Credential, out presented) != Refusal.None)
                return new Verdict(Refusal.CredentialInvalid, null, default);
            _genuine.Add(request.Credential, presented!);
        }
        var refusal = Check(presented!, request, now);
        Decisions.Add(presented!, request, refusal, now);
        // Without a proof it is the tool's word alone that the agent was there; and asking for a nonce is how an agent begins.
        if (refusal is not (Refusal.None or Refusal.UseDpopNonce) && request.Proof.Length > 0)
            Refused?.Invoke(presented!.Claims.AgentId, refusal);
        // What had ended by the ledger's own time is forgotten, also when the clock that was ahead then has been set back.
        if (refusal == Refusal.CredentialUnlogged && presented!.Claims.ExpiresAt > state.LastAt / 1000)
            Unlogged?.Invoke(presented);
        var rely = DateTimeOffset.FromUnixTimeSeconds(presented!.Claims.ExpiresAt);
        // As long as an enforcer may go on that has heard from here just now.
        var lease = now + settings.EnforcerLease;
        return new Verdict(refusal, presented, refusal != Refusal.None ? default : lease < rely ? lease : rely);
    }

    /// <summary>Asked by the writer about a credential that was good a moment ago: steps 5, 6, 7 and 10 again.</summary>
    internal Refusal CheckAgain(PresentedCredential presented, VerificationRequest request, DateTimeOffset now)
    {
        if (CheckLogged(presented, now) is var logged and not Refusal.None)
            return logged;
        return CheckStops(presented, request);
    }

    /// <summary>Steps 5 to 7: the ledger holds exactly this credential, and its time has come and is not over.</summary>
    public Refusal CheckLogged(PresentedCredential presented, DateTimeOffset now) => CheckLogged(presented, state.IssuerKeys, now);

    /// <summary>The same for the form with an embedded proof, which keys of its own sign.</summary>
    public Refusal CheckDocumentLogged(PresentedCredential presented, DateTimeOffset now) => CheckLogged(presented, state.IntegrityKeys, now);

    private Refusal CheckLogged(PresentedCredential presented, KeyHistory signers, DateTimeOffset now)
    {
        // 5. The key was in force at the credential's entry. Never at a time: the holder of a stolen key writes times.
        if (signers.InForceAt(new LeafIndex(presented.Claims.LedgerIndex)).KeyId != presented.IssuerKeyId)
            return Refusal.CredentialUnlogged;

        // 6. The ledger holds it, with just this authority. Expired credentials are forgotten, so the times come first where they explain more.
        var times = PresentedCredential.CheckTimes(presented.Claims, now);
        if (!IsLogged(presented))
            return times == Refusal.CredentialExpired ? times : Refusal.CredentialUnlogged;

        // 7. Expiry is exclusive.
        return times;
    }

    private Refusal Check(PresentedCredential presented, VerificationRequest request, DateTimeOffset now)
    {
        var claims = presented.Claims;

        // 5 to 7. The ledger holds it, and it is in its time.
        if (CheckLogged(presented, now) is var logged and not Refusal.None)
            return logged;

        // 8. It was made for this verifier.
        if (PresentedCredential.CheckAudience(claims, request.Audience) is var audience and not Refusal.None)
            return audience;

        // 9. Whoever presents it holds its key, for this request, for the first time; or what else it is bound to.
        if (CheckPossession(presented, request, now) is var proof and not Refusal.None)
            return proof;

        // 10. Stop state, last and from memory.
        if (CheckStops(presented, request) is var stop and not Refusal.None)
            return stop;

        // 11. What it wants to do.
        return request.Action is not { } action || claims.Envelope.Covers(action.Type, action.Action, action.Location, now.ToUnixTimeSeconds())
            ? Refusal.None
            : Refusal.EnvelopeExceeded;
    }

    private Refusal CheckStops(PresentedCredential presented, VerificationRequest request)
    {
        var claims = presented.Claims;
        var left = standing.Of(claims, presented.IssuerKeyId, request.Audience, state.Callee(settings.Name, request.Audience));
        var use = state.Stops.DenyState.OfLocation(request.Action?.Location, claims.Envelope);
        if (use.State > left.State)
            left = use;
        // What is restricted goes on reading: as its blueprint says, and not as it says itself.
        var mayRead = left.State == StandingState.Restricted && request.Action is { } action && state.Stops.Blueprint(claims.Blueprint) is { } blueprint && blueprint.IsRead(action.Type, action.Action);
        return mayRead ? Refusal.None : left.Refusal;
    }

    private bool IsLogged(PresentedCredential presented)
    {
        var claims = presented.Claims;
        if (state.FindAgent(claims.AgentId) is not { } agent || agent.Credential(claims) is not { } live)
            return false;
        var (item, terms) = (live.Item, agent.Grant.Terms);
        return item.Jkt == claims.Jkt
            && item.NotBefore == claims.NotBefore
            && item.ExpiresAt == claims.ExpiresAt
            && item.Authority == presented.AuthorityHash
            && item.Audience.SequenceEqual(claims.Audience)
            // The item does not hold these five; the agent's own entries do.
            && claims.Sponsor == terms.Sponsor
            && claims.Blueprint == terms.Blueprint
            && claims.Labels.SequenceEqual(terms.Labels)
            && claims.StatedLabels.SequenceEqual(terms.StatedLabels)
            && claims.AttestedLabels.SequenceEqual(terms.AttestedLabels);
    }

    // TLS has proven the certificate's key for the whole connection; without one, a proof is for this request.
    private Refusal CheckPossession(PresentedCredential presented, VerificationRequest request, DateTimeOffset now)
    {
        if (PresentedCredential.CheckCertificate(presented.Claims, request.Certificate) is var certificate and not Refusal.None)
            return certificate;
        return presented.Claims.Certificate is not null && request.Proof.Length == 0 ? Refusal.None : CheckProof(presented, request, now);
    }

    private Refusal CheckProof(PresentedCredential presented, VerificationRequest request, DateTimeOffset now)
    {
        var refusal = KeyProof.Read(request.Proof, now, out var proof);
        if (refusal != Refusal.None)
            return refusal;
        if (proof!.Key.KeyId != presented.Claims.Jkt)
            return Refusal.ProofKeyMismatch;
        if (request.OwnNonces is { } own && !own.IsGood(proof.Nonce))
            return Refusal.UseDpopNonce;
        var use = request.Use;
        refusal = proof.Matches(new RequestBinding(use.Method, use.Url, use.Nonce, HashText.ToBase64Url(presented.TokenHash)));
        return refusal != Refusal.None ? refusal : _replays.Burn(proof);
    }
}
