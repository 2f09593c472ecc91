using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Issuing;

/// <summary>A credential, as it is handed out. <paramref name="Document"/> is the same credential with an embedded proof, when that was asked for.</summary>
public sealed record Issued(string Token, CredentialClaims Claims, string? Document = null);

/// <summary>What somebody wants a credential for.</summary>
/// <param name="ExpiryMax">Seconds since 1970: where the authority above ends, when it does.</param>
internal sealed record Wish(Envelope Envelope, IReadOnlyList<string> Audience, TimeSpan Lifetime, long? ExpiryMax = null)
{
    /// <summary>The client certificate that it is to be bound to beside the key.</summary>
    public Hash? Certificate { get; init; }

    /// <summary>The agents whose authority it is, nearest first; none when it is the agent's own.</summary>
    public IReadOnlyList<SubjectId> Chain { get; init; } = [];

    /// <summary>Who answers for the last of those.</summary>
    public string? TopSponsor { get; init; }

    /// <summary>Both, as the credential says it.</summary>
    public string? Act(RegistryName registry) => ChainOfCommand.Write(Chain, registry, TopSponsor);
}

/// <summary>Gives agents credentials: decided by the writer, signed when the ledger holds them.</summary>
public sealed class Issuing(RegistrySettings settings, RegistryState state, Sequencer sequencer, CredentialReader reader, IRegistryKeys keys) : IDisposable
{
    private readonly KeyOnDemand _proofKey = new(RegistryKeyUse.Integrity, () => state.IntegrityKeys.Newest, keys, sequencer);

    // An agent that asks for more at once than this is broken or somebody else's.
    private const int LiveMax = 64;
    internal const string SessionOver = "The agent's session is over: it enrols again with the same token, the same key and fresh evidence. Where the token demands none, another key enrols with another token.";
    private static readonly TimeSpan LifetimeMin = TimeSpan.FromMinutes(5);
    internal static readonly TimeSpan LifetimeMax = TimeSpan.FromMinutes(15);

    public async Task<Outcome<Issued>> IssueAsync(AgentRecord agent, string authorizationDetails, IReadOnlyList<string> audience, uint lifetimeSeconds, Hash? certificate = null)
    {
        var wish = Parse(agent, authorizationDetails, audience, lifetimeSeconds);
        return wish.IsRefused ? Refused.Because(wish.Refusal, wish.Detail) : await IssueAsync(agent, wish.Value with { Certificate = certificate }).ConfigureAwait(false);
    }

    /// <summary>The same, and the credential with an embedded proof beside it: one credential in two forms, of one item in the ledger.</summary>
    public async Task<Outcome<Issued>> IssueWithProofAsync(
        AgentRecord agent, string authorizationDetails, IReadOnlyList<string> audience, uint lifetimeSeconds, Hash? certificate = null)
    {
        var parsed = Parse(agent, authorizationDetails, audience, lifetimeSeconds);
        if (parsed.IsRefused)
            return Refused.Because(parsed.Refusal, parsed.Detail);
        var wish = parsed.Value with { Certificate = certificate };
        // The key comes before the credential, since its proof is by a key that was in force at its entry; and for nobody who is refused.
        if (state.IntegrityKeys.Newest is null && await CheckAsync(agent, wish).ConfigureAwait(false) is { } refused)
            return refused;
        var key = await _proofKey.RequireAsync().ConfigureAwait(false);
        if (key.IsRefused)
            return Refused.Because(key.Refusal, key.Detail);
        var issued = await IssueAsync(agent, wish).ConfigureAwait(false);
        return issued.IsRefused ? issued : issued.Value with { Document = SignDocument(issued.Value.Claims) };
    }

