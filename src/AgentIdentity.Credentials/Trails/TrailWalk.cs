using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Goes through the entries about an agent in their order and finds what only their neighbours show: gaps, broken chains, what escaped a stop, false accusations.</summary>
/// <remarks>Adds what it finds to the entries. A walk that begins in the middle leaves out what it cannot know.</remarks>
public sealed class TrailWalk(ulong firstSequence)
{
    private readonly bool _isWhole = firstSequence == 0;

    // What stands at each index that is shown; null for an entry without a statement in the chain.
    private readonly Dictionary<LeafIndex, ChainLink?> _shown = [];
    private ulong _nextSequence = firstSequence;
    private LeafIndex? _lastIndex;
    private long _lastAt;
    private ulong _statementsSeen;
    private ChainLink? _lastLink;
    private bool _hasClosed;
    private bool _isChainKnown = firstSequence == 0;

    // The agent's key, once an entry has named it.
    private KeyId? _key;

    // Stops in force that end everything, each with the key that it names, if it names one: one of a single credential does not, nor one that leaves the reads.
    private readonly SortedDictionary<ulong, KeyId?> _stops = [];

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
            if (check.Class == EntryClass.Activity && _stops.Count > 0)
                check.Add(TrailProperty.Quarantine, $"it came after the stop at entry {_stops.Keys.First()} and is not quarantined");
        }
        if (check.Shown.Index is { } index)
            _shown[index] = check.Link;
        CheckBody(check);
    }

    private void CheckBody(EntryCheck check)
    {
        switch (check.Entry?.Body)
        {
            case AgentEnrolled when check.Sequence > 0:
                check.Add(TrailProperty.Statements, "it enrols the agent a second time");
                break;
            case AgentEnrolled enrolled:
                _key = enrolled.Key.KeyId;
                break;
            case AgentKeyRotated rotated:
                Rotate(rotated);
                break;
            case Stop { Scope.Kind: not ScopeKind.Credential, State: >= StandingState.Frozen } stop when check.Shown.Index is { } index:
                Stop(index, stop.Scope);
                break;
            case Restored restored:
                foreach (var lifted in restored.Stops)
                    _stops.Remove(lifted.Value);
                break;
            case CredentialsIssued when _stops.Count > 0:
                check.Add(TrailProperty.Stops, $"it issues a credential after the stop at entry {_stops.Keys.First()}");
                break;
            case Fork fork when check.Statement is { } other:
                CheckFork(check, fork, other);
                break;
        }
    }

    private void Stop(LeafIndex index, Scope scope)
    {
        KeyId? key = scope.Kind == ScopeKind.Key ? scope.KeyId : null;
        // What an earlier key had is not the agent's any more.
        if (key is null || _key is null || key == _key)
            _stops.Add(index.Value, key);
    }

    // The new key has a chain of its own, and what stops the old one does not stop it.
    private void Rotate(AgentKeyRotated rotated)
    {
        _key = rotated.Key.KeyId;
        (_lastLink, _statementsSeen, _isChainKnown) = (null, 0, true);
        foreach (var (stop, _) in _stops.Where(stop => stop.Value == rotated.Retired).ToArray())
            _stops.Remove(stop);
    }

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

    // An agent has one key at a time, so its statements are numbered through; a closed one counts, and does not show what the next must name.
    private void CheckLink(EntryCheck check)
    {
        var expected = _lastLink is null ? _statementsSeen : _lastLink.Sequence + 1;
        var link = check.Link;
        if (link is not null)
        {
            var isKnown = _isChainKnown || _lastLink is not null;
            var before = link.Sequence == 0 ? default(Hash) : _lastLink?.Identity;
            if ((isKnown && link.Sequence != expected) || (before is { } named && link.Previous != named))
                check.Add(TrailProperty.Statements, $"statement {expected} was expected, naming the one before it");
        }
        _hasClosed |= check.Shown.IsClosed;
        _lastLink = link;
        _statementsSeen = (link?.Sequence ?? expected) + 1;
    }

    private void CheckFork(EntryCheck check, Fork fork, SignedStatement other)
    {
        if (fork.Held.Value >= check.Shown.Index!.Value.Value)
        {
            check.Add(TrailProperty.Forks, $"entry {fork.Held}, which it names, does not stand before it");
            return;
        }
        if (!_shown.TryGetValue(fork.Held, out var held) && (_hasClosed || !_isWhole))
        {
            check.IsHeldShown = false;
            return;
        }
        if (held is null)
        {
            check.Add(TrailProperty.Forks, $"entry {fork.Held}, which it names, holds no statement of this agent");
            return;
        }
        var isSecond = other.Sequence == held.Sequence && other.Identity != held.Identity;
        var namesAnother = other.Sequence == held.Sequence + 1 && other.Previous != held.Identity;
        if (held.Identity != fork.Identity || held.KeyId != other.KeyId || !(isSecond || namesAnother))
            check.Add(TrailProperty.Forks, $"its statement can stand beside that of entry {fork.Held}: nothing was forked");
    }
}
