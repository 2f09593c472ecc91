using System.Collections.Concurrent;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>Folds the entries as a start does, which checks chains, numbers, issuances and heads; and keeps what the index of subjects must hold.</summary>
internal sealed class FsckFold(FsckFindings findings, bool withSignatures)
{
    // For each subject the indexes of the entries about it, in order: 8 bytes for each time that an entry names somebody.
    private readonly Dictionary<SubjectId, Places> _places = [];
    private readonly Dictionary<Hash, SubjectId> _labelOwners = [];
    private readonly List<SignatureCheck> _unverified = [];
    private bool _isStopped;

    public RegistryState State { get; } = new();

    /// <summary>Labels of the subjects that were named so far. Written by the fold; read by those who look at later pages.</summary>
    public ConcurrentDictionary<SubjectId, Hash> Labels { get; } = new();

    public ulong Signatures { get; private set; }

    /// <summary>Whether all entries were folded so far.</summary>
    public bool IsWhole => !_isStopped;

    /// <summary>The logs that may have signed what is stored; none when the fold did not come so far that they would be known.</summary>
    public IReadOnlyList<LogRecord> Logs => IsWhole ? State.Logs : [];

    /// <summary>Nullifiers are unique across the log when no two subjects share a label, since the fold counts the entries of each.</summary>
    public void LearnLabels(FsckEntry entry)
    {
        foreach (var label in entry.Opening?.Labels ?? [])
        {
            // One that the entry did not commit to is a finding there, and must not make others of its subject's later entries.
            var isCommitted = entry.Entry is { } named && named.Subjects.Any(subject => subject.Id == label.Id && subject.LabelCommitment == SubjectLabel.Commit(label.Label));
            if (isCommitted && Labels.TryAdd(label.Id, label.Label) && !_labelOwners.TryAdd(label.Label, label.Id))
                findings.Add(entry.Index, $"{label.Id} has the label of {_labelOwners[label.Label]}, so that their nullifiers collide");
        }
    }

    public void Apply(FsckEntry entry, SettledLeaf settled)
    {
        Place(entry, settled);
        _isStopped |= !settled.IsGenuine;
        if (_isStopped)
            return;
        if (withSignatures && entry.Entry is { } signed)
            CollectSignature(entry.Index, signed);
        try
        {
            if (entry.Stub is { } stub)
                State.Apply(entry.Index, stub, Leaf.TryDecode(entry.Row!.Leaf, out var leaf) ? leaf : throw new LedgerDamagedException("Its leaf cannot be read."), settled.LeafHash!.Value);
            else
                State.Apply(entry.Index, entry.Entry!, entry.Opening!, settled.LeafHash!.Value);
        }
        catch (LedgerDamagedException damaged)
        {
            findings.Add(entry.Index, $"it does not follow from those before it: {damaged.Message}");
            _isStopped = true;
        }
    }

    /// <summary>Verifies the signatures of the page, on all cores.</summary>
    public void VerifySignatures()
    {
        var bad = new ConcurrentBag<SignatureCheck>();
        Parallel.ForEach(_unverified, check =>
        {
            if (!check.Holds())
                bad.Add(check);
        });
        foreach (var check in bad.OrderBy(check => check.Index.Value))
            findings.Add(check.Index, check.Meaning);
        Signatures += (ulong)_unverified.Count;
        _unverified.Clear();
    }

    public void CompareIndex(ILedgerRows rows)
    {
        try
        {
            var indexed = rows.ReadSubjectIndex(CompareRow);
            foreach (var (subject, places) in _places)
            {
                var expected = places.CountBelow(indexed);
                if (places.Found < expected)
                    findings.Add($"The index of subjects lacks {expected - places.Found} of the {expected} entries about {subject}.");
            }
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            findings.Add($"The index of subjects cannot be read: {failure.Message.TrimEnd('.')}.");
        }
    }

    private void CompareRow(SubjectSequence row, LeafIndex index)
    {
        if (_places.TryGetValue(row.Subject, out var places) && places.IsAt(row.Sequence, index))
            places.Found++;
        else if (places is null || !places.IsUnknown(row.Sequence))
            findings.Add(index, $"the index of subjects names it as number {row.Sequence} of {row.Subject}, which it is not");
    }