    /// <summary>The same authority for another while. The old credential says what; the caller's key, proven before, says who; its expiry does not matter.</summary>
    public async Task<Outcome<Issued>> RenewAsync(AgentRecord agent, string credential)
    {
        if (reader.Read(credential, out var old) != Refusal.None)
            return Refused.Because(Refusal.CredentialInvalid, "The credential to renew is not one of this registry.");
        var claims = old!.Claims;
        if (claims.AgentId != agent.Id)
            return Refused.Because(Refusal.ProofKeyMismatch, "The credential to renew belongs to another agent.");
        if (claims.Chain.Count > 0)
            return Refused.Because(Refusal.DelegationNotRenewable, "The credential was passed on by another agent; ask that one to do so again.");
        if (!claims.Envelope.IsWithin(agent.Grant.Envelope, out var expiryMax))
            return Refused.Because(Refusal.EnvelopeTooWide, "The credential to renew holds more than the agent's maximum.");
        if (!Audiences.AreWithin(claims.Audience, agent.Grant.Terms.Audiences))
            return Refused.Because(Refusal.AudienceNotAllowed, "The credential to renew names an audience that the agent may not address.");
        var life = TimeSpan.FromSeconds(Math.Clamp(claims.ExpiresAt - claims.NotBefore, (long)LifetimeMin.TotalSeconds, (long)LifetimeMax.TotalSeconds));
        return await IssueAsync(agent, new Wish(claims.Envelope, claims.Audience, life, expiryMax) { Certificate = claims.Certificate }).ConfigureAwait(false);
    }

    public void Dispose() => _proofKey.Dispose();

    internal Outcome<Wish> Parse(AgentRecord agent, string authorizationDetails, IReadOnlyList<string> audience, uint lifetimeSeconds)
    {
        var envelope = agent.Grant.Envelope;
        if (authorizationDetails.Length > 0 && !Envelope.TryParse(authorizationDetails, out envelope!))
            return Refused.Because(Refusal.EnvelopeMalformed, "authorization_details is not an envelope: docs/formats.md, \"Envelope\".");
        if (!envelope.IsWithin(agent.Grant.Envelope, out var expiryMax))
            return Refused.Because(Refusal.EnvelopeTooWide, "The envelope asked for is not within the agent's maximum.");
        var wish = ParseAudience(agent.Grant, audience, lifetimeSeconds);
        return wish.IsRefused ? wish : wish.Value with { Envelope = envelope, ExpiryMax = expiryMax };
    }

    /// <summary>Audience and lifetime, with the grant's whole envelope.</summary>
    internal Outcome<Wish> ParseAudience(AgentGrant grant, IReadOnlyList<string> audience, uint lifetimeSeconds)
    {
        if (audience.Count == 0)
            audience = grant.Terms.Audiences;
        if (!Audiences.AreValid(audience))
            return Refused.Because(Refusal.AudienceMalformed, "An audience is 1 to 16 distinct strings of 1 to 256 printable ASCII characters.");
        if (!Audiences.AreWithin(audience, grant.Terms.Audiences))
            return Refused.Because(Refusal.AudienceNotAllowed, "The enrolment token did not allow that audience.");
        var lifetime = lifetimeSeconds == 0 ? settings.CredentialLifetime : TimeSpan.FromSeconds(lifetimeSeconds);
        if (lifetime < LifetimeMin || lifetime > LifetimeMax)
            return Refused.Because(Refusal.LifetimeOutOfRange, $"A credential lives {LifetimeMin.TotalSeconds} to {LifetimeMax.TotalSeconds} seconds.");
        return new Wish(grant.Envelope, audience, lifetime);
    }

    /// <summary>In the writer: adds a credential to the group. The stop state has been asked about.</summary>
    internal PendingIssuance Stage(Draft draft, SubjectId agentId, KeyId jkt, Wish wish, SubjectId? delegator = null)
    {
        // A jti carries the time of its entry, by which it is found in the ledger: the machine's clock may be behind that.
        var at = DateTimeOffset.FromUnixTimeMilliseconds(draft.At);
        var seconds = draft.At / 1000;
        var expiresAt = Math.Min(seconds + (long)wish.Lifetime.TotalSeconds, wish.ExpiryMax ?? long.MaxValue);
        return draft.Issue(statusIndex => new IssuanceItem(
            SubjectId.New(at), agentId, jkt, wish.Audience, seconds, expiresAt, statusIndex, Envelope.AuthorityHash(wish.Envelope, wish.Act(settings.Name), wish.Certificate)), delegator);
    }

    /// <summary>Signs what the ledger holds of an agent's own authority.</summary>
    internal Issued Sign(LiveCredential live, AgentGrant grant, Envelope envelope) => Sign(live, grant, new Wish(envelope, live.Item.Audience, default));

