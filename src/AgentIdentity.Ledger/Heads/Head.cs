using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace AgentIdentity.Ledger;

/// <summary>Where a subject stands: how many entries are about it, and the last of them.</summary>
/// <param name="Count">Entries about the subject; the last one's number is one less.</param>
/// <param name="Hash">The hash of the last entry, in whatever sense the log's format gives it.</param>
/// <param name="Index">The leaf of the last entry.</param>
public readonly record struct Head(ulong Count, Hash Hash, LeafIndex Index)
{
    /// <summary>Bytes of a key with its head: key ‖ uint64 count ‖ hash ‖ uint64 index.</summary>
    internal const int SizeWithKey = (2 * Hash.Size) + (2 * sizeof(ulong));

    internal static Head Read(ReadOnlySpan<byte> bytes, out Hash key)
    {
        key = Hash.Read(bytes[..Hash.Size]);
        bytes = bytes[Hash.Size..];
        return new Head(
            BinaryPrimitives.ReadUInt64BigEndian(bytes), Hash.Read(bytes.Slice(sizeof(ulong), Hash.Size)),
            new LeafIndex(BinaryPrimitives.ReadUInt64BigEndian(bytes[(sizeof(ulong) + Hash.Size)..])));
    }

    internal void Write(in Hash key, Span<byte> destination)
    {
        key.CopyTo(destination);
        destination = destination[Hash.Size..];
        BinaryPrimitives.WriteUInt64BigEndian(destination, Count);
        Hash.CopyTo(destination[sizeof(ulong)..]);
        BinaryPrimitives.WriteUInt64BigEndian(destination[(sizeof(ulong) + Hash.Size)..], Index.Value);
    }

    /// <summary>The hash of a leaf of the map: H(0x00 ‖ key ‖ count ‖ hash ‖ index).</summary>
    [SkipLocalsInit]
    internal Hash LeafHash(in Hash key)
    {
        Span<byte> leaf = stackalloc byte[1 + SizeWithKey];
        leaf[0] = 0x00;
        Write(in key, leaf[1..]);
        return Sha256.Hash(leaf);
    }
}
