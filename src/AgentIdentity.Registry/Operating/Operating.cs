using System.Security.Cryptography;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Dids;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Operating;

public sealed record FirstOperator(string Name, string Proof);

public sealed record Bootstrapped(IReadOnlyList<CallerRecord> Operators, LeafIndex Index);

/// <summary>What an operator asks of an enrolment token; zero takes the default.</summary>
public sealed record TokenWish(
    string Sponsor, string Blueprint, IReadOnlyList<KeyValuePair<string, string>> Labels, string MaximumEnvelope, IReadOnlyList<string> Audiences, uint Uses, uint LifetimeSeconds)
{
    /// <summary>The hash of the key that the sponsor holds for the DIDs of its agents; empty when the registry keeps them.</summary>
    public string NextDidKeyHash { get; init; } = "";

    /// <summary>What evidence the token takes, JSON; empty when it demands none. docs/formats.md, "Evidence".</summary>
    public string Evidence { get; init; } = "";

    /// <summary>Seconds after which an agent of the token brings evidence again.</summary>
    public uint SessionSeconds { get; init; }
}

/// <summary>The token's text is handed out once and not kept.</summary>
public sealed record TokenMade(string Text, SubjectId Id, long ExpiresAt, LeafIndex Index);

public sealed record CallerMade(CallerRecord Caller, LeafIndex Index);

public sealed record KeyRotated(KeyId Key, KeyId Retired, LeafIndex Index);

