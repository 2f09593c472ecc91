using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Goes through the entries about an agent in their order and finds what only their neighbours show: gaps, broken chains, what escaped a stop, false accusations.</summary>
/// <remarks>Adds what it finds to the entries. A walk that begins in the middle leaves out what it cannot know.</remarks>
public sealed class TrailWalk(ulong firstSequence)
{
    private readonly bool _isWhole = firstSequence == 0;
    private readonly Dictionary<LeafIndex, ChainLink> _links = [];
    private readonly List<EntryCheck> _earlyQuarantined = [];
    private ulong _nextSequence = firstSequence;
    private LeafIndex? _lastIndex;
    private long _lastAt;
    private ulong _statementsSeen;
    private ChainLink? _lastLink;
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
            CheckQuarantine(check);
        }
        if (check.Entry?.Body is Stop)
            Stop(check.Shown.Index!.Value);
        if (check.Entry?.Body is CredentialsIssued && _stop is { } stop)
            check.Add(TrailProperty.Stops, $"it issues a credential after the stop at entry {stop}");
        if (check.Entry?.Body is Fork fork && check.Statement is { } other)
            CheckFork(check, fork, other);
    }

    /// <summary>Ends the walk.</summary>
    public void End() => Accuse("is quarantined, and no stop stands in the trail");

    private void CheckPlace(EntryCheck check)
    {
        if (check.Sequence != _nextSequence)
            check.Add(TrailProperty.Sequence, $"entry {_nextSequence} about the agent was expected");
        _nextSequence = check.Sequence + 1;
        if (check.Shown.Index is not { } index)
            return;
        var at = check.Entry?.At ?? check.Erased?.At ?? _lastAt;
        if (_lastIndex is { } last && index.Value <= last.Value)
            check.Add(TrailProperty.Sequence, "the ledger index does not ascend");
        if (at < _lastAt)
            check.Add(TrailProperty.Sequence, "the time is before that of the entry before");
        (_lastIndex, _lastAt) = (index, at);
    }

    // An agent has one key, so its statements are numbered through; a closed one counts, and does not show what the next must name.
    private void CheckLink(EntryCheck check)
    {
        var expected = _lastLink is null ? _statementsSeen : _lastLink.Sequence + 1;
        var link = check.Link;
        if (link is not null)
        {
            var isKnown = _isWhole || _lastLink is not null;
            var before = link.Sequence == 0 ? default(Hash) : _lastLink?.Identity;
            if ((isKnown && link.Sequence != expected) || (before is { } named && link.Previous != named))
                check.Add(TrailProperty.Statements, $"statement {expected} was expected, naming the one before it");
            _links[check.Shown.Index!.Value] = link;
        }
        _hasClosed |= check.Shown.IsClosed;
        _lastLink = link;
        _statementsSeen = (link?.Sequence ?? expected) + 1;
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

    private void CheckFork(EntryCheck check, Fork fork, SignedStatement other)
    {
        if (!_links.TryGetValue(fork.Held, out var held))
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
