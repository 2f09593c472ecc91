using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>What the entries add up to. Changed by one writer, entry by entry; read by every thread at any time.</summary>
public sealed class RegistryState
{
    private readonly ConcurrentDictionary<SubjectId, AgentSlot> _agents = new();
    private readonly ConcurrentDictionary<KeyId, SubjectId> _agentsByKey = new();
    private readonly ConcurrentDictionary<Hash, SubjectId> _ordered = new();
    private readonly ConcurrentDictionary<Hash, TokenRecord> _tokens = new();
    private readonly ConcurrentDictionary<SubjectId, Hash> _tokenHashes = new();
    private readonly ConcurrentDictionary<KeyId, CallerRecord> _callers = new();

    // Owned by the writer.
    private readonly Dictionary<SubjectId, SubjectCursor> _subjects = [];
    private readonly SubjectHeads _heads = new();
    private readonly List<AgentSlot> _inOrder = [];
    private readonly List<Hash> _tokensInOrder = [];
    private readonly AgentGroups _sponsors = new();
    private readonly AgentGroups _blueprints = new();

    private ulong _position;
    private ulong _epoch;
    private ulong _epochFloor;
    private volatile KeyHistory _issuerKeys = KeyHistory.Empty;
    private volatile KeyHistory _integrityKeys = KeyHistory.Empty;
    private volatile LogRecord[] _logs = [];
    private volatile PublicKey[] _watchKeys = [];
    private volatile PeopleChange[] _peopleChanges = [];
    private volatile Founding? _founding;
    private volatile PublicKey? _breakGlassKey;
    private volatile KeyHistory _didKeys = KeyHistory.Empty;
    private volatile GrantedLeases _leases = GrantedLeases.None;
    private volatile RulesInForce _rules = RulesInForce.None;
    private LeafIndex? _didIndex;
    private volatile int _agentCount;
    private volatile int _tokenCount;
    private StopReach? _reach;
    private StopExposures? _exposures;

    public RegistryState() => Lineage = new Lineage(MarkParent);

    /// <summary>Who the registry is, once the genesis entry has been written.</summary>
    public Founding? Founding => _founding;

    [MemberNotNullWhen(true, nameof(Founding))]
    public bool IsBootstrapped => _founding is not null;

    public KeyHistory IssuerKeys => _issuerKeys;

    /// <summary>The keys that have signed embedded proofs; empty until somebody asks for one.</summary>
    public KeyHistory IntegrityKeys => _integrityKeys;

    /// <summary>The keys for tokens that strangers are told. They know nothing of the ledger, so one under a stop is not among them, not even for what it signed before.</summary>
    public IReadOnlyList<PublicKey> PublishedIssuerKeys => Published(_issuerKeys);

    /// <summary>The keys for embedded proofs that strangers are told.</summary>
    public IReadOnlyList<PublicKey> PublishedIntegrityKeys => Published(_integrityKeys);

    private PublicKey[] Published(KeyHistory keys) => [.. keys.All.Where(key => !Stops.DenyState.IsIssuerKeyStopped(key.KeyId))];

    /// <summary>The keys that have signed what enforcers are told, the present one last; empty until somebody watches.</summary>
    public IReadOnlyList<PublicKey> WatchKeys => _watchKeys;

    /// <summary>The logs that the tree was signed as, the present one last; empty before the genesis entry.</summary>
    public IReadOnlyList<LogRecord> Logs => _logs;

    /// <summary>The log that signs now.</summary>
    /// <exception cref="InvalidOperationException">There is no genesis entry yet.</exception>
    public LogRecord Log => _logs is [.., var last] ? last : throw new InvalidOperationException("There is no log before the genesis entry.");

    public ulong Position => Volatile.Read(ref _position);

    public ulong Epoch => Volatile.Read(ref _epoch);

    /// <summary>An epoch that somebody holds a signature of, whether the ledger knows it or not. The next one lies above it.</summary>
    public ulong EpochFloor => Volatile.Read(ref _epochFloor);

    // The position is read first, so that the epoch is never older than the position says.
    public Moment Moment
    {
        get
        {
            var position = Position;
            return new Moment(Epoch, position);
        }
    }

    public int AgentCount => _agentCount;

    /// <summary>Stops, cuts and blueprints.</summary>
    public StopBook Stops { get; } = new();

    /// <summary>What enforcers have signed.</summary>
    public EnforcerBook Enforcers { get; } = new();

    /// <summary>Evidence that is good no more, since it was used.</summary>
    public UsedEvidence UsedEvidence { get; } = new();

    /// <summary>What enforcers are granted beyond the lease that everything has.</summary>
    public GrantedLeases Leases => _leases;

    /// <summary>What stops by itself.</summary>
    public RulesInForce Rules => _rules;

