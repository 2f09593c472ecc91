using System.Collections.Concurrent;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>A stop or a cut as the ledger has it.</summary>
public sealed record StopRecord(Denial Denial, SubjectId Actor, string Reason, string Incident, long At)
{
    /// <summary>What lifted it; null while it is in force.</summary>
    public Lifting? Lifted { get; init; }

    public bool IsInForce => Lifted is null;

    /// <summary>Whether it denied when that epoch, which is none before its own, had been opened.</summary>
    public bool IsInForceAt(ulong epoch) => Lifted is not { } lifted || epoch < lifted.Epoch;

    /// <summary>The rule that it is by; null when a person or a key asked for it.</summary>
    public StoppingRule? Rule { get; init; }

    /// <summary>Credentials of the registry's own that ride along, ascending.</summary>
    public IReadOnlyList<SubjectId> Probes { get; init; } = [];

    /// <summary>Delegated credentials that are covered because of what stands above them.</summary>
    public int CredentialsBelow => Denial.Credentials.Count - Probes.Count;

    /// <summary>Whose word it takes, and who is told.</summary>
    public required StopExposure Exposure { get; init; }

    /// <summary>Whether enforcers are told who answer for these audiences, and for these agents where an audience is one.</summary>
    public bool IsShownTo(IReadOnlyList<string> audiences, IReadOnlyList<SubjectId> callees) =>
        Exposure.ShownTo is not { } told
        || told.Any(audience => audiences.Contains(audience, StringComparer.Ordinal))
        // Two ways: what a stopped agent is asked is what it learns.
        || (Denial.Scope.IsAgent && callees.Any(callee => callee == Denial.Scope.Id || Denial.Agents.Contains(callee)));
}

/// <summary>The entry that lifted a stop, the epoch that it opened, and its time (ms since 1970).</summary>
public sealed record Lifting(LeafIndex By, ulong Epoch, long At);

/// <summary>What a blueprint is. Defined once.</summary>
public sealed record BlueprintRecord(string Name, string Model, IReadOnlyList<TypedAction> Reads, LeafIndex Index, ulong Epoch)
{
    public bool IsRead(string type, string action) => Reads.Any(read => read.Type == type && read.Action == action);
}

/// <summary>Every stop and cut that the ledger holds, those in force and those that were lifted. Changed by the writer, read by all.</summary>
public sealed class StopBook
{
    private readonly ConcurrentDictionary<LeafIndex, StopRecord> _records = new();
    private readonly ConcurrentDictionary<string, BlueprintRecord> _blueprints = new();
    private readonly ConcurrentDictionary<Scope, LeafIndex[]> _byScope = new();
    private readonly ConcurrentDictionary<string, LeafIndex[]> _byIncident = new();

    // The newest on top, so that the writer looks at the last hour and not at all that there ever were.
    private readonly ConcurrentStack<StopRecord> _revocations = new();

    /// <summary>What decisions ask.</summary>
    public DenyState DenyState { get; } = new();

    /// <summary>All, in no order.</summary>
    public IEnumerable<StopRecord> All => _records.Values;

    /// <summary>Those that deny, in the order of the ledger.</summary>
    public IEnumerable<StopRecord> InForce => _records.Values.Where(record => record.IsInForce).OrderBy(record => record.Denial.Index.Value);

    public IEnumerable<BlueprintRecord> Blueprints => _blueprints.Values;

    public StopRecord? Find(LeafIndex index) => _records.GetValueOrDefault(index);

    public BlueprintRecord? Blueprint(string name) => _blueprints.GetValueOrDefault(name);

    /// <summary>Stops of exactly this scope, oldest first.</summary>
    public IEnumerable<StopRecord> Of(Scope scope) => _byScope.TryGetValue(scope, out var indexes) ? indexes.Select(index => _records[index]) : [];

    /// <summary>Stops that carry this incident, oldest first.</summary>
    public IEnumerable<StopRecord> OfIncident(string incident) => _byIncident.TryGetValue(incident, out var indexes) ? indexes.Select(index => _records[index]) : [];

    /// <summary>Whether exactly this scope is revoked.</summary>
    public bool IsRevoked(Scope scope) => Of(scope).Any(record => record is { IsInForce: true, Denial: { State: StandingState.Revoked, After: null } });

    /// <summary>The cuts whose place a cut takes: two people have moved it, so what stood before is gone. One person can only add an earlier one.</summary>
    internal LeafIndex[] ReplacedBy(CompromiseCut cut) => cut.Approvals.Count == 0 ? [] : [.. CutsInForce(cut.Scope).Select(record => record.Denial.Index)];

    /// <summary>Cuts of exactly this scope that deny, oldest first.</summary>
    internal IEnumerable<StopRecord> CutsInForce(Scope scope) => Of(scope).Where(record => record is { IsInForce: true, Denial.After: not null });

    /// <summary>How many were revoked at that time (ms since 1970) or later by those who count: what each stop names, and whom authority had come to from there.</summary>
    public int RevokedSince(long at, Predicate<SubjectId> counts) => _revocations.TakeWhile(stop => stop.At >= at).Where(stop => counts(stop.Actor)).Sum(stop => 1 + stop.Denial.Agents.Count);

    /// <summary>Whether a key is stopped, whoever holds it.</summary>
    public bool IsKeyStopped(KeyId key) => DenyState.OfKey(key).State >= StandingState.Frozen;

    internal void Add(StopRecord record)
    {
        _records[record.Denial.Index] = record;
        Append(_byScope, record.Denial.Scope, record.Denial.Index);
        if (record.Incident.Length > 0)
            Append(_byIncident, record.Incident, record.Denial.Index);
        if (record.Denial.State == StandingState.Revoked)
            _revocations.Push(record);
        if (record.IsInForce)
            DenyState.Add(record.Denial);
    }

    internal void Lift(LeafIndex index, Lifting lifting)
    {
        if (!_records.TryGetValue(index, out var record) || !record.IsInForce)
            throw new LedgerDamagedException($"Entry {lifting.By} lifts the stop of entry {index}, which is none in force.");
        _records[index] = record with { Lifted = lifting };
        DenyState.Remove(record.Denial);
    }

    internal void Add(BlueprintRecord blueprint) => _blueprints[blueprint.Name] = blueprint;

    private static void Append<TKey>(ConcurrentDictionary<TKey, LeafIndex[]> indexes, TKey key, LeafIndex index)
        where TKey : notnull => indexes.AddOrUpdate(key, static (_, added) => [added], static (_, held, added) => [.. held, added], index);
}
