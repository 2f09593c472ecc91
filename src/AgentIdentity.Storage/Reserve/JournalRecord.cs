using System.Buffers.Binary;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Storage.Reserve;

/// <summary>An entry as the control journal keeps it: docs/formats.md, "Control journal".</summary>
internal static class JournalRecord
{
    private const int LengthSize = sizeof(int);
    private const int BodyStart = LengthSize + Hash.Size;
    private const int PartsStart = sizeof(ulong) + (4 * LengthSize);

    /// <summary>What a journal without records has in their place.</summary>
    public static int EmptySize => BodyStart;

    /// <param name="entry">What to keep.</param>
    /// <param name="previous">The hash of the record before it; zeros before the first.</param>
    /// <param name="hash">The hash of this one.</param>
    public static byte[] Write(StoredEntry entry, in Hash previous, out Hash hash)
    {
        byte[] subjects = [];
        byte[][] parts = [SubjectBytes.Write(entry.Subjects, ref subjects).ToArray(), entry.Leaf, entry.Entry, entry.Opening];
        var record = new byte[BodyStart + PartsStart + parts.Sum(part => part.Length)];
        var body = record.AsSpan(BodyStart);
        BinaryPrimitives.WriteInt32BigEndian(record, body.Length);
        BinaryPrimitives.WriteUInt64BigEndian(body, entry.Index.Value);
        var place = PartsStart;
        for (var i = 0; i < parts.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(body[(sizeof(ulong) + (i * LengthSize))..], parts[i].Length);
            parts[i].CopyTo(body[place..]);
            place += parts[i].Length;
        }
        hash = HashOf(previous, body);
        hash.CopyTo(record.AsSpan(LengthSize));
        return record;
    }

    /// <summary>Reads the record at the beginning of <paramref name="bytes"/>; false when there is none that follows the one before.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, in Hash previous, out StoredEntry? entry, out Hash hash, out int size)
    {
        (entry, hash, size) = (null, default, 0);
        if (bytes.Length < BodyStart)
            return false;
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes);
        if (length < PartsStart || length > bytes.Length - BodyStart)
            return false;
        var body = bytes.Slice(BodyStart, length);
        hash = HashOf(previous, body);
        if (hash != Hash.Read(bytes[LengthSize..BodyStart]))
            return false;
        entry = Read(body);
        size = BodyStart + length;
        return true;
    }

    // What has its hash was written whole, so that its lengths add up.
    private static StoredEntry Read(ReadOnlySpan<byte> body)
    {
        var parts = new byte[4][];
        var place = PartsStart;
        for (var i = 0; i < parts.Length; i++)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(body[(sizeof(ulong) + (i * LengthSize))..]);
            parts[i] = body.Slice(place, length).ToArray();
            place += length;
        }
        return new StoredEntry(new LeafIndex(BinaryPrimitives.ReadUInt64BigEndian(body)), parts[1], parts[2], parts[3], SubjectBytes.Read(parts[0]));
    }

    private static Hash HashOf(in Hash previous, ReadOnlySpan<byte> body) => Sha256.Hash([.. previous.ToArray(), .. body]);
}
