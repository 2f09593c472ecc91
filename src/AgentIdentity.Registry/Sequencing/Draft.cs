using System.Security.Cryptography;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Sequencing;

/// <summary>The entries of one commit group while it is decided: what is sequenced, seen through what is pending.</summary>
/// <remarks>Owned by the writer. Decisions read the state through it, so that the second of two in one group knows what the first has done.</remarks>
public sealed class Draft
{
    /// <summary>What enforcers have signed, in one entry.</summary>
    internal const int AcknowledgementsMax = 512;

    private readonly Dictionary<SubjectId, Numbering> _numberings = [];
    private readonly List<Staged> _staged = [];
    private readonly List<PendingIssuance> _issuances = [];
    private readonly HashSet<ulong> _statusIndexes = [];
    private readonly Dictionary<SubjectId, uint> _tokenUses = [];
    private readonly HashSet<SubjectId> _withdrawnTokens = [];
    private readonly Dictionary<KeyId, AgentEnrolled> _enrolments = [];
    private readonly Dictionary<SubjectId, AgentKeyRotated> _rotations = [];
    private readonly Dictionary<KeyId, CallerRegistered> _callers = [];
    private readonly HashSet<KeyId> _breakGlassKeys = [];
    private readonly Dictionary<(SubjectId Agent, KeyId Key), ChainHead> _chains = [];
    private readonly List<Stop> _stops = [];
    private readonly List<CompromiseCut> _cuts = [];
    private readonly HashSet<LeafIndex> _lifted = [];
    private readonly Dictionary<SubjectId, LeafIndex> _holds = [];
    private readonly HashSet<LeafIndex> _liftedHolds = [];
    private readonly HashSet<string> _blueprints = [];
    private readonly Dictionary<(SubjectId Link, string Unit), ulong> _spent = [];
    private readonly List<(SubjectId Enforcer, byte[] Token)> _acknowledgements = [];
    private readonly HashSet<SubjectId> _removed = [];
    private readonly List<StoredStub> _erased = [];
    private readonly HashSet<LeafIndex> _followedLines = [];
    private readonly HashSet<Hash> _evidence = [];
    private readonly ulong _base;
    private ulong _epoch;
    private int _stopCount;

    internal Draft(RegistryState state, Standing standing, DateTimeOffset now)
    {
        State = state;
        Standing = standing;
        _base = state.Position;
        _epoch = Math.Max(state.Epoch, state.EpochFloor);
        // The clock of the machine may go back; the ledger's does not.
        At = Math.Max(now.ToUnixTimeMilliseconds(), state.LastAt);
    }

    public RegistryState State { get; }

    public Standing Standing { get; }

    /// <summary>The time of every entry of the group, ms since 1970.</summary>
    public long At { get; }

    public SubjectId RegistryId => State.Founding?.RegistryId ?? throw new InvalidOperationException("Nothing is sequenced before the genesis entry.");

    internal IReadOnlyList<Staged> Entries => _staged;

    /// <summary>What the group erases.</summary>
    internal IReadOnlyList<StoredStub> Erased => _erased;

    /// <summary>Whether what the group has erased is in no file any more. Set by the writer.</summary>
    internal bool IsErasedForGood { get; set; }

    /// <summary>Set by the writer when the group is durable, and not changed afterwards.</summary>
    internal GroupPromise? Promise { get; set; }

    /// <summary>Set by the writer with the promise: the entries of the group as they are stored.</summary>
    internal IReadOnlyList<StoredEntry> Rows { get; set; } = [];

    public ulong OpenEpoch() => checked(++_epoch);

    /// <summary>An entry of this group once that is durable; null for one of an earlier group.</summary>
    public StoredEntry? Row(LeafIndex index) => index.Value >= _base ? Rows[(int)(index.Value - _base)] : null;

    /// <summary>The salt of an entry of this group.</summary>
    public Hash Salt(LeafIndex index) => Find(index).Opening.Salt;

    /// <summary>Whether the group cuts anything: whom a cut reaches is spelled out when it is applied, before what the group delegates.</summary>
    public bool HasCut => _cuts.Count > 0;

