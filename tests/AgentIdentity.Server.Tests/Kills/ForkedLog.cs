using System.Collections.Concurrent;
using AgentIdentity.Ledger;

namespace AgentIdentity.Server.Tests.Kills;

/// <summary>A log whose key signs two histories, which are one for their first entries: what no witness may go along with. Remembers all that was cosigned of either.</summary>
internal sealed class ForkedLog : IDisposable
{
    /// <summary>Entries of each history.</summary>
    public const int Entries = 1 << 12;

    /// <summary>How far they race; what is left is for questions afterwards.</summary>
    public const int Raced = Entries / 2;

    /// <summary>Entries that both begin with.</summary>
    public const int Common = 20;

    private readonly Ed25519PrivateKey _privateKey = Ed25519PrivateKey.Generate();
    private readonly NoteSignerKey _key;
    private readonly Hash[][][] _levels = [Grow(0), Grow(1)];

    public ForkedLog(string origin) => _key = new NoteSignerKey(origin, _privateKey);

    public NoteVerifierKey Verifier => _key.Verifier;

    public ConcurrentQueue<Checkpoint> Cosigned { get; } = new();

    /// <summary>What asks a witness that has cosigned the old size for the next, in one of the two histories.</summary>
    public WitnessRequest Request(int history, TreeSize old, TreeSize size)
    {
        SignedNote note;
        lock (_key)
            note = new Checkpoint(Verifier.Name, size, Root(history, size)).Sign(_key);
        return new WitnessRequest(old, ConsistencyProof.Build(old, size, (level, index) => Node(history, level, index)), note);
    }

    /// <summary>Whether all of them are checkpoints of that history.</summary>
    public bool IsAllOf(int history, IEnumerable<Checkpoint> checkpoints) => checkpoints.All(checkpoint => checkpoint.Root == Root(history, checkpoint.Size));

    public void Dispose() => _privateKey.Dispose();

    private Hash Root(int history, TreeSize size) => MerkleHash.Root(size, (level, index) => Node(history, level, index));

    private Hash Node(int history, int level, ulong index) => _levels[history][level][index];

    private static Hash[][] Grow(int history)
    {
        var level = Enumerable.Range(0, Entries).Select(number => MerkleHash.Leaf([(byte)(number < Common ? 0 : history), (byte)number, (byte)(number >> 8)])).ToArray();
        var levels = new List<Hash[]> { level };
        while (level.Length > 1)
            levels.Add(level = [.. level.Chunk(2).Select(pair => MerkleHash.Node(pair[0], pair[1]))]);
        return [.. levels];
    }
}
