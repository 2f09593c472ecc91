using System.Buffers.Binary;
using AgentIdentity.Ledger;

namespace AgentIdentity.Storage.Commitments;

/// <summary>The first eight bytes of a commitment, and an entry that holds it. Two commitments may begin alike: whoever finds a pair reads the entry.</summary>
internal readonly record struct CommitmentPair(ulong Prefix, ulong Index) : IComparable<CommitmentPair>
{
    public const int Size = 16;

    public static ulong PrefixOf(in Hash commitment)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        commitment.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    public static CommitmentPair Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Prefix);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Index);
    }

    public int CompareTo(CommitmentPair other) => Prefix != other.Prefix ? Prefix.CompareTo(other.Prefix) : Index.CompareTo(other.Index);
}