    /// <summary>What is left of a unit under a credential: the least that its link or one above has, what is pending included. Null: it was not passed on with that unit.</summary>
    public ulong? BudgetLeft(SubjectId jti, string unit)
    {
        ulong? least = null;
        foreach (var link in State.Lineage.LinksAbove(jti))
        {
            if (link.Body.Budgets.Amount(unit) is not { } amount)
                return null;
            var left = amount - State.Lineage.Spent(link.Body.ChildJti, unit) - _spent.GetValueOrDefault((link.Body.ChildJti, unit));
            least = Math.Min(least ?? left, left);
        }
        return least;
    }

    /// <summary>Whether the token enrols another agent after what the group has decided.</summary>
    public TokenState StateOf(TokenRecord token) => _withdrawnTokens.Contains(token.Id)
        ? TokenState.Withdrawn
        : (token with { UsesMade = token.UsesMade + _tokenUses.GetValueOrDefault(token.Id) }).StateAt(At);

    public AgentEnrolled? PendingEnrolment(KeyId key) => _enrolments.GetValueOrDefault(key);

    /// <summary>The key that an agent has after what the group has decided.</summary>
    public PublicKey KeyOf(AgentRecord agent) => _rotations.TryGetValue(agent.Id, out var rotated) ? rotated.Key : agent.Key;

    /// <summary>Whether an agent has the key, had it, or is about to have it.</summary>
    public bool IsAgentKey(KeyId key) => State.FindAgent(key) is not null || _enrolments.ContainsKey(key) || _rotations.Values.Any(rotated => rotated.Key.KeyId == key);

    /// <summary>Whether a caller has the key or is about to have it, or it is the break-glass key, which is nobody's.</summary>
    public bool IsCallerTaken(KeyId key) =>
        State.FindCaller(key) is not null || _callers.ContainsKey(key) || State.BreakGlassKey?.KeyId == key || _breakGlassKeys.Contains(key);

    public bool IsNameTaken(CallerRole role, string name) =>
        State.IsNameTaken(role, name) || _callers.Values.Any(caller => caller.Role == role && caller.Name == name);

    /// <summary>The operator of that name, who is on the record and is not removed in this group.</summary>
    public CallerRecord? FindOperator(string name) =>
        State.Callers.FirstOrDefault(caller => caller.Role == CallerRole.Operator && caller.Name == name && !IsRemoved(caller.Id));

    /// <summary>The stops of this group so far.</summary>
    public IReadOnlyList<Stop> Stops => _stops;

    /// <summary>The entry of a stop of this group so far, by its actor and what it stops; null when none is like that.</summary>
    public LeafIndex? FindStop(Func<SubjectId, Stop, bool> isMeant) => _staged.Find(staged => staged.Entry.Body is Stop stop && isMeant(staged.Entry.Actor, stop))?.Index;

    /// <summary>The stops of this group so far that were ordered by some.</summary>
    public IEnumerable<Stop> StopsBy(Predicate<SubjectId> isMeant) => _staged.Where(staged => isMeant(staged.Entry.Actor)).Select(staged => staged.Entry.Body).OfType<Stop>();

    /// <summary>Whether exactly this scope is revoked.</summary>
    public bool IsRevoked(Scope scope) => State.Stops.IsRevoked(scope) || _stops.Exists(stop => stop.Scope == scope && stop.State == StandingState.Revoked);

    /// <summary>Whether exactly this scope is stopped in this group.</summary>
    public bool IsStoppedHere(Scope scope) => _stops.Exists(stop => stop.Scope == scope);

    /// <summary>Whether exactly this scope is cut in this group.</summary>
    public bool IsCutHere(Scope scope) => _cuts.Exists(cut => cut.Scope == scope);

    /// <summary>The entries after which exactly this scope is cut, here or before.</summary>
    public IEnumerable<LeafIndex> CutsAfter(Scope scope) =>
        State.Stops.CutsInForce(scope).Where(cut => !IsLifted(cut.Denial.Index)).Select(cut => cut.Denial.After!.Value)
            .Concat(_cuts.Where(cut => cut.Scope == scope).Select(cut => cut.After));

