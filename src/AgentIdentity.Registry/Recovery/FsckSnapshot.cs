using AgentIdentity.Credentials.Keys;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>Holds the snapshot against what the entries up to its position add up to.</summary>
internal sealed class FsckSnapshot
{
    private readonly FsckFindings _findings;
    private readonly byte[]? _stored;
    private readonly ulong? _position;
    private byte[]? _expected;

    public FsckSnapshot(ISnapshotStore snapshots, FsckFindings findings)
    {
        _findings = findings;
        using var stream = snapshots.Open();
        _stored = stream is null ? null : SnapshotFormat.Open(stream) ?? new byte[PublicKey.SignatureSize];
        _position = _stored is null ? null : SnapshotFormat.Position(_stored);
    }

    /// <summary>Called after each entry: when the fold stands where the snapshot stands, what it should hold is written down.</summary>
    public void Compare(FsckFold fold, FsckTree tree)
    {
        if (fold.IsWhole && _position == fold.State.Position && tree.Size.Value == fold.State.Position)
            _expected = SnapshotFormat.Content(Sorted(fold.State.Copy()), tree.Root());
    }

    public void Finish(FsckFold fold)
    {
        if (_stored is null || fold.Logs is not [.., var log])
            return;
        if (!SnapshotFormat.IsSigned(_stored, log.Key))
            _findings.Add("The snapshot is damaged, or not signed by the log's key: a start passes over it and reads the ledger from its beginning.");
        // One of another version is passed over by a start, and is nobody's fault.
        else if (SnapshotFormat.Parse(_stored) is { } stored && !(_expected ?? []).AsSpan().SequenceEqual(SnapshotFormat.Content(Sorted(stored.Copy), stored.Root)))
            _findings.Add($"The snapshot of {stored.Copy.Position} entries says what they do not add up to: delete it, so that the next start reads the entries instead.");
    }

    // In memory these have no order of their own.
    private static StateCopy Sorted(StateCopy copy) => copy with
    {
        Callers = [.. copy.Callers.OrderBy(caller => caller.Id)],
        Subjects = [.. copy.Subjects.OrderBy(subject => subject.Id)],
        Blueprints = [.. copy.Blueprints.OrderBy(blueprint => blueprint.Name, StringComparer.Ordinal)],
        Lineage = new LineageCopy(
            [.. copy.Lineage.Edges.OrderBy(edge => edge.Parent).ThenBy(edge => edge.Child)],
            [.. copy.Lineage.Links.OrderBy(link => link.Body.ChildJti)],
            [.. copy.Lineage.Spent.OrderBy(spent => spent.Link).ThenBy(spent => spent.Unit, StringComparer.Ordinal)]),
        Enforcers = [.. copy.Enforcers.OrderBy(enforcer => enforcer.Id)],
    };
}
