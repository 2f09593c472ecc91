using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Goes through the entries that tell the registry's keys and operators, genesis first: docs/formats.md, "Checking a trail file", step 14.</summary>
/// <param name="checkpoint">The signed tree.</param>
/// <param name="logKey">Who has signed it.</param>
/// <param name="wrong">Told what does not hold.</param>
internal sealed class RegistryKeyWalk(Checkpoint checkpoint, NoteVerifierKey logKey, Action<string> wrong)
{
    private readonly Dictionary<RegistryKeyUse, KeyId> _inForce = [];
    private SubjectId? _registry;
    private LeafIndex? _first;
    private LeafIndex? _last;

    // The log as the entries so far name it: origin and key.
    private NoteVerifierKey? _log;

    /// <summary>How the log began, once it was taken.</summary>
    public Genesis? Genesis { get; private set; }

    /// <summary>Who could approve what takes two people, as far as it was taken.</summary>
    public OperatorChecks Operators { get; private set; } = new(null);

    public bool IsAboutRegistry(Entry entry) => _registry is { } registry && entry.Subjects is [var only] && only.Id == registry;

    /// <summary>Takes the next entry; null is one that does not open its leaf.</summary>
    public void Take(LeafIndex index, Entry? entry)
    {
        if (_last is { } before && index.Value <= before.Value)
            wrong($"entry {index}: the ledger index does not ascend");
        (_first, _last) = (_first ?? index, index);
        switch (entry?.Body)
        {
            case Genesis genesis when index.Value == 0:
                Begin(entry, genesis);
                break;
            case OperatorAdded or CallerRemoved:
                if (Operators.Take(index, entry) is { } problem)
                    wrong($"entry {index}: {problem}");
                break;
            case LogSucceeded next when IsAboutRegistry(entry):
                Succeed(index, next);
                break;
            case RegistryKeyRotated { Use: RegistryKeyUse.Credentials } rotated when IsAboutRegistry(entry):
                if (!_inForce.TryGetValue(rotated.Use, out var ended) || ended != rotated.Retired)
                    wrong($"entry {index}: it ends a key that was not in force");
                _inForce[rotated.Use] = rotated.Key.KeyId;
                break;
            default:
                wrong($"entry {index} tells nothing of this registry's keys");
                break;
        }
    }

    /// <summary>Holds what the entries come to against the checkpoint.</summary>
    public void End()
    {
        if (_first is not { Value: 0 })
            wrong("the file does not begin with the genesis of the log");
        if (_log is not null && _log.Name != checkpoint.Origin)
            wrong($"the entries tell the keys of {_log.Name}, and the checkpoint is one of {checkpoint.Origin}");
        if (_log is not null && !_log.PublicKey.Equals(logKey.PublicKey))
            wrong("the entries name another log key than the one that signed the checkpoint");
    }

    private void Begin(Entry entry, Genesis genesis)
    {
        (_registry, Genesis, Operators) = (entry.Subjects[0].Id, genesis, new OperatorChecks(genesis));
        _log = genesis.Keys.FirstOrDefault(key => key.Use == RegistryKeyUse.Log) is { } named ? Log(genesis.Origin, named.Key) : null;
        foreach (var key in genesis.Keys)
            _inForce[key.Use] = key.Key.KeyId;
    }

    // The log before vouches for its last checkpoint only; that the tree went on from there is what the paths under this file's checkpoint show.
    private void Succeed(LeafIndex index, LogSucceeded next)
    {
        var isNext = _log is { } log && next.Before == log.Name && next.Origin != log.Name && LogOrigin.IsAtOrBefore(log.Name, next.Origin);
        if (!isNext || !Checkpoint.TryOpen(Encoding.UTF8.GetBytes(next.LastCheckpoint), _log!, out var last, out _) || last.Size.Value > index.Value)
            wrong($"entry {index}: it does not succeed the log before at a checkpoint that its key has signed");
        else if (last.Extensions.Length > 0 && (!SuccessionNote.TryOpen(Encoding.UTF8.GetBytes(next.LastCheckpoint), _log!, out var note) || !next.IsNamedBy(note)))
            wrong($"entry {index}: the last checkpoint of the log before names another successor");
        _log = Log(next.Origin, next.Key);
    }

    private NoteVerifierKey? Log(string origin, PublicKey key)
    {
        try
        {
            if (Ed25519PublicKey.TryRead(key.Bytes, out var known))
                return new NoteVerifierKey(origin, known);
        }
        catch (ArgumentException)
        {
            // The name is not one for a key, and is not repeated: it may hold control characters.
        }
        wrong("a log has a name or a key that no log can have");
        return null;
    }
}