    /// <summary>Who passed authority on to whom.</summary>
    public Lineage Lineage { get; }

    /// <summary>Whom a scope reaches.</summary>
    public StopReach Reach => _reach ??= new StopReach(this);

    /// <summary>The key whose orders freeze without the registry; null when there is none.</summary>
    public PublicKey? BreakGlassKey => _breakGlassKey;

    /// <summary>By which entries operators came and went since the genesis, oldest first: whoever was away is shown them again.</summary>
    public IReadOnlyList<PeopleChange> PeopleChanges => _peopleChanges;

    /// <summary>The keys that have made the keys of DID logs; none in a registry that was founded without.</summary>
    public KeyHistory DidKeys => _didKeys;

    /// <summary>The entry that holds the last line of the registry's own DID log; null when it has none.</summary>
    public LeafIndex? DidIndex
    {
        get
        {
            lock (_heads)
                return _didIndex;
        }
        private set
        {
            lock (_heads)
                _didIndex = value;
        }
    }

    public IEnumerable<CallerRecord> Callers => _callers.Values;

    /// <summary>The heads entry that was applied last, with the map that it commits to; null before the first.</summary>
    public CommittedHeads? LastHeads => _heads.Committed;

    /// <summary>Time of the newest entry, ms since 1970. The writer's.</summary>
    internal long LastAt { get; private set; }

    internal StatusPlaces StatusPlaces { get; } = new();

    public AgentRecord? FindAgent(SubjectId id) => _agents.TryGetValue(id, out var slot) ? slot.Current : null;

    /// <summary>The agent whose key this is or was.</summary>
    public AgentRecord? FindAgent(KeyId key) => _agentsByKey.TryGetValue(key, out var id) ? FindAgent(id) : null;

    /// <summary>The agent whose key may be replaced, or was, by who has the token.</summary>
    public AgentRecord? FindOrdered(in Hash tokenHash) => _ordered.TryGetValue(tokenHash, out var id) ? FindAgent(id) : null;

    /// <summary>What the token of this id hashes to; null when there is none.</summary>
    public Hash? TokenHash(SubjectId token) => _tokenHashes.TryGetValue(token, out var hash) ? hash : null;

    /// <summary>The agent whose DID an audience is, as stops see it, or saw it at an entry; null when it is no agent's.</summary>
    public Actor? Callee(RegistryName name, string audience, LeafIndex? at = null) =>
        name.TryParseAgentDid(audience, out var id) && FindAgent(id) is { } agent ? (at is { } entry ? agent.ActorAt(entry) : agent.Actor) : null;

    /// <summary>What stops leave of the agent's authority, those that are on their way included.</summary>
    public StandingState StandingOf(AgentRecord agent) => Stops.DenyState.Of(agent.Actor).State;

    public TokenRecord? FindToken(in Hash tokenHash) => _tokens.GetValueOrDefault(tokenHash);

    public TokenRecord? FindToken(SubjectId id) => TokenHash(id) is { } hash ? FindToken(hash) : null;

    /// <summary>Enrolment tokens in the order in which they were created, from the one at <paramref name="ordinal"/>.</summary>
    public IEnumerable<TokenRecord> TokensFrom(int ordinal)
    {
        for (var i = ordinal; i < _tokenCount; i++)
            yield return _tokens[_tokensInOrder[i]];
    }

    public CallerRecord? FindCaller(KeyId key) => _callers.GetValueOrDefault(key);

    /// <summary>Agents in the order in which they were enrolled, from the one at <paramref name="ordinal"/>.</summary>
    public IEnumerable<AgentRecord> AgentsFrom(int ordinal)
    {
        for (var i = ordinal; i < _agentCount; i++)
            yield return _inOrder[i].Current;
    }

    /// <summary>The agents of a sponsor, newest first, by their places in the order of enrolment.</summary>
    internal IEnumerable<int> OfSponsor(string sponsor) => _sponsors.Of(sponsor);

    /// <summary>The agents of a blueprint, likewise.</summary>
    internal IEnumerable<int> OfBlueprint(string blueprint) => _blueprints.Of(blueprint);

    /// <summary>The place of an agent in the order of enrolment; null for one that is not known.</summary>
    internal int? PlaceOf(SubjectId id) => _agents.TryGetValue(id, out var slot) ? slot.Place : null;

    /// <summary>The agent at a place below <see cref="AgentCount"/>.</summary>
    internal AgentRecord AgentAt(int place) => _inOrder[place].Current;

    /// <summary>Whether <see cref="Lineage"/> has any edge that begins at the agent at a place.</summary>
    internal bool IsParent(int place) => _inOrder[place].IsParent;

    /// <summary>Who recorded anything lately.</summary>
    internal RecentActivity Recent { get; } = new();