    /// <summary>Signs what the ledger holds. The key is the one that was in force at the entry.</summary>
    internal Issued Sign(LiveCredential live, AgentGrant grant, Wish wish)
    {
        var item = live.Item;
        var claims = new CredentialClaims(
            item.Jti, item.AgentId, item.Jkt, grant.Terms.Sponsor, grant.Terms.Blueprint, grant.Terms.Labels, item.Audience, wish.Envelope, wish.Act(settings.Name),
            item.NotBefore, item.NotBefore, item.ExpiresAt, live.Index.Value, live.Position, item.StatusIndex) { Chain = wish.Chain, TopSponsor = wish.TopSponsor, StatedLabels = grant.Terms.StatedLabels, AttestedLabels = grant.Terms.AttestedLabels, Certificate = wish.Certificate };
        return new Issued(CredentialWriter.Sign(claims, settings.Name, keys.Issuer(state.IssuerKeys.InForceAt(live.Index).KeyId)), claims);
    }

    private string SignDocument(CredentialClaims claims) =>
        CredentialWriter.SignDocument(claims, settings.Name, keys.Integrity(state.IntegrityKeys.InForceAt(new LeafIndex(claims.LedgerIndex)).KeyId));

    /// <summary>Whether the credential, wherever it will stand, is as short as verifiers demand. Asked before it is written down: a longer one could not be handed out.</summary>
    internal static bool Fits(RegistryName registry, AgentGrant grant, Wish wish)
    {
        const long TimeMax = 253_402_300_799;
        var longest = new CredentialClaims(
            default, default, default, grant.Terms.Sponsor, grant.Terms.Blueprint, grant.Terms.Labels, wish.Audience, wish.Envelope, wish.Act(registry),
            TimeMax, TimeMax, TimeMax, ulong.MaxValue, uint.MaxValue, ulong.MaxValue) { StatedLabels = grant.Terms.StatedLabels, AttestedLabels = grant.Terms.AttestedLabels, Certificate = wish.Certificate };
        return CredentialWriter.Fits(longest, registry);
    }

    // Whether it would be issued now, without issuing it.
    private async Task<Refused?> CheckAsync(AgentRecord agent, Wish wish)
    {
        if (CheckLength(agent, wish) is { } tooLong)
            return tooLong;
        var decided = await sequencer.DecideAsync<bool>(Lane.Issuance, draft => Check(draft, agent.Id, wish) is { } refused ? refused : true).ConfigureAwait(false);
        return decided.IsRefused ? Refused.Because(decided.Refusal, decided.Detail) : null;
    }

    private Refused? CheckLength(AgentRecord agent, Wish wish) => Fits(settings.Name, agent.Grant, wish)
        ? null
        : Refused.Because(Refusal.MessageTooLarge, "The credential would be longer than verifiers take; ask for a shorter envelope or fewer audiences.");

    private async Task<Outcome<Issued>> IssueAsync(AgentRecord agent, Wish wish)
    {
        if (CheckLength(agent, wish) is { } tooLong)
            return tooLong;
        var decided = await sequencer.DecideAsync(Lane.Issuance, draft => Decide(draft, agent.Id, wish)).ConfigureAwait(false);
        return decided.IsRefused
            ? Refused.Because(decided.Refusal, decided.Detail)
            : Sign(decided.Value.ToLive(), agent.Grant, wish);
    }

    private Outcome<PendingIssuance> Decide(Draft draft, SubjectId agentId, Wish wish) => Check(draft, agentId, wish) is { } refused
        ? refused
        : Stage(draft, agentId, draft.KeyOf(draft.State.FindAgent(agentId)!).KeyId, wish);

    private static Refused? Check(Draft draft, SubjectId agentId, Wish wish)
    {
        var standing = draft.Standing.RefusalOf(agentId, draft.At);
        if (standing != Refusal.None)
            return Refused.Because(standing, standing == Refusal.EvidenceDue ? SessionOver : "The agent may not have credentials now.");
        var agent = draft.State.FindAgent(agentId)!;
        var seconds = draft.At / 1000;
        // What others have passed on to it is counted for each of them, so that nobody can use up an agent's own.
        var own = agent.Credentials.Count(credential => credential.Item.ExpiresAt > seconds) - draft.State.Lineage.LinksTo(agentId, seconds).Count;
        if (own + draft.PendingIssuances(agentId) >= LiveMax)
            return Refused.Because(Refusal.TooManyCredentials, $"The agent holds {LiveMax} unexpired credentials.");
        return wish.ExpiryMax <= seconds ? Refused.Because(Refusal.EnvelopeTooWide, "The envelope asked for has ended.") : null;
    }
}
