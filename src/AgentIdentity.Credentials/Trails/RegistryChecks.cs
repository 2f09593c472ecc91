using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>What a trail file shows of the registry: its keys from genesis on, and the heads entry that makes the trail complete.</summary>
internal sealed class RegistryChecks(TrailFile file, Checkpoint checkpoint, NoteVerifierKey logKey, TrailFindings notes)
{
    private SubjectId? _registry;

    // The log as the entries so far name it: origin and key.
    private NoteVerifierKey? _log;

    /// <summary>How the log began, once <see cref="CheckKeys"/> has found it.</summary>
    public Genesis? Genesis { get; private set; }

    /// <summary>Who could approve what takes two people, once <see cref="CheckKeys"/> has found it.</summary>
    public OperatorChecks? Operators { get; private set; }

    public void CheckKeys()
    {
        var inForce = new Dictionary<RegistryKeyUse, KeyId>();
        LeafIndex? last = null;
        foreach (var shown in file.RegistryEntries)
        {
            if (last is { } before && shown.Index.Value <= before.Value)
                notes.Add(TrailProperty.RegistryKeys, $"entry {shown.Index}: the ledger index does not ascend");
            last = shown.Index;
            CheckKeyEntry(shown.Index, Open(shown), inForce);
        }
        if (file.RegistryEntries is not [{ Index.Value: 0 }, ..])
            notes.Add(TrailProperty.RegistryKeys, "the file does not begin with the genesis of the log");
        if (_log is not null && _log.Name != checkpoint.Origin)
            notes.Add(TrailProperty.RegistryKeys, $"the entries tell the keys of {_log.Name}, and the checkpoint is one of {checkpoint.Origin}");
        if (_log is not null && !_log.PublicKey.Equals(logKey.PublicKey))
            notes.Add(TrailProperty.RegistryKeys, "the entries name another log key than the one that signed the checkpoint");
    }

    // Its time and its challenge were the registry's to judge, on that day.
    public void CheckEnrolment(AgentEnrolled enrolled)
    {
        if (Genesis is null || !EnrolmentProof.IsKeptBy(enrolled, Genesis.PublicUrl, out _))
            notes.Add(TrailProperty.Statements, "the enrolment does not hold a proof, by the key that it names, for this registry and these labels");
    }

    public void CheckHeads(Head computed, bool isLastOpen)
    {
        var entry = Open(file.Heads);
        if (entry?.Body is not Heads heads || !IsAboutRegistry(entry))
        {
            notes.Add(TrailProperty.Complete, $"entry {file.Heads.Index} is no heads entry of this registry");
            return;
        }
        if (file.Heads.Index.Value + 1 != checkpoint.Size.Value)
            notes.Add(TrailProperty.Complete, $"entry {file.Heads.Index} is not the last under a checkpoint of {checkpoint.Size}: later entries may be left out");
        if (HeadMapProof.Verify(file.MapProof.Span, heads.Root, file.Header.Label, out var head) != HeadMapAnswer.Present)
            notes.Add(TrailProperty.Complete, "the proof in the heads map does not lead to this label");
        else if (head.Count != computed.Count)
            notes.Add(TrailProperty.Complete, $"{head.Count} entries are about this agent, and the file has {computed.Count}");
        else if (head.Hash != computed.Hash || (isLastOpen && head.Index != computed.Index))
            notes.Add(TrailProperty.Complete, "the entries are not the ones that the heads map chains");
    }

    private Entry? Open(OpenedEntry shown)
    {
        if (!Leaf.TryDecode(shown.Leaf.Span, out var leaf))
        {
            notes.Add(TrailProperty.Openings, $"entry {shown.Index}: the leaf has no known form");
            return null;
        }
        if (!EntryCheck.Leads(shown.Path, shown.Index, checkpoint.Size, MerkleHash.Leaf(shown.Leaf.Span), checkpoint.Root))
            notes.Add(TrailProperty.Tree, $"entry {shown.Index}: the leaf does not lead to the root of the checkpoint");
        var problems = new List<TrailProblem>();
        var entry = EntryCheck.Open(shown, leaf, problems);
        foreach (var problem in problems)
            notes.Add(problem.Property, $"entry {shown.Index}: {problem.Words}");
        return entry;
    }

    private void CheckKeyEntry(LeafIndex index, Entry? entry, Dictionary<RegistryKeyUse, KeyId> inForce)
    {
        switch (entry?.Body)
        {
            case Genesis genesis when index.Value == 0:
                (_registry, Genesis, Operators) = (entry.Subjects[0].Id, genesis, new OperatorChecks(genesis));
                _log = genesis.Keys.FirstOrDefault(key => key.Use == RegistryKeyUse.Log) is { } named ? Log(genesis.Origin, named.Key) : null;
                foreach (var key in genesis.Keys)
                    inForce[key.Use] = key.Key.KeyId;
                break;
            case OperatorAdded or CallerRemoved when Operators is not null:
                if (Operators.Take(index, entry) is { } problem)
                    notes.Add(TrailProperty.RegistryKeys, $"entry {index}: {problem}");
                break;
            case LogSucceeded next when IsAboutRegistry(entry):
                CheckSuccession(index, next);
                break;
            case RegistryKeyRotated { Use: RegistryKeyUse.Credentials } rotated when IsAboutRegistry(entry):
                if (!inForce.TryGetValue(rotated.Use, out var before) || before != rotated.Retired)
                    notes.Add(TrailProperty.RegistryKeys, $"entry {index}: it ends a key that was not in force");
                inForce[rotated.Use] = rotated.Key.KeyId;
                break;
            default:
                notes.Add(TrailProperty.RegistryKeys, $"entry {index} tells nothing of this registry's keys");
                break;
        }
    }

    // The log before vouches for its last checkpoint only; that the tree went on from there is what the paths under this file's checkpoint show.
    private void CheckSuccession(LeafIndex index, LogSucceeded next)
    {
        var isNext = _log is { } log && next.Before == log.Name && next.Origin != log.Name && LogOrigin.IsAtOrBefore(log.Name, next.Origin);
        if (!isNext || !Checkpoint.TryOpen(Encoding.UTF8.GetBytes(next.LastCheckpoint), _log!, out var last, out _) || last.Size.Value > index.Value)
            notes.Add(TrailProperty.RegistryKeys, $"entry {index}: it does not succeed the log before at a checkpoint that its key has signed");
        else if (last.Extensions.Length > 0 && (!SuccessionNote.TryOpen(Encoding.UTF8.GetBytes(next.LastCheckpoint), _log!, out var note) || !next.IsNamedBy(note)))
            notes.Add(TrailProperty.RegistryKeys, $"entry {index}: the last checkpoint of the log before names another successor");
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
        notes.Add(TrailProperty.RegistryKeys, "a log has a name or a key that no log can have");
        return null;
    }

    private bool IsAboutRegistry(Entry entry) => _registry is { } registry && entry.Subjects is [var only] && only.Id == registry;
}