    /// <summary>Applies one entry. The same function serves the write that was just made durable and the start that reads it back.</summary>
    /// <exception cref="LedgerDamagedException">The entry does not follow from those before it.</exception>
    public void Apply(LeafIndex index, Entry entry, Opening opening, in Hash leafHash)
    {
        RequireNext(index, entry.At);
        if (entry.Body is Heads heads)
            _heads.Commit(index, heads, this);
        foreach (var subject in entry.Subjects)
            Count(index, subject, opening, in leafHash);
        Fold(index, entry, opening);
        Advance(index, entry.At);
    }

    /// <summary>Applies what stays of an activity that was erased. What erased it comes later in the ledger.</summary>
    /// <exception cref="LedgerDamagedException">The stub does not follow from what was before, or is not the leaf's.</exception>
    public void Apply(LeafIndex index, ErasedStub stub, Leaf leaf, in Hash leafHash)
    {
        RequireNext(index, stub.At);
        var subject = new EntrySubject(stub.AgentId, stub.SubjectSequence);
        var cursor = Known(index, subject);
        if (leaf.Class != (byte)stub.Class || !leaf.Nullifiers.SequenceEqual([Leaf.Nullifier(cursor.Label.ToArray(), stub.SubjectSequence)]))
            throw new LedgerDamagedException($"Entry {index} was erased, and what stays of it is not of its leaf.");
        cursor.Head = cursor.Head.Then(in leafHash, index);
        _heads.Changed(cursor);
        Extend(index, stub.AgentId, stub.Previous, new ChainHead(stub.KeyId, stub.Sequence + 1, stub.Identity, index, stub.At, stub.IsQuarantined));
        Advance(index, stub.At);
    }

    /// <summary>Sees to it that no epoch is opened up to this one.</summary>
    internal void RaiseEpochFloor(ulong epoch)
    {
        for (var seen = EpochFloor; seen < epoch; seen = EpochFloor)
            Interlocked.CompareExchange(ref _epochFloor, epoch, seen);
    }

    /// <summary>What the next heads entry says. The writer's, and cheap when it was called a short while ago.</summary>
    internal Heads NextHeads() => _heads.Next();

    internal SubjectCursor? Cursor(SubjectId subject) => _subjects.GetValueOrDefault(subject);

    internal bool IsNameTaken(CallerRole role, string name) => _callers.Values.Any(caller => caller.Role == role && caller.Name == name);

    /// <summary>A consistent copy of references, taken by the writer between two entries.</summary>
    internal StateCopy Copy() => new(
        Position, Epoch, LastAt, StatusPlaces.Copy(), _founding, _logs, _watchKeys, [.. _issuerKeys.Spans], [.. _inOrder.Select(slot => slot.Current)], [.. _tokensInOrder.Select(hash => _tokens[hash])], [.. _callers.Values],
        [.. _subjects.Select(pair => new SubjectCopy(pair.Key, pair.Value.Label, pair.Value.Head))], _heads.CopyCommitted(),
        [.. Stops.All.OrderBy(stop => stop.Denial.Index.Value)], [.. Stops.Blueprints], Lineage.Copy(), Enforcers.Copy(), _breakGlassKey, _peopleChanges)
    {
        DidKeys = [.. _didKeys.Spans],
        DidIndex = DidIndex,
        UsedEvidence = UsedEvidence.Copy(),
        IntegrityKeys = [.. _integrityKeys.Spans],
        Leases = _leases,
        Rules = _rules,
    };

    /// <summary>The state as it was copied. Only at a start, before anybody reads.</summary>
    internal static RegistryState From(StateCopy copy)
    {
        var state = new RegistryState { _position = copy.Position, _epoch = copy.Epoch, LastAt = copy.LastAt, _founding = copy.Founding, _logs = [.. copy.Logs], _watchKeys = [.. copy.WatchKeys] };
        state.StatusPlaces.Restore(copy.StatusPlaces);
        foreach (var (key, from) in copy.IssuerKeys)
            state._issuerKeys = state._issuerKeys.Then(key, from);
        foreach (var (key, from) in copy.IntegrityKeys)
            state._integrityKeys = state._integrityKeys.Then(key, from);
        foreach (var agent in copy.Agents)
            state.Add(agent);
        foreach (var token in copy.Tokens)
            state.Add(token);
        foreach (var caller in copy.Callers)
            state._callers[caller.Key.KeyId] = caller;
        foreach (var subject in copy.Subjects)
            state._subjects.Add(subject.Id, new SubjectCursor(subject.Label) { Head = subject.Head });
        foreach (var stop in copy.Stops)
            state.Stops.Add(stop);
        foreach (var blueprint in copy.Blueprints)
            state.Stops.Add(blueprint);
        state.Lineage.Restore(copy.Lineage);
        state.Enforcers.Restore(copy.Enforcers);
        state._breakGlassKey = copy.BreakGlassKey;
        foreach (var (key, from) in copy.DidKeys)
            state._didKeys = state._didKeys.Then(key, from);
        state.DidIndex = copy.DidIndex;
        state.UsedEvidence.Restore(copy.UsedEvidence);
        state._leases = copy.Leases;
        state._rules = copy.Rules;
        state._peopleChanges = [.. copy.PeopleChanges];
        state._heads.Restore(state._subjects, copy.Founding, copy.LastHeads);
        return state;
    }