    // Of an entry that is not genuine the row's own list of subjects is more likely right than the entry.
    private void Place(FsckEntry entry, SettledLeaf settled)
    {
        if (entry.Row is null)
            return;
        var subjects = settled.IsGenuine && entry.Entry is { } genuine ? Subjects(genuine) : entry.Row.Subjects;
        foreach (var subject in subjects)
        {
            if (!_places.TryGetValue(subject.Subject, out var places))
                _places.Add(subject.Subject, places = new Places());
            places.Add(subject.Sequence, entry.Index);
        }
        if (settled.IsGenuine && !subjects.SequenceEqual(entry.Row.Subjects))
            findings.Add(entry.Index, "it is filed under other subjects than it names");
    }

    private static SubjectSequence[] Subjects(Entry entry)
    {
        var subjects = new SubjectSequence[entry.Subjects.Count];
        for (var i = 0; i < subjects.Length; i++)
            subjects[i] = new SubjectSequence(entry.Subjects[i].Id, entry.Subjects[i].Sequence);
        return subjects;
    }

    private void CollectSignature(LeafIndex index, Entry entry)
    {
        if (entry.Body is AgentEnrolled enrolled)
            CollectProof(index, enrolled);
        if (entry.Body is AgentKeyRotated rotated)
            CollectProofs(index, rotated);
        if (entry.Body is EvidenceAccepted evidence)
            CollectProof(index, evidence);
        var (bytes, algorithm, signature) = entry.Body switch
        {
            Activity activity => (activity.Statement, activity.Algorithm, activity.Signature),
            Fork fork => (fork.Statement, fork.Algorithm, fork.Signature),
            _ => ([], default, []),
        };
        if (bytes.Length == 0 || !SignedStatement.TryRead(bytes, out var statement) || State.FindAgent(statement.AgentId) is not { } agent)
            return;
        if (agent.FindKey(statement.KeyId) is { } key && key.Algorithm == algorithm)
            _unverified.Add(new SignatureCheck(index, () => key.Verifies(bytes, signature), "the signature is not over its statement by the agent's key"));
        else
            findings.Add(index, "its statement names a key or an algorithm that is not the agent's");
    }

    // The entry keeps the proof as it was sent. That it came in time, with a challenge that was given out, was for the registry to judge when it came.
    private void CollectProof(LeafIndex index, AgentEnrolled enrolled)
    {
        if (State.Founding is not { PublicUrl: var publicUrl } || State.TokenHash(enrolled.TokenId) is not { } expected)
            return;
        _unverified.Add(new SignatureCheck(
            index,
            () => EnrolmentProof.IsKeptBy(enrolled, publicUrl, out var tokenHash) && tokenHash == expected,
            "the enrolment does not hold a proof, by the key that it names, for this registry and its token"));
    }

    private void CollectProofs(LeafIndex index, AgentKeyRotated rotated)
    {
        if (State.Founding is not { PublicUrl: var publicUrl } || State.FindAgent(rotated.AgentId) is not { } agent)
            return;
        var (retired, ordered) = (agent.Key, agent.Order?.TokenHash);
        _unverified.Add(new SignatureCheck(
            index,
            () => RotationProof.AreKeptBy(rotated, retired, ordered, publicUrl),
            "the rotation does not hold proofs of the new key, and of the key before or an order"));
    }

    private void CollectProof(LeafIndex index, EvidenceAccepted evidence)
    {
        if (State.Founding is { PublicUrl: var publicUrl } && State.FindAgent(evidence.AgentId) is { Key: var key })
            _unverified.Add(new SignatureCheck(index, () => EnrolmentProof.IsKeptBy(evidence, key, publicUrl), "the agent's key claims other evidence than the entry says"));
    }

    private sealed record SignatureCheck(LeafIndex Index, Func<bool> Holds, string Meaning);

    /// <summary>Where the entries about one subject stand, by sequence.</summary>
    private sealed class Places
    {
        // Stands for the place of an entry that could not be read.
        private const ulong Unknown = ulong.MaxValue;

        private readonly List<ulong> _indexes = [];

        /// <summary>How many of them the index has named rightly.</summary>
        public long Found { get; set; }

        public void Add(ulong sequence, LeafIndex index)
        {
            // No subject has more entries than there are, so that a damaged number takes no more memory than a sound log.
            if (sequence > index.Value || sequence < (ulong)_indexes.Count)
                return;
            while ((ulong)_indexes.Count < sequence)
                _indexes.Add(Unknown);
            _indexes.Add(index.Value);
        }

        public bool IsAt(ulong sequence, LeafIndex index) => sequence < (ulong)_indexes.Count && _indexes[(int)sequence] == index.Value;

        public bool IsUnknown(ulong sequence) => sequence < (ulong)_indexes.Count && _indexes[(int)sequence] == Unknown;

        public long CountBelow(TreeSize size) => _indexes.Count(index => index < size.Value);
    }
}