/// <summary>What operators do: found the registry, hand out enrolment tokens and withdraw them, register callers, rotate keys.</summary>
public sealed class Operating(
    RegistrySettings settings, RegistryState state, Sequencer sequencer, IRegistryKeys keys, FoundingKeys founding, TimeProvider clock) : IDisposable
{
    private const int NameMax = 100;
    private const int TermMax = 200;
    private const int LabelsMax = 16;
    private const int ReadsMax = 256;
    private const uint UsesMax = 1_000_000;
    private const uint TokenLifeMin = 60;
    private const uint TokenLifeMax = 30 * 24 * 3600;
    private const uint TokenLifeDefault = 3600;
    private const uint SessionMin = 300;
    private const uint SessionMax = 366 * 24 * 3600;

    // Evidence is renewed without a person, so a day costs nobody anything; without evidence there is nothing to bring, and a session ends only if the token says so.
    private const uint SessionDefault = 24 * 3600;

    // One rotation at a time: each makes a key before it knows whether it is used.
    private readonly SemaphoreSlim _rotating = new(1);

    /// <summary>The secret that founds the registry; set by whoever starts it, while there is no genesis entry.</summary>
    public BootstrapSecret? Secret { get; set; }

    public async Task<Outcome<Bootstrapped>> BootstrapAsync(string secret, IReadOnlyList<FirstOperator> operators)
    {
        if (state.IsBootstrapped || Secret is not { } expected)
            return Refused.Because(Refusal.BootstrapClosed, "This registry has its operators already.");
        var hash = BootstrapSecret.HashOf(secret);
        var now = clock.GetUtcNow();
        if (!expected.Opens(hash, now))
            return Refused.Because(Refusal.BootstrapInvalid, "That is not the bootstrap secret, or its 15 minutes are over; a restart makes a new one.");
        var people = Prove(hash, operators, now);
        if (people.IsRefused)
            return Refused.Because(people.Refusal, people.Detail);

        var didKey = founding.Did ?? throw new InvalidOperationException("The keys of a registry that is not founded yet were prepared without one for DID logs.");
        var document = DidDocuments.RegistryVersion(settings.Name, [founding.Issuer], [], WebvhLog.Placeholder);
        var genesis = new Genesis(
            settings.Name.PublicUrl, settings.Name.Origin,
            [new RegistryKey(RegistryKeyUse.Credentials, founding.Issuer), new RegistryKey(RegistryKeyUse.Log, founding.Log), new RegistryKey(RegistryKeyUse.Did, didKey)],
            people.Value, settings.SingleOperator, DidLines.First(keys, didKey.KeyId, founding.RegistryId, document, now));
        var decided = await sequencer.DecideAsync(Lane.Ordinary, draft => Found(draft, genesis)).ConfigureAwait(false);
        if (decided.IsRefused)
            return Refused.Because(decided.Refusal, decided.Detail);
        Secret = null;
        return new Bootstrapped([.. people.Value.Select(person => state.FindCaller(person.Key.KeyId)!)], decided.Value);
    }

    public Task<Outcome<TokenMade>> CreateTokenAsync(CallerRecord actor, TokenWish wish)
    {
        var terms = Terms(wish);
        if (terms.IsRefused)
            return Task.FromResult<Outcome<TokenMade>>(Refused.Because(terms.Refusal, terms.Detail));
        var uses = wish.Uses == 0 ? 1 : wish.Uses;
        var life = wish.LifetimeSeconds == 0 ? TokenLifeDefault : wish.LifetimeSeconds;
        if (uses > UsesMax || life is < TokenLifeMin or > TokenLifeMax)
            return Task.FromResult<Outcome<TokenMade>>(Refused.Because(Refusal.LifetimeOutOfRange, $"A token has at most {UsesMax} uses and lives {TokenLifeMin} to {TokenLifeMax} seconds."));
        if (wish.NextDidKeyHash.Length > 0 && (state.DidKeys.IsEmpty || !Multikey.IsNextKeyHash(wish.NextDidKeyHash)))
            return Refuse<TokenMade>(Refusal.MessageMalformed, "The sponsor's next key is given as its hash, which agentid sponsor-key new prints; and the registry must have DID logs.");
        if (wish.SessionSeconds != 0 && wish.SessionSeconds is < SessionMin or > SessionMax)
            return Task.FromResult<Outcome<TokenMade>>(Refused.Because(Refusal.LifetimeOutOfRange, $"A session lasts {SessionMin} to {SessionMax} seconds."));
        EvidencePolicy? policy = null;
        if (wish.Evidence.Length > 0 && !EvidencePolicy.TryParse(wish.Evidence, out policy))
            return Task.FromResult<Outcome<TokenMade>>(Refused.Because(Refusal.EvidencePolicyMalformed, "What the token demands is no list of rules: docs/formats.md, \"Evidence\"."));
        var session = wish.SessionSeconds == 0 && policy is not null ? SessionDefault : wish.SessionSeconds;
        var text = "aie_" + CanonicalBase64Url.Encode(RandomNumberGenerator.GetBytes(32));
        var hash = Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(text));
        var id = SubjectId.New(clock.GetUtcNow());
        return sequencer.DecideAsync<TokenMade>(Lane.Ordinary, draft =>
        {
            if (draft.Objection(actor) is { } objection)
                return objection;
            var expiresAt = draft.At + (life * 1000L);
            var created = new TokenCreated(hash, terms.Value, uses, expiresAt) { Evidence = policy?.Canonical ?? "", SessionSeconds = session };
            var made = new TokenMade(text, id, expiresAt, draft.Stage(actor.Id, created, id));
            if (wish.NextDidKeyHash.Length > 0)
                draft.Stage(actor.Id, new DidKeysHeld(id, wish.NextDidKeyHash), id);
            return made;
        });
    }

    /// <summary>From here on the token enrols nobody. Who withdraws it again is given the first withdrawal.</summary>
    public async Task<Outcome<TokenRecord>> WithdrawTokenAsync(CallerRecord actor, SubjectId id, string reason)
    {
        if (Reasons.Problem(reason, "Who withdraws a token says why") is { } unsaid)
            return unsaid;
        if (state.FindToken(id) is null)
            return Refused.Because(Refusal.EntryUnknown, "No entry has created an enrolment token with that id.");
        var decided = await sequencer.DecideAsync<SubjectId>(Lane.Control, draft =>
        {
            if (draft.StateOf(draft.State.FindToken(id)!) != TokenState.Withdrawn)
                draft.Stage(actor.Id, new TokenWithdrawn(id, reason), id);
            return id;
        }).ConfigureAwait(false);
        return decided.IsRefused ? Refused.Because(decided.Refusal, decided.Detail) : state.FindToken(id)!;
    }

    public Task<Outcome<CallerMade>> RegisterCallerAsync(CallerRecord actor, CallerRole role, string name, PublicKey key, IReadOnlyList<string> audiences)
    {
        if (role is not (CallerRole.Auditor or CallerRole.Enforcer or CallerRole.Sponsor))
            return Refuse<CallerMade>(Refusal.NotPermitted, "One operator registers auditors, enforcers and sponsors; operators are changed by two.");
        if (!IsText(name, NameMax))
            return Refuse<CallerMade>(Refusal.NameMalformed, $"A name is 1 to {NameMax} printable characters.");
        if (role == CallerRole.Enforcer ? !Audiences.AreValid(audiences) : audiences.Count > 0)
            return Refuse<CallerMade>(Refusal.AudienceMalformed, "An enforcer answers for 1 to 16 distinct audiences, and nobody else for any.");
        var id = SubjectId.New(clock.GetUtcNow());
        return sequencer.DecideAsync<CallerMade>(Lane.Ordinary, draft =>
        {
            if (draft.Objection(actor) is { } objection)
                return objection;
            if (draft.IsCallerTaken(key.KeyId))
                return Refused.Because(Refusal.KeyAlreadyRegistered, "The key is registered already.");
            if (draft.IsAgentKey(key.KeyId))
                return Refused.Because(Refusal.KeyAlreadyEnrolled, "The key is an agent's.");
            if (draft.IsNameTaken(role, name))
                return Refused.Because(Refusal.NameTaken, $"There is another {role} with that name.");
            var index = draft.Stage(actor.Id, new CallerRegistered(role, name, key, audiences), id);
            return new CallerMade(new CallerRecord(id, role, name, key, audiences, draft.At), index);
        });
    }

    public async Task<Outcome<KeyRotated>> RotateIssuerKeyAsync(CallerRecord actor)
    {
        // Who may have had the one key may have had the other: they lie side by side.
        var rotated = await RotateAsync(actor, () => state.IntegrityKeys.Newest is { } proofKey
            ? [(RegistryKeyUse.Credentials, state.IssuerKeys.Current), (RegistryKeyUse.Integrity, proofKey)]
            : [(RegistryKeyUse.Credentials, state.IssuerKeys.Current)]).ConfigureAwait(false);
        if (rotated.IsRefused)
            return Refused.Because(rotated.Refusal, rotated.Detail);
        Retire(rotated.Value.Rotations.Select(rotation => rotation.Retired));
        return Answer(rotated.Value);
    }

    /// <summary>Another key for DID logs. The one before stays in its file: each log that it committed to is signed with it once more, when that log goes on.</summary>
    public async Task<Outcome<KeyRotated>> RotateDidKeyAsync(CallerRecord actor)
    {
        if (state.DidKeys.IsEmpty)
            return Refused.Because(Refusal.NotPermitted, "This registry was founded without DID logs.");
        var rotated = await RotateAsync(actor, () => [(RegistryKeyUse.Did, state.DidKeys.Current)]).ConfigureAwait(false);
        return rotated.IsRefused ? Refused.Because(rotated.Refusal, rotated.Detail) : Answer(rotated.Value);
    }

    /// <summary>Says once what a blueprint is. Not while agents of it, or of its model, are stopped: what it calls a read they could do from then on.</summary>
    public Task<Outcome<LeafIndex>> DefineBlueprintAsync(CallerRecord actor, string name, string model, IReadOnlyList<TypedAction> reads)
    {
        if (!IsText(name, TermMax) || (model.Length > 0 && !IsText(model, TermMax)))
            return Refuse<LeafIndex>(Refusal.NameMalformed, $"Blueprint and model are up to {TermMax} printable characters.");
        var ordered = reads.Distinct().OrderBy(read => read.Type, StringComparer.Ordinal).ThenBy(read => read.Action, StringComparer.Ordinal).ToArray();
        if (ordered.Length > ReadsMax || !ordered.All(read => IsText(read.Type, TermMax) && IsText(read.Action, TermMax)))
            return Refuse<LeafIndex>(Refusal.MessageMalformed, $"At most {ReadsMax} reads, each a type and an action of up to {TermMax} printable characters.");
        return sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft =>
        {
            if (draft.Objection(actor) is { } objection)
                return objection;
            if (draft.IsDefined(name))
                return Refused.Because(Refusal.AlreadyDefined, $"The blueprint {name} is defined; another version is another blueprint.");
            var stops = draft.State.Stops.InForce.Select(stop => (stop.Denial.Scope, stop.Denial.State)).Concat(draft.Stops.Select(stop => (stop.Scope, stop.State)));
            if (stops.Any(stop => WouldLoosen(draft.State, stop.Scope, stop.State, name, model)))
                return Refused.Because(Refusal.ScopeStopped, "Agents of this blueprint or model are stopped: restore them first.");
            return draft.Stage(actor.Id, new BlueprintDefined(name, model, ordered, draft.OpenEpoch()), draft.RegistryId);
        });
    }

    public void Dispose() => _rotating.Dispose();

    // The keys before stay where they are.
    private async Task<Outcome<(RegistryKeyRotated[] Rotations, LeafIndex First)>> RotateAsync(CallerRecord actor, Func<(RegistryKeyUse Use, PublicKey Old)[]> present)
    {
        await _rotating.WaitAsync().ConfigureAwait(false);
        try
        {
            var rotations = Make(present());
            var decided = await sequencer.DecideAsync<LeafIndex[]>(
                Lane.Ordinary, draft => draft.Objection(actor) is { } objection ? objection : rotations.Select(rotation => draft.Stage(actor.Id, rotation, draft.RegistryId)).ToArray()).ConfigureAwait(false);
            // Of these it is known that nothing was written; after anything else the ledger may name the new keys.
            if (decided.Refusal is Refusal.StorageFull or Refusal.Overloaded or Refusal.CallerUnknown or Refusal.KeyStopped)
                Retire(rotations.Select(rotation => rotation.Key.KeyId));
            return decided.IsRefused ? Refused.Because(decided.Refusal, decided.Detail) : (rotations, decided.Value[0]);
        }
        finally
        {
            _rotating.Release();
        }
    }

    // All or none: a key that no entry names would lie there for good.
    private RegistryKeyRotated[] Make((RegistryKeyUse Use, PublicKey Old)[] present)
    {
        var made = new List<RegistryKeyRotated>();
        try
        {
            foreach (var (use, old) in present)
                made.Add(new RegistryKeyRotated(use, keys.Create(use), old.KeyId));
            return [.. made];
        }
        catch
        {
            Retire(made.Select(rotation => rotation.Key.KeyId));
            throw;
        }
    }

    private static KeyRotated Answer((RegistryKeyRotated[] Rotations, LeafIndex First) rotated) => new(rotated.Rotations[0].Key.KeyId, rotated.Rotations[0].Retired, rotated.First);

    private void Retire(IEnumerable<KeyId> replaced)
    {
        foreach (var key in replaced)
            keys.Retire(key);
    }

    private Outcome<GenesisOperator[]> Prove(Hash secretHash, IReadOnlyList<FirstOperator> operators, DateTimeOffset now)
    {
        var wanted = settings.SingleOperator ? 1 : 2;
        if (operators.Count != wanted)
            return Refused.Because(Refusal.NeedsTwoOperators, settings.SingleOperator ? "Single-operator mode has one operator." : "A registry has two first operators, so that no single one can restore what was stopped.");
        var people = new List<GenesisOperator>();
        foreach (var person in operators)
        {
            if (!IsText(person.Name, NameMax))
                return Refused.Because(Refusal.NameMalformed, $"A name is 1 to {NameMax} printable characters.");
            var refusal = BootstrapProof.Read(person.Proof, settings.Name.PublicUrl, secretHash, now, out var proof);
            if (refusal != Refusal.None || proof!.Name != person.Name)
                return Refused.Because(refusal == Refusal.ProofStale ? refusal : Refusal.ProofInvalid, $"The proof of {person.Name} is not a good one: docs/formats.md, \"Bootstrap proof\".");
            if (people.Exists(other => other.Key.KeyId == proof.Key.KeyId || other.Name == person.Name))
                return Refused.Because(Refusal.NeedsTwoOperators, "Two operators have different names and different keys.");
            people.Add(new GenesisOperator(SubjectId.New(now), person.Name, proof.Key, person.Proof));
        }
        return people.OrderBy(person => person.Id).ToArray();
    }

    // A definition gives reads to whom a stop restricts, and takes agents that come later out of sight of a stop of their model.
    private static bool WouldLoosen(RegistryState state, Scope stopped, StandingState left, string blueprint, string model) =>
        stopped == new Scope(ScopeKind.Model, model) || stopped == new Scope(ScopeKind.Blueprint, blueprint)
        || (left == StandingState.Restricted && state.Reach.Agents(stopped).Any(agent => agent.Grant.Terms.Blueprint == blueprint));

    private Outcome<LeafIndex> Found(Draft draft, Genesis genesis) => draft.State.IsBootstrapped || draft.Entries.Count > 0
        ? Refused.Because(Refusal.BootstrapClosed, "This registry has its operators already.")
        : draft.Stage(founding.RegistryId, genesis, founding.RegistryId);

    private static Outcome<Grant> Terms(TokenWish wish)
    {
        if (!IsText(wish.Sponsor, TermMax) || !IsText(wish.Blueprint, TermMax))
            return Refused.Because(Refusal.NameMalformed, $"Sponsor and blueprint are 1 to {TermMax} printable characters.");
        var labels = wish.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).ToArray();
        if (!AreLabels(labels))
            return Refused.Because(Refusal.LabelsMalformed, LabelsRule);
        if (!Envelope.TryParse(wish.MaximumEnvelope, out var envelope))
            return Refused.Because(Refusal.EnvelopeMalformed, "The maximum envelope is not one: docs/formats.md, \"Envelope\".");
        if (!Audiences.AreValid(wish.Audiences))
            return Refused.Because(Refusal.AudienceMalformed, "A token allows 1 to 16 distinct audiences of 1 to 256 printable ASCII characters.");
        return new Grant(wish.Sponsor, wish.Blueprint, labels, envelope.Canonical, [.. wish.Audiences.Order(StringComparer.Ordinal)]);
    }

    internal static string LabelsRule { get; } = $"At most {LabelsMax} labels with distinct names; names and values are 1 to {NameMax} printable characters, names without '='.";

    internal static bool AreLabels(IReadOnlyList<KeyValuePair<string, string>> labels) =>
        labels.Count <= LabelsMax && labels.DistinctBy(label => label.Key).Count() == labels.Count
        && labels.All(label => IsText(label.Key, NameMax) && IsText(label.Value, NameMax) && !label.Key.Contains('=', StringComparison.Ordinal));

    internal static bool IsText(string text, int lengthMax) => text.Length > 0 && text.Length <= lengthMax && !text.Any(char.IsControl) && !text.Any(char.IsSurrogate) && text.Trim() == text;

    private static Task<Outcome<T>> Refuse<T>(Refusal refusal, string detail) => Task.FromResult<Outcome<T>>(Refused.Because(refusal, detail));
}

/// <summary>The names and keys that a genesis entry will hold, made before it is written. One that was founded before there were DID logs has no key for them.</summary>
public sealed record FoundingKeys(SubjectId RegistryId, PublicKey Issuer, PublicKey Log, PublicKey? Did);
