using System.Buffers.Binary;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>
/// The bytes of an activity of a subject that was named before, which is what nearly every entry of a log is. They have one layout, so that
/// it can be compared instead of parsed: the general reader takes ten times as long, and whoever checks a whole log reads millions.
/// </summary>
internal static class ActivityForm
{
    // docs/formats.md, "Entry": what stands between the values, as CBOR writes it.
    private static ReadOnlySpan<byte> UpToTime => [0xa6, 0x00, 0x01, 0x01, 0x06, 0x02];

    private static ReadOnlySpan<byte> UpToSubject => [0x03, 0x81, 0x82, 0x50];

    private static ReadOnlySpan<byte> UpToActor => [0x04, 0x50];

    private static ReadOnlySpan<byte> UpToStatement => [0x05, 0xa4, 0x01];

    private static ReadOnlySpan<byte> UpToSignature => [0x03, 0x58, PublicKey.SignatureSize];

    /// <summary>The entry; null when the bytes are anything else, which says nothing about whether they are an entry.</summary>
    public static Entry? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (!TryFind(bytes, out var found))
            return null;
        var body = new Activity(found.Statement.ToArray(), (KeyAlgorithm)found.Algorithm, found.Signature.ToArray(), found.Class == (byte)EntryClass.Quarantined);
        return new Entry((long)found.At, [new EntrySubject(SubjectId.Read(found.Subject), found.Sequence)], SubjectId.Read(found.Actor), body);
    }

    /// <summary>The statement where it lies in an activity; false when the bytes are anything else.</summary>
    public static bool TryFindStatement(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> statement)
    {
        var isActivity = TryFind(bytes, out var found);
        statement = found.Statement;
        return isActivity;
    }

    private static bool TryFind(ReadOnlySpan<byte> bytes, out Parts found)
    {
        found = default;
        var rest = new Cursor(bytes);
        return rest.Passes(UpToTime) && rest.TryReadHead(Unsigned, out found.At) && found.At <= long.MaxValue
            && rest.Passes(UpToSubject) && rest.TryTake(SubjectId.Size, out found.Subject) && rest.TryReadHead(Unsigned, out found.Sequence) && found.Sequence != 0
            && rest.Passes(UpToActor) && rest.TryTake(SubjectId.Size, out found.Actor)
            && rest.Passes(UpToStatement) && rest.TryReadHead(ByteString, out var length) && rest.TryTake(length, out found.Statement)
            && rest.TryReadField(2, (byte)KeyAlgorithm.ES256, (byte)KeyAlgorithm.Ed25519, out found.Algorithm)
            && rest.Passes(UpToSignature) && rest.TryTake(PublicKey.SignatureSize, out found.Signature)
            && rest.TryReadField(4, (byte)EntryClass.Activity, (byte)EntryClass.Quarantined, out found.Class)
            && rest.IsAtEnd;
    }

    // What the layout holds, where it lies.
    private ref struct Parts
    {
        public ulong At, Sequence;
        public ReadOnlySpan<byte> Subject, Actor, Statement, Signature;
        public byte Algorithm, Class;
    }

    private const int Unsigned = 0;
    private const int ByteString = 2;

    private ref struct Cursor(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public bool Passes(ReadOnlySpan<byte> expected)
        {
            if (!_rest.StartsWith(expected))
                return false;
            _rest = _rest[expected.Length..];
            return true;
        }

        public bool TryTake(ulong count, out ReadOnlySpan<byte> taken)
        {
            taken = default;
            if (count > (ulong)_rest.Length)
                return false;
            taken = _rest[..(int)count];
            _rest = _rest[(int)count..];
            return true;
        }

        /// <summary>A key and one of two values that are neighbours or one apart, each of one byte.</summary>
        public bool TryReadField(byte key, byte least, byte most, out byte value)
        {
            value = 0;
            if (_rest.Length < 2 || _rest[0] != key || _rest[1] < least || _rest[1] > most)
                return false;
            value = _rest[1];
            _rest = _rest[2..];
            return true;
        }

        /// <summary>Type and number in the shortest form, which is the only one that is allowed.</summary>
        public bool TryReadHead(int type, out ulong number)
        {
            number = 0;
            if (_rest.IsEmpty || _rest[0] >> 5 != type)
                return false;
            var kind = _rest[0] & 0x1f;
            var size = kind < 24 ? 0 : kind < 28 ? 1 << (kind - 24) : -1;
            if (size < 0 || _rest.Length < 1 + size)
                return false;
            var bytes = _rest.Slice(1, size);
            (number, var least) = size switch
            {
                0 => ((ulong)kind, 0UL),
                1 => (bytes[0], 24UL),
                2 => (BinaryPrimitives.ReadUInt16BigEndian(bytes), 1UL << 8),
                4 => (BinaryPrimitives.ReadUInt32BigEndian(bytes), 1UL << 16),
                _ => (BinaryPrimitives.ReadUInt64BigEndian(bytes), 1UL << 32),
            };
            _rest = _rest[(1 + size)..];
            return number >= least;
        }
    }
}
