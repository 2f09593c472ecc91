using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage.Tests;

/// <summary>One way to build each thing. What an entry holds follows from its index, so that any process can tell whether it is the one appended.</summary>
internal static class Fixtures
{
    /// <summary>The subjects that entries are about in turn.</summary>
    public const int Subjects = 5;

    public static SubjectId Subject(int n) => new(new UInt128(0x0199_0000_0000_7000, 0x8000_0000_0000_0000 + (ulong)n));

    /// <summary>The entry at an index, about one subject unless others are named.</summary>
    public static StoredEntry Entry(ulong index, int openingBytes = 44, params SubjectSequence[] subjects) => new(
        new LeafIndex(index), Bytes(66, index), Bytes(140, ~index), Bytes(openingBytes, index * 31),
        subjects.Length > 0 ? subjects : [new SubjectSequence(Subject((int)(index % Subjects)), index / Subjects)]);

    public static StoredEntry[] Entries(ulong first, int count) => [.. Enumerable.Range(0, count).Select(i => Entry(first + (ulong)i))];

    public static StoredCheckpoint Checkpoint(ulong size) =>
        new(new TreeSize(size), Hash.Read(Bytes(Hash.Size, size)), $"localhost:5000\n{size}\nüber\n\n— localhost:5000 signature\n");

    public static StoredTile Tile(int hashes, int level = 0, ulong index = 0) => new(level, index, Bytes(hashes * Hash.Size, (ulong)level + index));

    /// <summary>Appends the next entries, in one commit.</summary>
    public static void Append(this ILedgerStore store, int count)
    {
        var size = store.Size.Value;
        store.Append(new LeafIndex(size), Entries(size, count));
    }

    /// <summary>Fails unless these are the entries from <paramref name="first"/> on, byte for byte.</summary>
    public static void AssertEntries(ulong first, int count, IReadOnlyList<StoredEntry> found) => AssertSame(Entries(first, count), found);

    public static void AssertSame(IReadOnlyList<StoredEntry> expected, IReadOnlyList<StoredEntry> found)
    {
        Assert.Equal(expected.Select(entry => entry.Index), found.Select(entry => entry.Index));
        foreach (var (one, other) in expected.Zip(found))
        {
            AssertSame(one.Leaf, other.Leaf);
            AssertSame(one.Entry, other.Entry);
            AssertSame(one.Opening, other.Opening);
            Assert.Equal(one.Subjects, other.Subjects);
        }
    }

    private static void AssertSame(byte[] expected, byte[] found) =>
        Assert.True(expected.AsSpan().SequenceEqual(found), "the bytes are others");

    // A multiplicative sequence: tests make hundreds of thousands of entries.
    private static byte[] Bytes(int count, ulong seed)
    {
        var bytes = new byte[count];
        var state = 2 * seed + 1;
        foreach (ref var b in bytes.AsSpan())
            b = (byte)((state *= 6364136223846793005) >> 56);
        return bytes;
    }
}
