using System.Buffers.Binary;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>A row of the subject index; in the order of the index.</summary>
internal readonly record struct SubjectRow(SubjectId Subject, long Sequence, long Index) : IComparable<SubjectRow>
{
    public int CompareTo(SubjectRow other)
    {
        var order = Subject.CompareTo(other.Subject);
        return order != 0 ? order : Sequence.CompareTo(other.Sequence);
    }
}

/// <summary>The subjects of an entry as its row keeps them: for each, 16 bytes of id and 8 of sequence number, big-endian.</summary>
internal static class SubjectBytes
{
    public const int Size = SubjectId.Size + sizeof(ulong);

    /// <summary>Writes them to the buffer, which grows as needed.</summary>
    public static ReadOnlySpan<byte> Write(IReadOnlyList<SubjectSequence> subjects, ref byte[] buffer)
    {
        if (buffer.Length < subjects.Count * Size)
            buffer = new byte[subjects.Count * Size];
        for (var i = 0; i < subjects.Count; i++)
        {
            if (i > 0 && subjects[i - 1].Subject.CompareTo(subjects[i].Subject) >= 0)
                throw new ArgumentException($"The subjects of an entry ascend; {subjects[i].Subject} follows {subjects[i - 1].Subject}.", nameof(subjects));
            var place = buffer.AsSpan(i * Size, Size);
            subjects[i].Subject.CopyTo(place);
            BinaryPrimitives.WriteInt64BigEndian(place[SubjectId.Size..], checked((long)subjects[i].Sequence));
        }

        return buffer.AsSpan(0, subjects.Count * Size);
    }

    public static SubjectSequence[] Read(ReadOnlySpan<byte> bytes)
    {
        var subjects = new SubjectSequence[bytes.Length / Size];
        for (var i = 0; i < subjects.Length; i++)
            subjects[i] = ReadOne(bytes[(i * Size)..]);
        return subjects;
    }

    /// <summary>Whether the subject is among them with a sequence number from <paramref name="firstSequence"/> on.</summary>
    public static bool Names(ReadOnlySpan<byte> bytes, SubjectId subject, ulong firstSequence)
    {
        for (; bytes.Length >= Size; bytes = bytes[Size..])
        {
            var named = ReadOne(bytes);
            if (named.Subject == subject)
                return named.Sequence >= firstSequence;
        }

        return false;
    }

    public static void AddRows(ReadOnlySpan<byte> bytes, long index, List<SubjectRow> rows)
    {
        for (; bytes.Length >= Size; bytes = bytes[Size..])
        {
            var named = ReadOne(bytes);
            rows.Add(new SubjectRow(named.Subject, (long)named.Sequence, index));
        }
    }

    private static SubjectSequence ReadOne(ReadOnlySpan<byte> bytes) =>
        new(SubjectId.Read(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[SubjectId.Size..]));
}