    private void RequireNext(LeafIndex index, long at)
    {
        if (index.Value != _position)
            throw new LedgerDamagedException($"Expected entry {_position}, found {index}.");
        if (at < LastAt)
            throw new LedgerDamagedException($"Entry {index} is older than the one before it.");
    }

    private void Advance(LeafIndex index, long at)
    {
        LastAt = at;
        Volatile.Write(ref _position, index.Value + 1);
    }

    private void Count(LeafIndex index, EntrySubject subject, Opening opening, in Hash leafHash)
    {
        var cursor = subject.Sequence == 0 ? First(index, subject, opening) : Known(index, subject);
        cursor.Head = cursor.Head.Then(in leafHash, index);
        _heads.Changed(cursor);
    }

    private SubjectCursor First(LeafIndex index, EntrySubject subject, Opening opening)
    {
        var label = opening.Labels.FirstOrDefault(label => label.Id == subject.Id) ?? throw new LedgerDamagedException($"Entry {index} opens no label of {subject.Id}.");
        var cursor = new SubjectCursor(label.Label);
        return SubjectLabel.Commit(label.Label) == subject.LabelCommitment && _subjects.TryAdd(subject.Id, cursor)
            ? cursor
            : throw new LedgerDamagedException($"Entry {index} names {subject.Id} for the first time, wrongly.");
    }

    private SubjectCursor Known(LeafIndex index, EntrySubject subject) =>
        Cursor(subject.Id) is { } cursor && cursor.Head.Count == subject.Sequence
            ? cursor
            : throw new LedgerDamagedException($"Entry {index} has the number {subject.Sequence} of {subject.Id}, which is not the next.");

