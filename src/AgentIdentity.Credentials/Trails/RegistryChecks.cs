using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>What a trail file shows of the registry: its keys from genesis on, and the heads entry that makes the trail complete.</summary>
internal sealed class RegistryChecks(TrailFile file, Checkpoint checkpoint, NoteVerifierKey logKey, TrailFindings notes)
{
    private readonly RegistryKeyWalk _keys = new(checkpoint, logKey, problem => notes.Add(TrailProperty.RegistryKeys, problem));

    /// <summary>How the log began, once <see cref="CheckKeys"/> has found it.</summary>
    public Genesis? Genesis => _keys.Genesis;

    /// <summary>Who could approve what takes two people, once <see cref="CheckKeys"/> has found it.</summary>
    public OperatorChecks Operators => _keys.Operators;

    public void CheckKeys()
    {
        foreach (var shown in file.RegistryEntries)
            _keys.Take(shown.Index, Open(shown));
        _keys.End();
    }

    // Its time and its challenge were the registry's to judge, on that day.
    public void CheckEnrolment(AgentEnrolled enrolled, IEnumerable<EntryCheck> entries)
    {
        if (Genesis is null || !EnrolmentProof.IsKeptBy(enrolled, Genesis.PublicUrl, out _))
            notes.Add(TrailProperty.Statements, "the enrolment does not hold a proof, by the key that it names, for this registry and these labels");
        var key = enrolled.Key;
        foreach (var check in entries)
        {
            if (check.Entry?.Body is AgentKeyRotated rotated)
                key = rotated.Key;
            if (check.Entry?.Body is EvidenceAccepted evidence && (Genesis is null || evidence.AgentId != enrolled.AgentId || !EnrolmentProof.IsKeptBy(evidence, key, Genesis.PublicUrl)))
                notes.Add(TrailProperty.Statements, $"the agent's key does not claim the evidence of entry {check.Shown.Index}");
        }
    }

    public void CheckHeads(Head computed, bool isLastOpen)
    {
        var entry = Open(file.Heads);
        if (entry?.Body is not Heads heads || !_keys.IsAboutRegistry(entry))
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
        var problems = new List<TrailProblem>();
        var entry = EntryCheck.Open(shown, checkpoint, problems);
        foreach (var problem in problems)
            notes.Add(problem.Property, $"entry {shown.Index}: {problem.Words}");
        return entry;
    }
}
