using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Checks a trail file with nothing else at hand. Steps: docs/formats.md, "Checking a trail file". Never throws, whatever the bytes are.</summary>
public static class TrailVerifier
{
    /// <summary>Checks a file.</summary>
    /// <param name="bytes">The file; they must not change afterwards.</param>
    /// <param name="trusted">The log's key from where the caller trusts it; null takes the file's own, and then nothing is proven.</param>
    public static TrailVerdict Verify(ReadOnlyMemory<byte> bytes, NoteVerifierKey? trusted) => Verify(bytes, trusted is null ? null : TlogPolicy.LogAlone(trusted));

    /// <summary>Checks a file.</summary>
    /// <param name="bytes">The file; they must not change afterwards.</param>
    /// <param name="policy">Whose word is enough for the caller; null takes the file's own log key, and then nothing is proven.</param>
    public static TrailVerdict Verify(ReadOnlyMemory<byte> bytes, TlogPolicy? policy)
    {
        var notes = new TrailFindings();

        // 1. The form. A file that cannot be read to its end has nothing that could be relied on.
        if (!TrailFile.TryRead(bytes, out var file, out var problem))
        {
            notes.Add(TrailProperty.File, problem);
            return notes.Conclude(null, null, []);
        }

        // 2. The checkpoint, and the key behind it.
        var trusted = TrustedCheckpoint.Open(file.Header.LogKey, file.Header.Checkpoint, file.RegistryEntries, policy);
        notes.Take(trusted);
        if (trusted is not { Key: { } logKey, Checkpoint: { } checkpoint })
            return notes.Conclude(file, null, []);

        // 3 to 6, 8, 11 to 13. Each entry by itself: signatures and paths are most of the work, and none waits for another.
        var entries = new EntryCheck[file.Entries.Count];
        var expected = new EntryExpectation(file.Header.AgentId, RotationChecks.KeysOf(file), file.Header.Label, checkpoint);
        Parallel.For(0, entries.Length, i => entries[i] = EntryCheck.Of(file.Entries[i], expected));
        if (entries is not [{ Entry.Body: AgentEnrolled enrolled }, ..] || enrolled.AgentId != expected.Agent)
            notes.Add(TrailProperty.Label, "the first entry does not enrol the agent, and so commits to no label");

        // 14. Who the registry is.
        var registry = new RegistryChecks(file, checkpoint, logKey, notes);
        registry.CheckKeys();
        notes.Genesis = registry.Genesis;
        if (entries is [{ Entry.Body: AgentEnrolled enrolment }, ..])
            registry.CheckEnrolment(enrolment, entries);

        // 6, 8 to 10, 12. What only their order shows.
        var walk = new TrailWalk(firstSequence: 0);
        var erasures = new ErasureChecks(expected.Agent, registry.Operators);
        var rotations = new RotationChecks(expected.Agent, expected.Keys, registry.Genesis);
        foreach (var entry in entries)
        {
            walk.Take(entry);
            erasures.Take(entry);
            rotations.Take(entry);
        }
        erasures.End();

        // 7. What the registry says they come to.
        registry.CheckHeads(walk.Head, isLastOpen: entries is [.., { Shown.IsClosed: false }]);

        // 16. What a chain is said to hold of it.
        notes.Anchor = AnchorWords.Check(file.Anchor, checkpoint, logKey, problem => notes.Add(TrailProperty.Anchor, problem));
        return notes.Conclude(file, checkpoint, entries);
    }
}
