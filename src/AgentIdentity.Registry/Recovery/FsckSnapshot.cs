using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>Holds the snapshot against what the entries up to its position add up to.</summary>
internal sealed class FsckSnapshot
{
    private readonly FsckFindings _findings;
    private readonly SnapshotBytes? _stored;
    private byte[]? _expected;

    public FsckSnapshot(ISnapshotStore snapshots, FsckFindings findings)
    {
        _findings = findings;
        using var stream = snapshots.Open();
        _stored = stream is null ? null : SnapshotBytes.Read(stream);
    }

    /// <summary>Called after each entry: when the fold stands where the snapshot stands, what it should hold is written down.</summary>
    public void Compare(FsckFold fold, FsckTree tree)
    {
        if (fold.IsWhole && _stored?.Position == fold.State.Position && tree.Size.Value == fold.State.Position)
            _expected = SnapshotFormat.Content(Sorted(fold.State.Copy()), tree.Root());
    }

    public void Finish(FsckFold fold)
    {
        if (_stored is null || fold.State.Founding is not { } founding || !fold.IsWhole)
            return;
        if (!_stored.IsSignedBy(founding.LogKey))
            _findings.Add("The snapshot is damaged, or not signed by the log's key: a start passes over it and reads the ledger from its beginning.");
        else if (_stored.TryRead(out var copy, out var root) && !(_expected ?? []).AsSpan().SequenceEqual(SnapshotFormat.Content(Sorted(copy), root)))
            _findings.Add($"The snapshot of {copy.Position} entries says what they do not add up to: delete it, and start again from the entries.");
    }

    // In memory these have no order of their own.
    private static StateCopy Sorted(StateCopy copy) => copy with
    {
        Tokens = [.. copy.Tokens.OrderBy(token => token.Id)],
        Callers = [.. copy.Callers.OrderBy(caller => caller.Id)],
        Subjects = [.. copy.Subjects.OrderBy(subject => subject.Id)],
    };
}