    private void Fold(LeafIndex index, Entry entry, Opening opening)
    {
        switch (entry.Body)
        {
            case Genesis genesis:
                Found(index, entry, genesis);
                break;
            case CallerRegistered caller:
                var record = new CallerRecord(entry.Subjects[0].Id, caller.Role, caller.Name, caller.Key, caller.Audiences, entry.At);
                _callers[caller.Key.KeyId] = record;
                break;
            case TokenCreated token:
                Add(new TokenRecord(entry.Subjects[0].Id, token.TokenHash, AgentGrant.Of(token.Grant, token.Evidence, token.SessionSeconds), token.Uses, token.ExpiresAt, 0, new TokenMark(index, entry.Actor, entry.At)));
                break;
            case TokenWithdrawn withdrawn:
                Withdraw(new TokenMark(index, entry.Actor, entry.At), withdrawn);
                break;
            case AgentEnrolled agent:
                Enrol(index, entry, agent);
                break;
            case CredentialsIssued issued:
                Issue(index, issued, opening);
                break;
            case Activity activity:
                Extend(index, entry, activity);
                break;
            case Stop stop:
                var denial = Reach.Spell(index, stop.Epoch, stop.State, stop.Scope, null, entry.At);
                Stops.Add(Record(entry, denial.With(stop.Probes), stop.Reason, stop.Incident) with { Probes = stop.Probes, Rule = stop.Rule });
                OpenEpoch(index, stop.Epoch);
                break;
            case CompromiseCut cut:
                foreach (var older in Stops.ReplacedBy(cut))
                    Stops.Lift(older, new Lifting(index, cut.Epoch, entry.At));
                var after = Reach.Spell(index, cut.Epoch, StandingState.Frozen, cut.Scope, cut.After, entry.At);
                Stops.Add(Record(entry, after.With(cut.Probes), cut.Reason, cut.Incident) with { Probes = cut.Probes });
                OpenEpoch(index, cut.Epoch);
                break;
            case Restored restored:
                foreach (var lifted in restored.Stops)
                    Stops.Lift(lifted, new Lifting(index, restored.Epoch, entry.At));
                OpenEpoch(index, restored.Epoch);
                break;
            case BlueprintDefined blueprint:
                Stops.Add(new BlueprintRecord(blueprint.Name, blueprint.Model, blueprint.Reads, index, blueprint.Epoch));
                OpenEpoch(index, blueprint.Epoch);
                break;
            case OperatorAdded added:
                _callers[added.Key.KeyId] = new CallerRecord(entry.Subjects[0].Id, CallerRole.Operator, added.Name, added.Key, [], entry.At) { Passkey = added.Passkey };
                ChangePeople(index, added.Epoch);
                break;
            case CallerRemoved removed:
                Remove(index, removed);
                ChangePeople(index, removed.Epoch);
                break;
            case BreakGlassKeySet breakGlass:
                _breakGlassKey = breakGlass.Key;
                ChangePeople(index, breakGlass.Epoch);
                break;
            case Delegated delegated:
                Lineage.Add(index, delegated, entry.At);
                break;
            case BudgetSpent spent:
                Lineage.Spend(index, spent);
                break;
            case RegistryKeyRotated { Use: RegistryKeyUse.Credentials } rotated:
                _issuerKeys = _issuerKeys.Then(rotated.Key, index);
                break;
            case RegistryKeyRotated { Use: RegistryKeyUse.Integrity } rotated:
                ReplaceIntegrityKey(index, rotated);
                break;
            case RegistryKeyRotated { Use: RegistryKeyUse.Watch } rotated:
                ReplaceWatchKey(index, rotated);
                break;
            case RegistryKeyRotated { Use: RegistryKeyUse.Did } rotated:
                ReplaceDidKey(index, rotated);
                break;
            case Fork fork:
                Accuse(index, fork);
                break;
            case HoldPlaced hold:
                Change(hold.AgentId, agent => agent with { Holds = [.. agent.Holds, new HoldInForce(index, hold.Reason, entry.At)] });
                break;
            case HoldLifted lifted:
                Change(lifted.AgentId, agent => agent with { Holds = [.. agent.Holds.Where(hold => hold.Index != lifted.Hold)] });
                break;
            case LogSucceeded succeeded:
                Succeed(index, succeeded);
                break;
            case EnforcersAcknowledged acknowledged:
                Enforcers.Add(index, entry.At, acknowledged, opening, this);
                break;
            case CredentialsUnlogged unlogged:
                Enforcers.Add(unlogged);
                break;
            case LeasesGranted granted:
                _leases = _leases.Then(granted, entry.At);
                break;
            case RulesSet set:
                _rules = new RulesInForce(index, set.Rules);
                break;
            case EnforcerAlarmed alarmed:
                Enforcers.Add(index, entry.At, alarmed);
                break;
            case DidVersion version:
                Follow(index, entry.Subjects[0].Id, version);
                break;
            case AgentKeyRotated rotated:
                Rotate(index, entry.At, rotated);
                break;
            case KeyReplacementOrdered ordered:
                Order(ordered.AgentId, agent => agent with { Order = new ReplacementOrder(index, ordered.TokenHash, ordered.ExpiresAt) });
                break;
            case DidKeysHeld held:
                Hold(index, held);
                break;
            case EvidenceAccepted evidence:
                Attest(index, entry, evidence);
                break;
            case PrivateDataRead or CallsRefused or Heads or ActivitiesErased or LogCosigned:
                break;
            default:
                throw new LedgerDamagedException($"Entry {index} says something that this version does not know.");
        }
    }

    private void Rotate(LeafIndex index, long at, AgentKeyRotated rotated)
    {
        if (FindAgent(rotated.AgentId)?.Key.KeyId != rotated.Retired || !_agentsByKey.TryAdd(rotated.Key.KeyId, rotated.AgentId))
            throw new LedgerDamagedException($"Entry {index} ends a key that is not the agent's, or gives it one that was an agent's before.");
        Order(rotated.AgentId, agent => agent.With(rotated.Key, index, rotated.Order, at));
    }

    // An order that is over is forgotten with its token.
    private void Order(SubjectId id, Func<AgentRecord, AgentRecord> change)
    {
        var before = FindAgent(id)?.Order;
        var order = Change(id, change).Current.Order;
        if (before is not null && before != order)
            _ordered.TryRemove(before.TokenHash, out _);
        if (order is not null)
            _ordered[order.TokenHash] = id;
    }

    // Whoever is vouched for stands below the one who vouches, for good: a cascade must reach it.
    private void Attest(LeafIndex index, Entry entry, EvidenceAccepted evidence)
    {
        Change(evidence.AgentId, agent => agent with
        {
            Grant = agent.Grant.Attesting(evidence.Labels),
            Evidence = new AcceptedEvidence(evidence.Source, evidence.Issuer, evidence.Subject, evidence.Hash, entry.At),
            UnattestedSince = null,
        });
        UsedEvidence.Add(evidence.Hash, UsedEvidence.Until(evidence.ExpiresAt), entry.At);
        if (evidence.Source != EvidenceSource.Vouch)
            return;
        if (!SubjectId.TryParse(evidence.Issuer, out var voucher) || FindAgent(voucher) is null)
            throw new LedgerDamagedException($"Entry {index} has an agent vouch that was never enrolled.");
        Lineage.Vouch(index, voucher, evidence.AgentId);
    }

