using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>300 leaves of a history of another log; two of different numbers differ in every leaf.</summary>
internal sealed class GrownTree(int history)
{
    private readonly Hash[] _leaves = [.. Enumerable.Range(0, 300).Select(number => MerkleHash.Leaf([(byte)history, (byte)number, (byte)(number >> 8)]))];

    public Hash Root(ulong size) => MerkleHash.Root(_leaves.AsSpan(0, (int)size));

    /// <summary>Asks a witness that has cosigned the old size to cosign the other.</summary>
    public WitnessRequest Request(NoteSignerKey log, ulong old, ulong size) =>
        new(new TreeSize(old), ConsistencyProof.Build(new TreeSize(old), new TreeSize(size), Node), Note(log, size));

    public SignedNote Note(NoteSignerKey log, ulong size) => new Checkpoint(log.Verifier.Name, new TreeSize(size), Root(size)).Sign(log);

    private Hash Node(int level, ulong index) => MerkleHash.Root(_leaves.AsSpan((int)(index << level), 1 << level));
}