    /// <summary>Whether the stop is lifted in this group.</summary>
    public bool IsLifted(LeafIndex stop) => _lifted.Contains(stop);

    /// <summary>Whether the caller is removed in this group.</summary>
    public bool IsRemoved(SubjectId caller) => _removed.Contains(caller);

    /// <summary>Why a caller gives nothing out any more, who was served when the call came: removed since, or its key is stopped. What takes authority away never asks.</summary>
    public Refused? Objection(CallerRecord caller) => IsRemoved(caller.Id)
        ? Refused.Because(Refusal.CallerUnknown, "The caller is removed at this moment.")
        : Standing.OfCaller(caller.Key.KeyId);

    /// <summary>Whether the line of a DID log that an entry holds is followed by another in this group.</summary>
    public bool IsFollowed(LeafIndex line) => _followedLines.Contains(line);

    /// <summary>Whether that piece of evidence has been used, here or before.</summary>
    public bool IsEvidenceUsed(in Hash hash) => State.UsedEvidence.Contains(hash) || _evidence.Contains(hash);

    /// <summary>Whether a blueprint of that name is defined, or about to be.</summary>
    public bool IsDefined(string blueprint) => State.Stops.Blueprint(blueprint) is not null || _blueprints.Contains(blueprint);

    /// <summary>The hold that keeps the agent's activities, if there is one. One that is lifted in this group still does.</summary>
    public LeafIndex? Hold(SubjectId agent) =>
        State.FindAgent(agent) is { Holds: [var first, ..] } ? first.Index : _holds.TryGetValue(agent, out var placed) ? placed : null;

    public bool HasHold(SubjectId agent, LeafIndex hold) =>
        !_liftedHolds.Contains(hold) && State.FindAgent(agent) is { } held && held.Holds.Any(other => other.Index == hold);

    public ChainHead Chain(AgentRecord agent, KeyId key) => _chains.TryGetValue((agent.Id, key), out var pending) ? pending : agent.Chain(key);

    /// <summary>Puts an entry at the end of the group.</summary>
    /// <returns>The index that it has when the group is durable.</returns>
    public LeafIndex Stage(SubjectId actor, EntryBody body, params SubjectId[] subjects)
    {
        var index = Next;
        Array.Sort(subjects);
        var labels = new List<SubjectLabel>();
        var named = new EntrySubject[subjects.Length];
        for (var i = 0; i < subjects.Length; i++)
            named[i] = Number(subjects[i], labels);
        var opening = new Opening(Hash.Read(RandomNumberGenerator.GetBytes(Hash.Size)), labels, []);
        _staged.Add(new Staged(index, new Entry(At, named, actor, body), opening, this));
        Remember(index, body);
        return index;
    }

    /// <summary>Adds a credential to the group's issuance entry, which stands at the end of the group.</summary>
    public PendingIssuance Issue(Func<ulong, IssuanceItem> makeItem, SubjectId? delegator = null)
    {
        var statusIndex = State.StatusPlaces.Next(_statusIndexes);
        _statusIndexes.Add(statusIndex);
        var pending = new PendingIssuance(makeItem(statusIndex), (uint)_issuances.Count, delegator);
        _issuances.Add(pending);
        return pending;
    }

    public PendingIssuance? PendingIssuance(SubjectId agent) => _issuances.Find(pending => pending.Item.AgentId == agent);

    /// <summary>Credentials of the group that an agent has asked for itself, or that another has passed on to it.</summary>
    public int PendingIssuances(SubjectId agent, SubjectId? delegator = null) => _issuances.Count(pending => pending.Item.AgentId == agent && pending.Delegator == delegator);

    /// <summary>Credentials of the group that others have passed on to an agent.</summary>
    public int PendingDelegations(SubjectId agent) => _issuances.Count(pending => pending.Item.AgentId == agent && pending.Delegator is not null);

    /// <summary>Adds what an enforcer has signed, and what was held against what it was told, to the group's entry for such.</summary>
    public void Acknowledge(SubjectId enforcer, byte[] token) => _acknowledgements.Add((enforcer, token));