    private void Follow(LeafIndex index, SubjectId subject, DidVersion version)
    {
        if (subject != Founding!.RegistryId)
        {
            Change(subject, agent => agent.DidIndex == version.Before && !agent.IsDidEnded
                ? agent with { DidIndex = index, IsDidEnded = version.Deactivates }
                : throw new LedgerDamagedException($"Entry {index} does not follow the last line of its DID log."));
            return;
        }
        if (DidIndex != version.Before)
            throw new LedgerDamagedException($"Entry {index} does not follow the last line of the registry's DID log.");
        DidIndex = index;
    }

    private void Remove(LeafIndex index, CallerRemoved removed)
    {
        var records = _callers.Values.Where(caller => caller.Id == removed.Caller).ToArray();
        if (records.Length == 0)
            throw new LedgerDamagedException($"Entry {index} removes a caller that is none.");
        foreach (var record in records)
            _callers.TryRemove(record.Key.KeyId, out _);
    }

    private StopRecord Record(Entry entry, Denial denial, string reason, string incident) =>
        new(denial, entry.Actor, reason, incident, entry.At) { Exposure = (_exposures ??= new StopExposures(this)).Of(denial, entry.Subjects[0].Id, entry.At) };

    // Each entry that takes or gives authority opens the next epoch; two of one number would hide one of them.
    private void OpenEpoch(LeafIndex index, ulong epoch)
    {
        if (epoch <= _epoch)
            throw new LedgerDamagedException($"Entry {index} opens epoch {epoch}, and it is {_epoch} already.");
        Volatile.Write(ref _epoch, epoch);
    }

    private void ChangePeople(LeafIndex index, ulong epoch)
    {
        OpenEpoch(index, epoch);
        _peopleChanges = [.. _peopleChanges, new PeopleChange(epoch, index)];
    }

    private void Found(LeafIndex index, Entry entry, Genesis genesis)
    {
        foreach (var key in genesis.Keys.Where(key => key.Use == RegistryKeyUse.Credentials))
            _issuerKeys = _issuerKeys.Then(key.Key, index);
        _watchKeys = [.. genesis.Keys.Where(key => key.Use == RegistryKeyUse.Watch).Select(key => key.Key)];
        foreach (var person in genesis.Operators)
            _callers[person.Key.KeyId] = new CallerRecord(person.Id, CallerRole.Operator, person.Name, person.Key, [], entry.At) { IsFounder = true };
        foreach (var key in genesis.Keys.Where(key => key.Use == RegistryKeyUse.Did))
            _didKeys = _didKeys.Then(key.Key, index);
        DidIndex = genesis.DidLine is null ? null : index;
        var logKey = genesis.Keys.Single(key => key.Use == RegistryKeyUse.Log).Key;
        _logs = [new LogRecord(genesis.Origin, logKey, index)];
        _founding = new Founding(entry.Subjects[0].Id, genesis.PublicUrl, genesis.Origin, logKey, genesis.SingleOperator);
    }

    private void ReplaceIntegrityKey(LeafIndex index, RegistryKeyRotated rotated)
    {
        if (rotated.Retired != (_integrityKeys.Newest?.KeyId ?? default))
            throw new LedgerDamagedException($"Entry {index} ends a key for embedded proofs that was not in force.");
        _integrityKeys = _integrityKeys.Then(rotated.Key, index);
    }

    // The first one ends none, and names 32 zero bytes.
    private void ReplaceWatchKey(LeafIndex index, RegistryKeyRotated rotated)
    {
        if (rotated.Retired != (_watchKeys is [.., var last] ? last.KeyId : default))
            throw new LedgerDamagedException($"Entry {index} ends a key for enforcers that was not in force.");
        _watchKeys = [.. _watchKeys, rotated.Key];
    }

    private void ReplaceDidKey(LeafIndex index, RegistryKeyRotated rotated)
    {
        if (_didKeys.IsEmpty || rotated.Retired != _didKeys.Current.KeyId)
            throw new LedgerDamagedException($"Entry {index} ends a key for DID logs that was not in force.");
        _didKeys = _didKeys.Then(rotated.Key, index);
    }

