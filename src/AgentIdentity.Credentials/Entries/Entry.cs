using System.Formats.Cbor;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>Whom an entry is about. The commitment to the subject's label stands in its first entry and nowhere else.</summary>
public sealed record EntrySubject(SubjectId Id, ulong Sequence, Hash? LabelCommitment = null);

/// <summary>One entry of the ledger. Format: docs/formats.md, "Entry".</summary>
/// <param name="At">The registry's clock when it was sequenced, ms since 1970.</param>
/// <param name="Subjects">Ascending by id, distinct, at least one.</param>
/// <param name="Actor">Who asked: an operator, caller or agent, or the registry itself.</param>
/// <param name="Body">What it says.</param>
public sealed record Entry(long At, IReadOnlyList<EntrySubject> Subjects, SubjectId Actor, EntryBody Body)
{
    /// <summary>The only version there is.</summary>
    public const int Version = 1;

    /// <summary>The deterministic CBOR form.</summary>
    public byte[] Encode()
    {
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, initialCapacity: 512);
        cbor.WriteStartMap(6);
        cbor.WriteInt32(0);
        cbor.WriteInt32(Version);
        cbor.WriteInt32(1);
        cbor.WriteInt32((int)Body.Kind);
        cbor.WriteInt32(2);
        cbor.WriteInt64(At);
        cbor.WriteInt32(3);
        WriteSubjects(cbor);
        cbor.WriteInt32(4);
        cbor.WriteId(Actor);
        cbor.WriteInt32(5);
        EntryBodyCodec.Write(cbor, Body);
        cbor.WriteEndMap();
        return cbor.Encode();
    }

    /// <summary>Reads an entry; false for anything that is not exactly the deterministic form of a known kind and version.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out Entry entry)
    {
        if (ActivityForm.TryRead(bytes.Span) is { } activity)
        {
            entry = activity;
            return true;
        }
        return TryDecodeAny(bytes, out entry);
    }

    /// <summary>The commitments of an activity, where they lie in its entry; false for every other entry. Decodes nothing else: whoever indexes a whole log reads millions.</summary>
    public static bool TryReadCommitments(ReadOnlySpan<byte> bytes, out ReadOnlySpan<Hash> commitments)
    {
        commitments = default;
        return ActivityForm.TryFindStatement(bytes, out var statement) && SignedStatement.TryReadCommitments(statement, out commitments);
    }

    /// <summary>Whether the bytes can only be an entry of that kind, if they are an entry at all.</summary>
    public static bool HasKind(ReadOnlySpan<byte> bytes, EntryKind kind) =>
        bytes.Length > 5 && bytes[..4].SequenceEqual((ReadOnlySpan<byte>)[0xa6, 0x00, Version, 0x01]) && bytes[4] == (byte)kind;

    internal static bool TryDecodeAny(ReadOnlyMemory<byte> bytes, out Entry entry)
    {
        entry = null!;
        try
        {
            var cbor = new CborReader(bytes, CborConformanceMode.Ctap2Canonical);
            var read = Read(cbor);
            // The reader checks form; comparing the bytes also catches what is well-formed and still not ours (a second spelling of a value).
            if (cbor.BytesRemaining != 0 || !read.Encode().AsSpan().SequenceEqual(bytes.Span))
                return false;
            entry = read;
            return true;
        }
        catch (Exception refused) when (refused is CborContentException or InvalidOperationException or OverflowException or FormatException)
        {
            return false;
        }
    }

    private static Entry Read(CborReader cbor)
    {
        cbor.ReadMapOf(6);
        cbor.ReadKey(0);
        if (cbor.ReadInt32() != Version)
            throw new FormatException("unknown version");
        cbor.ReadKey(1);
        var kind = (EntryKind)cbor.ReadInt32();
        cbor.ReadKey(2);
        var at = cbor.ReadInstant();
        cbor.ReadKey(3);
        var subjects = ReadSubjects(cbor);
        cbor.ReadKey(4);
        var actor = cbor.ReadId();
        cbor.ReadKey(5);
        var body = EntryBodyCodec.Read(cbor, kind);
        cbor.ReadEndMap();
        return new Entry(at, subjects, actor, body);
    }

    private void WriteSubjects(CborWriter cbor)
    {
        cbor.WriteStartArray(Subjects.Count);
        foreach (var subject in Subjects)
        {
            cbor.WriteStartArray(subject.LabelCommitment is null ? 2 : 3);
            cbor.WriteId(subject.Id);
            cbor.WriteUInt64(subject.Sequence);
            if (subject.LabelCommitment is { } commitment)
                cbor.WriteHash(commitment);
            cbor.WriteEndArray();
        }
        cbor.WriteEndArray();
    }

    private static EntrySubject[] ReadSubjects(CborReader cbor)
    {
        var subjects = cbor.ReadArrayOf(ReadSubject);
        if (subjects.Length == 0)
            throw new FormatException("an entry is about somebody");
        for (var i = 1; i < subjects.Length; i++)
        {
            if (subjects[i - 1].Id.CompareTo(subjects[i].Id) >= 0)
                throw new FormatException("subjects ascend");
        }
        return subjects;
    }

    private static EntrySubject ReadSubject(CborReader cbor)
    {
        var length = cbor.ReadStartArray();
        var id = cbor.ReadId();
        var sequence = cbor.ReadUInt64();
        if (length != (sequence == 0 ? 3 : 2))
            throw new FormatException("the label is committed in the first entry, and only there");
        Hash? commitment = length == 3 ? cbor.ReadHash() : null;
        cbor.ReadEndArray();
        return new EntrySubject(id, sequence, commitment);
    }
}