    /// <summary>Closes the group: the credentials of all who wait become one entry, and what enforcers have signed another.</summary>
    internal void Seal()
    {
        SealAcknowledgements();
        SealIssuances();
    }

    private void SealAcknowledgements()
    {
        // A leaf has room for some two thousand subjects, and each enforcer is one.
        foreach (var signed in _acknowledgements.Chunk(AcknowledgementsMax))
            StageOver([.. signed.Select(one => one.Token)], root => new EnforcersAcknowledged(root, (uint)signed.Length), [.. signed.Select(one => one.Enforcer).Distinct()]);
    }

    private void SealIssuances()
    {
        if (_issuances.Count == 0)
            return;
        var agents = _issuances.Select(pending => pending.Item.AgentId).Distinct().ToArray();
        var index = StageOver(_issuances.ConvertAll(pending => pending.Item.Encode()), root => new CredentialsIssued(root, (uint)_issuances.Count), agents);
        foreach (var pending in _issuances)
            pending.Index = index;
    }

    // An entry of the registry that holds the root over what stands in its opening.
    private LeafIndex StageOver(List<byte[]> items, Func<Hash, EntryBody> body, SubjectId[] subjects)
    {
        var root = MerkleHash.Root(items.Select(item => MerkleHash.Leaf(item)).ToArray());
        var index = Stage(RegistryId, body(root), subjects);
        _staged[^1] = _staged[^1] with { Opening = _staged[^1].Opening with { Items = items } };
        return index;
    }

    /// <summary>Called when the group's stops have been decided: what is staged so far can stand without the rest.</summary>
    internal void EndStops() => _stopCount = _staged.Count;

    internal StoredEntry[] ToRows() => [.. _staged.Select(staged => staged.ToRow())];

    /// <summary>The rows of the stops alone.</summary>
    internal StoredEntry[] StopRows() => [.. _staged.Take(_stopCount).Select(staged => staged.ToRow())];

    internal Staged Find(LeafIndex index) => _staged[(int)(index.Value - _base)];

    internal Hash Label(SubjectId subject) => _numberings[subject].Label;

    private EntrySubject Number(SubjectId subject, List<SubjectLabel> labels)
    {
        if (!_numberings.TryGetValue(subject, out var numbering))
        {
            numbering = State.Cursor(subject) is { } known
                ? new Numbering(known.Label) { Next = known.Head.Count }
                : new Numbering(Hash.Read(RandomNumberGenerator.GetBytes(Hash.Size)));
            _numberings.Add(subject, numbering);
        }
        var sequence = numbering.Next++;
        if (sequence > 0)
            return new EntrySubject(subject, sequence);
        labels.Add(new SubjectLabel(subject, numbering.Label));
        return new EntrySubject(subject, 0, SubjectLabel.Commit(numbering.Label));
    }

    private void Remember(LeafIndex index, EntryBody body)
    {
        switch (body)
        {
            case AgentEnrolled enrolled:
                _enrolments[enrolled.Key.KeyId] = enrolled;
                _tokenUses[enrolled.TokenId] = _tokenUses.GetValueOrDefault(enrolled.TokenId) + 1;
                break;
            case TokenWithdrawn withdrawn:
                _withdrawnTokens.Add(withdrawn.TokenId);
                break;
            case AgentKeyRotated rotated:
                _rotations[rotated.AgentId] = rotated;
                break;
            case CallerRegistered caller:
                _callers[caller.Key.KeyId] = caller;
                break;
            case Stop stop:
                _stops.Add(stop);
                break;
            case Restored restored:
                _lifted.UnionWith(restored.Stops);
                break;
            case OperatorAdded added:
                _callers[added.Key.KeyId] = new CallerRegistered(CallerRole.Operator, added.Name, added.Key, []);
                break;
            case BreakGlassKeySet breakGlass:
                _breakGlassKeys.Add(breakGlass.Key.KeyId);
                break;
            case CallerRemoved removed:
                _removed.Add(removed.Caller);
                break;
            case BlueprintDefined blueprint:
                _blueprints.Add(blueprint.Name);
                break;
            case CompromiseCut cut:
                // What two people set takes the place of all that there were.
                if (cut.Approvals.Count > 0)
                    _cuts.RemoveAll(earlier => earlier.Scope == cut.Scope);
                _cuts.Add(cut);
                _lifted.UnionWith(State.Stops.ReplacedBy(cut));
                break;
            case DidVersion version:
                _followedLines.Add(version.Before);
                break;
            case EvidenceAccepted evidence:
                _evidence.Add(evidence.Hash);
                break;
            case BudgetSpent spent:
                Count(spent);
                break;
            case HoldPlaced hold:
                _holds.TryAdd(hold.AgentId, index);
                break;
            case HoldLifted lifted:
                _liftedHolds.Add(lifted.Hold);
                break;
        }
    }