    private void Succeed(LeafIndex index, LogSucceeded next)
    {
        var origin = LogOrigin.Of(Founding!.Origin, _logs.Length + 1);
        if (next.Before != Log.Origin || next.Origin != origin)
            throw new LedgerDamagedException($"Entry {index} has {next.Origin} succeed {next.Before}; expected {origin} after {Log.Origin}.");
        if (!Checkpoint.TryOpen(Encoding.UTF8.GetBytes(next.LastCheckpoint), Log.Verifier, out var last, out _) || last.Size.Value > index.Value)
            throw new LedgerDamagedException($"Entry {index} names a last checkpoint of {Log.Origin} that its key has not signed, or that covers more than stands below.");
        var before = Log with { LastCheckpoint = next.LastCheckpoint };
        if (last.Extensions.Length > 0 && (before.Succession is not { } note || !next.IsNamedBy(note)))
            throw new LedgerDamagedException($"Entry {index} opens {next.Origin}, and the last checkpoint of {Log.Origin} names another successor.");
        _logs = [.. _logs[..^1], before, new LogRecord(next.Origin, next.Key, index)];
    }

    private void Enrol(LeafIndex index, Entry entry, AgentEnrolled agent)
    {
        if (!_tokenHashes.TryGetValue(agent.TokenId, out var tokenHash))
            throw new LedgerDamagedException($"Entry {index} enrols with a token that was never created.");
        var token = _tokens[tokenHash];
        if (token.Withdrawal is { } withdrawal)
            throw new LedgerDamagedException($"Entry {index} enrols with a token that entry {withdrawal.By.Index} withdrew.");
        _tokens[tokenHash] = token with { UsesMade = token.UsesMade + 1 };
        Add(new AgentRecord(agent.AgentId, agent.Key, agent.TokenId, token.Grant.Stating(agent.Grant.StatedLabels), entry.At, index)
        {
            IsProbe = entry.Actor == Founding!.RegistryId,
            DidIndex = agent.DidLine is null ? null : index,
            IsDidHeld = token.NextDidKeyHash is not null,
        });
    }

    private void Hold(LeafIndex index, DidKeysHeld held)
    {
        if (TokenHash(held.TokenId) is not { } hash || _tokens[hash] is not { UsesMade: 0, NextDidKeyHash: null } token)
            throw new LedgerDamagedException($"Entry {index} changes who holds the keys of DIDs that there are already.");
        _tokens[hash] = token with { NextDidKeyHash = held.NextKeyHash };
    }

    private void Withdraw(TokenMark mark, TokenWithdrawn withdrawn)
    {
        if (FindToken(withdrawn.TokenId) is not { Withdrawal: null } token)
            throw new LedgerDamagedException($"Entry {mark.Index} withdraws a token that was never created, or is withdrawn already.");
        _tokens[token.TokenHash] = token with { Withdrawal = new TokenWithdrawal(mark, withdrawn.Reason) };
    }

    private void Issue(LeafIndex index, CredentialsIssued issued, Opening opening)
    {
        // The invariant of the write, checked again on the read: what stands beside the tree is what the tree commits to.
        var hashes = opening.Items.Select(item => MerkleHash.Leaf(item)).ToArray();
        if (hashes.Length != issued.Count || MerkleHash.Root(hashes) != issued.Root)
            throw new LedgerDamagedException($"The items of entry {index} do not have its root.");
        for (var i = 0; i < opening.Items.Count; i++)
        {
            if (!IssuanceItem.TryDecode(opening.Items[i], out var item))
                throw new LedgerDamagedException($"Item {i} of entry {index} cannot be read.");
            var live = new LiveCredential(Shared(item), index, (uint)i);
            Change(item.AgentId, agent => agent.With(live));
            StatusPlaces.Give(index, item.StatusIndex);
        }
    }

    // Most credentials name all audiences of their agent: one list in memory for all of them.
    private IssuanceItem Shared(IssuanceItem item) =>
        FindAgent(item.AgentId) is { } agent && agent.Grant.Terms.Audiences.SequenceEqual(item.Audience) ? item with { Audience = agent.Grant.Terms.Audiences } : item;

    private void Extend(LeafIndex index, Entry entry, Activity activity)
    {
        if (!Credentials.Statements.SignedStatement.TryRead(activity.Statement, out var statement))
            throw new LedgerDamagedException($"The statement of entry {index} cannot be read.");
        if (statement.AgentId != entry.Subjects[0].Id)
            throw new LedgerDamagedException($"Entry {index} holds a statement of another agent than it is about.");
        if (statement.Origin != Log.Origin)
            throw new LedgerDamagedException($"Entry {index} holds a statement for the log {statement.Origin}, and this is {Log.Origin}.");
        Extend(
            index, statement.AgentId, statement.Previous,
            new ChainHead(statement.KeyId, statement.Sequence + 1, statement.Identity, index, entry.At, activity.Quarantined));
    }

    private void Extend(LeafIndex index, SubjectId agentId, Hash previous, ChainHead next)
    {
        var slot = Change(agentId, agent =>
        {
            var chain = agent.Chain(next.KeyId);
            return chain.Next + 1 == next.Next && chain.Previous == previous
                ? agent.With(next with { Fork = chain.Fork })
                : throw new LedgerDamagedException($"Entry {index} does not continue its chain.");
        });
        Recent.Add(slot.Place, index);
    }

