using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Goes through the entries about an agent in their order and finds what only their neighbours show: gaps, broken chains, what escaped a stop, false accusations.</summary>
/// <remarks>Adds what it finds to the entries. A walk that begins in the middle leaves out what it cannot know.</remarks>
public sealed class TrailWalk(ulong firstSequence)
{
    private readonly bool _isWhole = firstSequence == 0;
    private readonly Dictionary<ulong, ChainLink> _statements = [];
    private readonly Dictionary<LeafIndex, EntryCheck> _erased = [];
    private readonly Dictionary<LeafIndex, EntryCheck> _opened = [];
    private readonly List<EntryCheck> _earlyQuarantined = [];
    private ulong _nextSequence = firstSequence;
    private LeafIndex? _lastIndex;
    private long _lastAt;
    private ulong _statementsSeen;
    private ChainLink? _lastStatement;
    private bool _hasClosed;
    private LeafIndex? _stop;

    /// <summary>What the entries come to: docs/formats.md, "Heads". The index is that of the last open one.</summary>
    public Head Head { get; private set; }

    /// <summary>Takes the next entry.</summary>
    public void Take(EntryCheck check)
    {
        CheckPlace(check);
        Head = Head.Then(check.LeafHash, check.Shown.Index ?? Head.Index);
        if (check.Class is EntryClass.Activity or EntryClass.Quarantined)
        {
            CheckLink(check);
            if (check.Shown.Index is { } index)
                (check.Shown.Erased is null ? _opened : _erased)[index] = check;
            CheckQuarantine(check);
        }
        if (check.Entry?.Body is Stop { State: >= StandingState.Frozen })
            Stop(check.Shown.Opened!.Index);
        if (check.Entry?.Body is Fork fork && check.Link is { } other)
            CheckFork(check, fork, other);
        if (check.Entry?.Body is ActivitiesErased erasure)
            CheckErasure(check, erasure);
    }

    /// <summary>Ends the walk.</summary>
    public void End()
    {
        Accuse("is quarantined, and no stop stands in the trail");
        foreach (var erased in _erased.Values)
            erased.Add(TrailProperty.Erasures, "no entry of the trail says that it was erased");
    }

    private void CheckPlace(EntryCheck check)
    {
        if (check.Sequence != _nextSequence)
            check.Add(TrailProperty.Sequence, $"entry {_nextSequence} about the agent was expected");
        _nextSequence = check.Sequence + 1;
        if (check.Shown.Index is not { } index)
            return;
        var at = check.Entry?.At ?? check.Erased?.At;
        if (_lastIndex is { } last && index.Value <= last.Value)
            check.Add(TrailProperty.Sequence, "the ledger index does not ascend");
        if (at < _lastAt)
            check.Add(TrailProperty.Sequence, "the time is before that of the entry before");
        _lastIndex = index;
        _lastAt = at ?? _lastAt;
    }

    // An agent has one key, so its statements are numbered through; a closed one counts, and does not show what the next must name.
    private void CheckLink(EntryCheck check)
    {
        var expected = _lastStatement is null ? _statementsSeen : _lastStatement.Sequence + 1;
        if (check.Link is { } statement)
        {
            var isKnown = _isWhole || _lastStatement is not null;
            if ((isKnown && statement.Sequence != expected) || (_lastStatement is { } last && statement.Previous != last.Identity))
                check.Add(TrailProperty.Statements, $"statement {expected} was expected, naming the one before it");
            _statements[check.Shown.Index!.Value.Value] = statement;
        }
        _hasClosed |= check.Shown.IsClosed;
        _lastStatement = check.Link;
        _statementsSeen = (check.Link?.Sequence ?? expected) + 1;
    }

    // A stop denies before it is written: what came in between is quarantined already, and stands directly before it.
    private void CheckQuarantine(EntryCheck check)
    {
        if (check.Class == EntryClass.Quarantined && _stop is null && _isWhole)
            _earlyQuarantined.Add(check);
        if (check.Class == EntryClass.Quarantined)
            return;
        if (_stop is { } stop)
            check.Add(TrailProperty.Quarantine, $"it came after the stop at entry {stop} and is not quarantined");
        Accuse("is quarantined, and no stop follows directly");
    }

    // What an entry erases stands before it as a stub that it names, or stays closed.
    private void CheckErasure(EntryCheck check, ActivitiesErased erasure)
    {
        foreach (var index in erasure.Indexes)
        {
            if (_opened.ContainsKey(index))
                check.Add(TrailProperty.Erasures, $"entry {index}, which it erases, is shown open");
            if (_erased.Remove(index, out var erased) && (erased.Erased is not { } stub || stub.ErasedBy != check.Shown.Index || !erasure.Names(index, stub)))
                erased.Add(TrailProperty.Erasures, $"what stays of it is not what entry {check.Shown.Index} says");
        }
    }

    private void Stop(LeafIndex index)
    {
        _stop ??= index;
        _earlyQuarantined.Clear();
    }

    private void Accuse(string words)
    {
        foreach (var early in _earlyQuarantined)
            early.Add(TrailProperty.Quarantine, words);
        _earlyQuarantined.Clear();
    }

    private void CheckFork(EntryCheck check, Fork fork, ChainLink other)
    {
        if (!_statements.TryGetValue(fork.Held.Value, out var held))
        {
            if (_isWhole && !_hasClosed)
                check.Add(TrailProperty.Forks, $"entry {fork.Held}, which it names, holds no statement of this agent");
            return;
        }
        var isSecond = other.Sequence == held.Sequence && other.Identity != held.Identity;
        var namesAnother = other.Sequence == held.Sequence + 1 && other.Previous != held.Identity;
        if (held.Identity != fork.Identity || held.KeyId != other.KeyId || !(isSecond || namesAnother))
            check.Add(TrailProperty.Forks, $"its statement can stand beside that of entry {fork.Held}: nothing was forked");
    }
}