    private void Count(BudgetSpent spent)
    {
        foreach (var link in State.Lineage.LinksAbove(spent.Jti))
        {
            foreach (var budget in spent.Spent)
                _spent[(link.Body.ChildJti, budget.Unit)] = _spent.GetValueOrDefault((link.Body.ChildJti, budget.Unit)) + budget.Amount;
        }
    }

    /// <summary>The index that the next entry of the group will have.</summary>
    internal LeafIndex Next => new(_base + (ulong)_staged.Count);

    /// <summary>Puts stubs in the place of entries that are there, together with what the group appends.</summary>
    internal void Erase(IEnumerable<StoredStub> stubs) => _erased.AddRange(stubs);

    internal void Extend(SubjectId agent, ChainHead head) => _chains[(agent, head.KeyId)] = head;

    /// <summary>A subject's label and the number of its next entry, what is pending included.</summary>
    private sealed class Numbering(Hash label)
    {
        public Hash Label { get; } = label;

        public ulong Next { get; set; }
    }
}

/// <summary>An entry that has its place and is not durable yet.</summary>
internal sealed record Staged(LeafIndex Index, Entry Entry, Opening Opening, Draft Draft)
{
    /// <summary>The row, with the leaf that the public sees.</summary>
    public StoredEntry ToRow()
    {
        var entry = Entry.Encode();
        Span<Hash> nullifiers = stackalloc Hash[Math.Min(Entry.Subjects.Count, 64)];
        if (Entry.Subjects.Count > nullifiers.Length)
            nullifiers = new Hash[Entry.Subjects.Count];
        Span<byte> secret = stackalloc byte[Hash.Size];
        for (var i = 0; i < nullifiers.Length; i++)
        {
            Draft.Label(Entry.Subjects[i].Id).CopyTo(secret);
            nullifiers[i] = Leaf.Nullifier(secret, Entry.Subjects[i].Sequence);
        }
        nullifiers.Sort();
        Opening.Salt.CopyTo(secret);
        var leaf = Leaf.Encode((byte)Entry.Body.Class, nullifiers, secret, entry);
        var opening = Opening.Encode();
        // What a start cannot read would end every start: better that the writer ends, and the next start goes on without it.
        if (!Entry.TryDecode(entry, out _) || !Opening.TryDecode(opening, out _) || !Leaf.TryDecode(leaf, out _))
            throw new InvalidOperationException($"Entry {Index} ({Entry.Body.Kind}) could not be read again, so nothing of its group was written.");
        return new StoredEntry(Index, leaf, entry, opening, Entry.Subjects.Select(subject => new SubjectSequence(subject.Id, subject.Sequence)).ToArray());
    }
}

/// <summary>A credential whose place in the ledger is known once its group is sealed.</summary>
public sealed class PendingIssuance(IssuanceItem item, uint position, SubjectId? delegator)
{
    public IssuanceItem Item { get; } = item;

    /// <summary>Who passes it on; null for one that the agent has asked for itself.</summary>
    public SubjectId? Delegator { get; } = delegator;

    public uint Position { get; } = position;

    public LeafIndex Index { get; internal set; }

    public LiveCredential ToLive() => new(Item, Index, Position);
}