    private void Accuse(LeafIndex index, Fork fork)
    {
        if (!Credentials.Statements.SignedStatement.TryRead(fork.Statement, out var statement))
            throw new LedgerDamagedException($"The statement of entry {index} cannot be read.");
        Change(statement.AgentId, agent => agent.With(agent.Chain(statement.KeyId) with { Fork = index }));
    }

    private void Add(TokenRecord token)
    {
        _tokens[token.TokenHash] = token;
        _tokenHashes[token.Id] = token.TokenHash;
        // As with agents: readers stop at the count.
        _tokensInOrder.Add(token.TokenHash);
        _tokenCount = _tokensInOrder.Count;
    }

    private void Add(AgentRecord agent)
    {
        var slot = new AgentSlot(agent, _inOrder.Count);
        _agents[agent.Id] = slot;
        _agentsByKey[agent.Key.KeyId] = agent.Id;
        foreach (var key in agent.Keys?.All ?? [])
            _agentsByKey[key.KeyId] = agent.Id;
        if (agent.Order is { } order)
            _ordered[order.TokenHash] = agent.Id;
        // Readers stop at the count, which is raised last; the list may move while it grows, but what a reader holds stays as it was.
        _inOrder.Add(slot);
        _sponsors.Add(agent.Grant.Terms.Sponsor, slot.Place);
        _blueprints.Add(agent.Grant.Terms.Blueprint, slot.Place);
        _agentCount = _inOrder.Count;
    }

    private void MarkParent(SubjectId id)
    {
        if (_agents.TryGetValue(id, out var slot))
            slot.IsParent = true;
    }

    private AgentSlot Change(SubjectId id, Func<AgentRecord, AgentRecord> change)
    {
        if (!_agents.TryGetValue(id, out var slot))
            throw new LedgerDamagedException($"An entry names the agent {id}, which was never enrolled.");
        slot.Current = change(slot.Current);
        return slot;
    }

    private sealed class AgentSlot(AgentRecord agent, int place)
    {
        private volatile AgentRecord _current = agent;
        private volatile bool _isParent;

        // In the order of enrolment.
        public int Place => place;

        public bool IsParent
        {
            get => _isParent;
            set => _isParent = value;
        }

        public AgentRecord Current
        {
            get => _current;
            set => _current = value;
        }
    }
}

/// <summary>Who the registry is: fixed by the genesis entry.</summary>
public sealed record Founding(SubjectId RegistryId, string PublicUrl, string Origin, PublicKey LogKey, bool SingleOperator);

/// <summary>A subject's label, and what the entries about it come to. The writer's.</summary>
internal sealed class SubjectCursor(Hash label)
{
    public Hash Label { get; } = label;

    public Head Head { get; set; }
}

internal sealed record SubjectCopy(SubjectId Id, Hash Label, Head Head);

/// <summary>The state at one position, for a snapshot.</summary>
internal sealed record StateCopy(
    ulong Position,
    ulong Epoch,
    long LastAt,
    StatusPlacesCopy StatusPlaces,
    Founding? Founding,
    IReadOnlyList<LogRecord> Logs,
    IReadOnlyList<PublicKey> WatchKeys,
    IReadOnlyList<(PublicKey Key, LeafIndex From)> IssuerKeys,
    IReadOnlyList<AgentRecord> Agents,
    IReadOnlyList<TokenRecord> Tokens,
    IReadOnlyList<CallerRecord> Callers,
    IReadOnlyList<SubjectCopy> Subjects,
    HeadsCopy? LastHeads,
    IReadOnlyList<StopRecord> Stops,
    IReadOnlyList<BlueprintRecord> Blueprints,
    LineageCopy Lineage,
    IReadOnlyList<EnforcerRecord> Enforcers,
    PublicKey? BreakGlassKey,
    IReadOnlyList<PeopleChange> PeopleChanges)
{
    public IReadOnlyList<(PublicKey Key, LeafIndex From)> DidKeys { get; init; } = [];

    public LeafIndex? DidIndex { get; init; }

    public IReadOnlyList<EvidenceUse> UsedEvidence { get; init; } = [];

    public IReadOnlyList<(PublicKey Key, LeafIndex From)> IntegrityKeys { get; init; } = [];

    public GrantedLeases Leases { get; init; } = GrantedLeases.None;

    public RulesInForce Rules { get; init; } = RulesInForce.None;
}

/// <summary>An entry by which two people have changed who may approve, or the break-glass key.</summary>
public readonly record struct PeopleChange(ulong Epoch, LeafIndex Index);
